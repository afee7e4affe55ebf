"""Suggesting a defect's name from a few examples: parts that people gave that name, by the student's own embeddings.

Of each image the embedding of its most unusual region is taken. A name's examples have a mean and a radius; a part that
lies within the radius of the nearest mean, and not as near to another, gets that name suggested (nearest class mean, as
in Snell, Swersky and Zemel 2017, "Prototypical networks for few-shot learning"). All of it happens beside the work: a
part waits at once, and its suggestion follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inspection.errors import BundleError, StorageError
from inspection.inspector import Inspector
from inspection.verdict import Inspection
from service.db.tables import Station, StoredInspection
from service.defect_names.operations import read_naming
from service.errors import NotFound
from service.review.opinions import is_live
from service.review.tables import Disposition, WaitingPart
from service.runtime import Runtime

LEAST_EXAMPLES = 3
LOOKED_AHEAD = 1000
"""Parts of the queue that come up next; what waits behind them is looked at as the queue shrinks."""
_EXAMPLES_OF_A_NAME, _EXAMPLES_READ, _PARTS_AT_ONCE = 12, 400, 48
# The watch has other things to look at: so many images are read and run through the student at a time.
_RUNS_AT_ONCE = 8
_DESCRIBED_COUNT = 4096
# How much farther than its farthest example a part may lie, and how much nearer than to another name it must.
_REACH, _LEAD = 1.25, 0.8


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image to be described: whose it is, and where it is kept."""

    inspection_id: int
    station: str
    sha256: str


@dataclass(slots=True)
class Suggesting:
    """What one process knows of examples and of the parts it has looked at; `look` goes on where it stopped."""

    _described: dict[tuple[str, str, str], np.ndarray | None] = field(default_factory=dict)
    _looked_at: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Parts of the queue, each with the bundle and the crop that described it."""
    _named: frozenset[str] = frozenset()
    _runs_left: int = 0

    def look(self, runtime: Runtime) -> int:
        """Suggest names for some of the parts that wait; how many were looked at. Raises SQLAlchemyError."""
        self._runs_left = _RUNS_AT_ONCE
        with runtime.database.reading() as session:
            examples = _find_examples(session)
        # With other names everything is looked at anew.
        if self._named != examples.keys():
            self._named, self._looked_at = frozenset(examples), {}
        if not examples:
            return 0
        with runtime.database.reading() as session:
            waiting = _find_waiting(session)
        # With another model, of the plant, of a line or of a station, the parts that it judges.
        describers = {station: _describer_of(runtime, station) for station in {picture.station for picture in waiting}}
        self._looked_at = {
            picture.inspection_id: describers[picture.station]
            for picture in waiting
            if self._looked_at.get(picture.inspection_id) == describers[picture.station]
        }
        fresh = (picture for picture in waiting if picture.inspection_id not in self._looked_at)
        found = {}
        for picture in islice(fresh, _PARTS_AT_ONCE):
            name = self._suggest(runtime, picture, examples)
            if self._runs_left < 0:
                break
            found[picture.inspection_id] = name
            self._looked_at[picture.inspection_id] = describers[picture.station]
        if found:
            with runtime.database.writing() as session:
                _store(session, found)
        return len(found)

    def _suggest(self, runtime: Runtime, picture: _Picture, examples: Mapping[str, Sequence[_Picture]]) -> str | None:
        inspector = runtime.in_force.plan_of(picture.station).inspector
        if inspector is None:
            return None
        described = {
            name: [seen for one in pictures if (seen := self._describe(runtime, inspector, one)) is not None]
            for name, pictures in examples.items()
        }
        own = self._describe(runtime, inspector, picture)
        return None if own is None else nearest_name(own, described)

    def _describe(self, runtime: Runtime, inspector: Inspector, picture: _Picture) -> np.ndarray | None:
        key = (*_describer(inspector), picture.sha256)
        if key not in self._described:
            self._runs_left -= 1
            if self._runs_left < 0:
                return None
            if len(self._described) >= _DESCRIBED_COUNT:
                self._described.clear()
            try:
                self._described[key] = _run(runtime, inspector, picture)
            except StorageError:
                # The store is away for now; another look finds it.
                return None
        return self._described[key]


def _describer_of(runtime: Runtime, station: str) -> tuple[str, str]:
    """(bundle, crop) by which parts of the station are described now; empty words where its bundle is not here."""
    inspector = runtime.in_force.plan_of(station).inspector
    return ("", "") if inspector is None else _describer(inspector)


def _describer(inspector: Inspector) -> tuple[str, str]:
    return inspector.bundle_id, str(inspector.profile.crop)


def nearest_name(own: np.ndarray, examples: Mapping[str, Sequence[np.ndarray]]) -> str | None:
    """The name whose examples float32 [D] lie about `own` [D]; None where no name does, or two do."""
    distances = []
    for name, seen in examples.items():
        if len(seen) < LEAST_EXAMPLES:
            continue
        mean = np.mean(seen, axis=0)
        radius = max(float(np.linalg.norm(one - mean)) for one in seen)
        distances.append((float(np.linalg.norm(own - mean)), radius, name))
    distances.sort()
    if not distances:
        return None
    distance, radius, name = distances[0]
    is_alone = len(distances) == 1 or distance <= _LEAD * distances[1][0]
    return name if is_alone and distance <= _REACH * radius else None


def embed_region(anomaly_map: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """float32 [T, h, w] and [T, rows, columns, D] of an image's tiles to [D]: the cells of the most unusual region,
    against the tile's median, so that lot and light matter less."""
    tile = int(anomaly_map.reshape(len(anomaly_map), -1).max(axis=1).argmax())
    grid, marks = embeddings[tile], anomaly_map[tile]
    rows = np.linspace(0, marks.shape[0] - 1, grid.shape[0]).round().astype(int)
    columns = np.linspace(0, marks.shape[1] - 1, grid.shape[1]).round().astype(int)
    at_cells = marks[np.ix_(rows, columns)]
    inside = at_cells >= 0.5 * at_cells.max()
    region: np.ndarray = grid[inside].mean(axis=0) - np.median(grid.reshape(-1, grid.shape[-1]), axis=0)
    return region.astype(np.float32)


def _run(runtime: Runtime, inspector: Inspector, picture: _Picture) -> np.ndarray | None:
    """None where the image cannot be described, now or ever. Raises StorageError."""
    try:
        prepared = inspector.prepare(runtime.image_store.get(picture.sha256))
        if isinstance(prepared, Inspection):
            return None
        outputs = inspector.session.run(prepared.inputs)
    except (NotFound, BundleError):
        return None
    return embed_region(outputs["anomaly_map"], outputs["patch_embeddings"])


def _find_examples(session: Session) -> dict[str, list[_Picture]]:
    """By the names of today, the newest first; names with too few are left out."""
    naming = read_naming(session)
    newest = (
        select(Disposition.defect, *_PICTURE)
        .join(StoredInspection, StoredInspection.id == Disposition.inspection_id)
        .join(Station, Station.id == StoredInspection.station_id)
        .where(Disposition.defect.is_not(None), is_live(Disposition), *_HAS_PICTURE)
        .order_by(Disposition.id.desc())
        .limit(_EXAMPLES_READ)
    )
    found: dict[str, list[_Picture]] = {}
    for name, number, station, sha256 in session.execute(newest):
        pictures = found.setdefault(naming.today(str(name)), [])
        if len(pictures) < _EXAMPLES_OF_A_NAME:
            pictures.append(_Picture(number, station, str(sha256)))
    return {name: pictures for name, pictures in found.items() if len(pictures) >= LEAST_EXAMPLES}


def _find_waiting(session: Session) -> list[_Picture]:
    """The next ones of the queue; blind ones have no suggestion."""
    query = (
        select(*_PICTURE)
        .join(WaitingPart, WaitingPart.inspection_id == StoredInspection.id)
        .join(Station, Station.id == StoredInspection.station_id)
        .where(~WaitingPart.is_blind, StoredInspection.local_score.is_not(None), *_HAS_PICTURE)
        .order_by(WaitingPart.rank, WaitingPart.score.desc(), WaitingPart.inspection_id)
        .limit(LOOKED_AHEAD)
    )
    return [_Picture(number, station, str(sha256)) for number, station, sha256 in session.execute(query)]


def _store(session: Session, found: Mapping[int, str | None]) -> None:
    for number, name in found.items():
        chosen = update(WaitingPart).where(WaitingPart.inspection_id == number, ~WaitingPart.is_blind)
        session.execute(chosen.values(suggested_defect=name))


_PICTURE = (StoredInspection.id, Station.name, StoredInspection.image_sha256)
_HAS_PICTURE = (StoredInspection.image_sha256.is_not(None), StoredInspection.images_removed_at.is_(None))
