"""The bundles this process has verified and loaded, by their id. Several serve side by side."""

import threading
from pathlib import Path

import numpy as np

from inspection.bundle.manifest import Provenance
from inspection.bundle.reader import open_bundle, read_manifest, verify_digests
from inspection.errors import BundleError, BundleMissing
from inspection.inspector import Inspector


def open_to_serve(directory: Path) -> Inspector:
    """A verified bundle whose session leaves each image to one core: the pool has a scoring thread for each of them.

    Cores that share an image spend more on waiting for each other than they gain. Raises BundleError.
    """
    return open_bundle(directory, threads=1)


class BundleShelf:
    """Bundles lie in `directory`, each in a folder named by its id, or where `place` was told.

    No path ever comes from a request: an id either names a bundle here, or nothing. Safe for several threads.
    """

    def __init__(self, directory: Path, *, batch_limit: int = 8) -> None:
        self.directory = directory
        self._batch_limit = batch_limit
        self._places: dict[str, Path] = {}
        self._loaded: dict[str, Inspector] = {}
        self._loading = threading.Lock()

    def place(self, inspector: Inspector, directory: Path | None) -> None:
        """A bundle that is open already, and where its files lie."""
        self._loaded[inspector.bundle_id] = inspector
        if directory is not None:
            self._places[inspector.bundle_id] = directory

    @property
    def loaded_ids(self) -> list[str]:
        return sorted(self._loaded)

    @property
    def known_ids(self) -> list[str]:
        """All that could be loaded, without looking into them."""
        in_folder = (path.name for path in self.directory.glob("bundle-*") if path.is_dir())
        return sorted({*in_folder, *self._places, *self._loaded})

    def find(self, bundle_id: str) -> Inspector | None:
        """The bundle if it is loaded."""
        return self._loaded.get(bundle_id)

    def find_provenance(self, bundle_id: str) -> Provenance | None:
        """What the bundle was made from, as its manifest says; None where it is not on this machine any more."""
        if (inspector := self._loaded.get(bundle_id)) is not None:
            return inspector.manifest.provenance
        try:
            return read_manifest(self._place_of(bundle_id)).provenance
        except BundleError:
            return None

    def load(self, bundle_id: str) -> Inspector:
        """Verify, self-test and warm up, unless that is done already. Raises BundleError naming the remedy."""
        with self._loading:
            if (inspector := self._loaded.get(bundle_id)) is not None:
                return inspector
            inspector = open_to_serve(self._place_of(bundle_id))
            if inspector.bundle_id != bundle_id:
                raise BundleError(f"{bundle_id}: its folder holds {inspector.bundle_id}", "add the bundle again")
            self._warm_up(inspector)
            self._loaded[bundle_id] = inspector
            return inspector

    def keep_only(self, bundle_ids: set[str]) -> None:
        """Let the others go; images that are under way keep theirs until they are judged."""
        for bundle_id in set(self._loaded) - bundle_ids:
            self._loaded.pop(bundle_id, None)

    def check(self, bundle_id: str) -> None:
        """Raise BundleError where the files of a bundle are no longer what was loaded."""
        place = self._places.get(bundle_id, self.directory / bundle_id)
        manifest = read_manifest(place)
        if manifest.bundle_id != bundle_id:
            raise BundleError(f"{place}: holds {manifest.bundle_id} now", f"restore {bundle_id} there")
        verify_digests(place, manifest)

    def _place_of(self, bundle_id: str) -> Path:
        if bundle_id in self._places:
            return self._places[bundle_id]
        if bundle_id not in self.known_ids:
            raise BundleMissing(f"{bundle_id}: no such bundle on this machine", "run `python -m service bundles add`")
        return self.directory / bundle_id

    def _warm_up(self, inspector: Inspector) -> None:
        """Every batch size once: ONNX Runtime plans its memory at the first of each."""
        side = inspector.manifest.preprocessing.input_px
        for count in range(1, self._batch_limit + 1):
            inspector.session.score(np.full((count, side, side, 3), 128, np.uint8))
