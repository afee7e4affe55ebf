"""What a picture's name and place say of the part."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from service.camera.folder import Picture
from service.client import Trigger

_LONGEST = 128
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Naming:
    """The part is called as its file, the lot as the topmost folder it lies in, unless told otherwise.

    `pattern` is searched in the file's name without its suffix; its groups `part` and `lot`, where it has them and they
    are found, win over the rest.
    """

    station: str
    lot: str | None = None
    pattern: re.Pattern[str] | None = None

    def trigger_of(self, picture: Picture) -> Trigger:
        """The same picture always gives the same trigger, from another process and after any loss of memory too."""
        seen, digest = picture.sighting, picture.digest
        place = PurePosixPath(seen.name)
        found = self.pattern.search(place.stem) if self.pattern else None
        groups = {} if found is None else {name: text for name, text in found.groupdict().items() if text}
        folder = place.parts[0] if len(place.parts) > 1 else None
        lot = groups.get("lot") or self.lot or folder
        return Trigger(
            station=self.station,
            part_id=_label(groups.get("part") or place.stem, digest),
            lot=None if lot is None else _label(lot, digest),
            trigger_id=f"{_label(place.stem, digest)[:100]}-{digest[:24]}",
            captured_at=datetime.fromtimestamp(seen.changed_ns / 1e9, UTC),
        )


def _label(text: str, digest: str) -> str:
    """`text` as the service takes it; a name too long keeps its beginning and stays one of its own."""
    fit = _UNFIT.sub("_", text).strip() or "_"
    return fit if len(fit) <= _LONGEST else f"{fit[: _LONGEST - 13].strip()}-{digest[:12]}"
