"""Opening a bundle: digests first, then the golden images, and only then may it serve."""

from pathlib import Path

from pydantic import ValidationError

from inspection.bundle.manifest import MANIFEST_FILE, STUDENT_FILE, Manifest
from inspection.bundle.self_test import run_self_test
from inspection.errors import BundleError, BundleMissing, BundleTampered
from inspection.images.digest import sha256_of_file
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession


def open_bundle(directory: Path, *, threads: int = 0) -> Inspector:
    """Verify the bundle at `directory` and return an Inspector ready to judge. Raises BundleError."""
    manifest = read_manifest(directory)
    verify_digests(directory, manifest)
    inspector = Inspector(StudentSession(directory / STUDENT_FILE, threads=threads), manifest)
    run_self_test(directory, inspector)
    return inspector


def read_manifest(directory: Path) -> Manifest:
    """The manifest at `directory`, checked against the name that its content gives it."""
    path = directory / MANIFEST_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise BundleMissing(f"{directory}: no bundle here", "build one with `python -m distill build`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: {error}", "make the file readable or build the bundle again") from None
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in fault["loc"]) or "(whole file)"
        raise BundleError(f"{path}: {key}: {fault['msg']}", "build the bundle again with this version") from None
    if manifest.bundle_id != manifest.expected_bundle_id():
        raise BundleTampered(f"{path}: was changed after the bundle was built", "restore the bundle or build it again")
    return manifest


def verify_digests(directory: Path, manifest: Manifest) -> None:
    """Raise BundleTampered where a file is missing or differs from the manifest's digest.

    Raises BundleError where the manifest does not vouch for the student and at least one golden image.
    """
    named = {STUDENT_FILE, *(golden.file for golden in manifest.golden_images)}
    unproven = sorted(named - set(manifest.files_sha256))
    if unproven or not manifest.golden_images:
        lack = f"has no digest of {unproven[0]}" if unproven else "names no golden image"
        raise BundleError(f"{directory / MANIFEST_FILE}: {lack}", "build the bundle again with this version")
    for name, expected in manifest.files_sha256.items():
        path = directory / name
        try:
            found = sha256_of_file(path)
        except FileNotFoundError:
            raise BundleTampered(f"{path}: is missing", "restore the bundle or build it again") from None
        except OSError as error:
            raise BundleError(f"{path}: {error.strerror}", "make the file readable or build the bundle again") from None
        if found != expected:
            raise BundleTampered(f"{path}: is not the file the manifest names", "restore the bundle or build it again")
