"""Bundles as a night finds them: beside the service's, or where the service was told."""

from pathlib import Path

from inspection.bundle.manifest import MANIFEST_FILE, Manifest
from inspection.bundle.reader import open_bundle, read_manifest
from inspection.errors import BundleMissing
from inspection.inspector import Inspector
from service.settings import ServiceSettings


def find_bundle(settings: ServiceSettings, bundle_id: str) -> Path:
    """The directory of that bundle. Raises BundleMissing."""
    place = settings.bundle_directory / bundle_id
    if (place / MANIFEST_FILE).is_file():
        return place
    if settings.bundle is not None and read_manifest(settings.bundle).bundle_id == bundle_id:
        return settings.bundle
    raise BundleMissing(f"{bundle_id}: is not on this machine", "run `python -m service bundles add DIRECTORY`")


def read_manifest_of(settings: ServiceSettings, bundle_id: str) -> Manifest:
    """Raises BundleError."""
    return read_manifest(find_bundle(settings, bundle_id))


def open_bundle_of(settings: ServiceSettings, bundle_id: str) -> Inspector:
    """Raises BundleError."""
    return open_bundle(find_bundle(settings, bundle_id))
