"""Bundles changed on purpose, under a name that follows from their new content."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from inspection.bundle.manifest import MANIFEST_FILE, Manifest
from inspection.bundle.reader import read_manifest
from inspection.images.digest import sha256_of_file


def rewritten(bundle: Path, out: Path, **changes: Any) -> Path:
    """A copy of `bundle` whose manifest says otherwise, as a careless tool would leave it."""
    shutil.copytree(bundle, out)
    return rewrite(out, **changes)


def rewrite(bundle: Path, **changes: Any) -> Path:
    """Change the manifest in place; the digests are those of the files as they now are."""
    before = read_manifest(bundle)
    digests = {name: sha256_of_file(bundle / name) for name in before.files_sha256}
    manifest: Manifest = before.model_copy(update={"files_sha256": digests, **changes})
    named = manifest.model_copy(update={"bundle_id": manifest.expected_bundle_id()})
    (bundle / MANIFEST_FILE).write_text(named.model_dump_json(), encoding="utf-8")
    return bundle
