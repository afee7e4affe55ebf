"""The disk: an alarm while there is still room, and a reserve that belongs to the record alone."""

import shutil
from pathlib import Path

from inspection.errors import StorageError
from service.alarms import Alarms, Told
from service.web.languages import mark


class Disk:
    """Watches the disk of `folder` (None: there is none to watch).

    Below `low_bytes` an alarm is raised. Below `reserve_bytes` no more images are taken: what is left is for verdicts,
    so that a part can still be held on record when its picture finds no room.
    """

    def __init__(self, folder: Path | None, alarms: Alarms, *, low_bytes: int, reserve_bytes: int) -> None:
        self.folder = folder
        self._alarms = alarms
        self._low_bytes = low_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes: int | None = None
        self.look()

    @property
    def free_bytes(self) -> int | None:
        """At the last look; None where nobody can tell."""
        return self._free_bytes

    def look(self) -> None:
        """Read the free space and set both alarms. Cheap: to be done every second."""
        self._free_bytes = self._read()
        if self._free_bytes is None:
            return
        values: dict[str, str | int] = {"free": round(self._free_bytes / 2**20), "folder": str(self.folder)}
        told = [Told(mark("%(free)s MB are free at %(folder)s"), values)]
        self._alarms.set("disk_low", told if self._free_bytes < self._low_bytes else [])
        self._alarms.set("disk_full", told if self._is_full else [])

    def require_room(self) -> None:
        """Raise StorageError where only the reserve is left."""
        if self._is_full:
            raise StorageError(
                f"{self.folder}: the disk is full",
                "free space, or let `python -m service retention` remove old images",
            )

    @property
    def _is_full(self) -> bool:
        return self._free_bytes is not None and self._free_bytes < self._reserve_bytes

    def _read(self) -> int | None:
        if self.folder is None:
            return None
        try:
            # The folder may not be there yet; its disk is that of the nearest one above that is.
            place = next(path for path in (self.folder, *self.folder.parents) if path.exists())
            return shutil.disk_usage(place).free
        except OSError:
            return None
