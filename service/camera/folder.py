"""The folder that a camera writes to: which of its pictures are finished?"""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inspection.images.folders import SUFFIXES
from inspection.images.wholeness import is_whole

# Formats that say themselves where they end; of the others only time tells.
_ENDING_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A picture file as one look at the folder found it. Another size or time of change makes it another picture."""

    name: str
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture. `digest` names it by place, time and content: found again, it is the same picture."""

    sighting: Sighting
    data: bytes

    @property
    def digest(self) -> str:
        seen = self.sighting
        place = f"{seen.name}\0{seen.size}\0{seen.changed_ns}\0".encode(errors="surrogateescape")
        return hashlib.sha256(place + self.data).hexdigest()


class Folder:
    """Pictures below `root`. Names that begin with a dot, and folders of such names, are passed over.

    A PNG or JPEG is finished with its end marker. A BMP or TIFF is once nobody has changed it for `settle_s`. A PNG or
    JPEG that never comes to its end counts as finished after `damaged_after_s`: the service holds it for a person, and
    no part is dropped.
    """

    def __init__(
        self,
        root: Path,
        *,
        by_name: bool = False,
        settle_s: float = 1.0,
        damaged_after_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self._by_name = by_name
        self._settle_s = settle_s
        self._damaged_after_s = damaged_after_s
        self._clock = clock
        # By our own clock: that of a network share may be off by hours.
        self._first_seen: dict[Sighting, float] = {}

    def look(self) -> list[Sighting]:
        """All pictures that are there now, finished or not, by time of change or by name. Raises OSError."""
        found = sorted(self._walk(self.root), key=self._place_in_line)
        now = self._clock()
        self._first_seen = {seen: self._first_seen.get(seen, now) for seen in found}
        return found

    def read(self, seen: Sighting) -> Picture | None:
        """The picture, or None where it is not finished, or gone. Raises OSError where it cannot be read."""
        unchanged_s = self._clock() - self._first_seen.get(seen, self._clock())
        ends_itself = Path(seen.name).suffix.lower() in _ENDING_SUFFIXES
        if not ends_itself and unchanged_s < self._settle_s:
            return None
        try:
            data = (self.root / seen.name).read_bytes()
            if self._sighting(seen.name) != seen or len(data) != seen.size:
                return None
        except FileNotFoundError:
            return None
        if ends_itself and unchanged_s < self._damaged_after_s and not _has_come_to_its_end(data):
            return None
        return Picture(seen, data)

    def remove(self, seen: Sighting) -> None:
        """Remove a picture, unless another has taken its place. Raises OSError."""
        try:
            if self._sighting(seen.name) == seen:
                (self.root / seen.name).unlink()
        except FileNotFoundError:
            return

    def _walk(self, folder: Path) -> Iterator[Sighting]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    yield from self._walk(Path(entry.path))
                elif Path(entry.name).suffix.lower() in SUFFIXES:
                    try:
                        yield self._sighting(Path(entry.path).relative_to(self.root).as_posix())
                    except FileNotFoundError:
                        continue

    def _place_in_line(self, seen: Sighting) -> tuple[int, list[str | int]]:
        return 0 if self._by_name else seen.changed_ns, natural_order(seen.name)

    def _sighting(self, name: str) -> Sighting:
        facts = (self.root / name).stat()
        return Sighting(name, facts.st_size, facts.st_mtime_ns)


def natural_order(name: str) -> list[str | int]:
    """Sort key of a name in which numbers count as numbers: part-9 before part-10."""
    return [int(piece) if number % 2 else piece for number, piece in enumerate(_DIGITS.split(name))]


def _has_come_to_its_end(data: bytes) -> bool:
    # An empty or foreign file has no end to come to: it may be the first moment of a picture.
    return data[:2] in (b"\x89P", b"\xff\xd8") and is_whole(data)
