"""Suggesting a defect's name from a few examples: parts that people gave that name, by the student's own embeddings.

`inspection.naming` says what looks like what. All of it happens beside the work: a part waits at once, and its
suggestion follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inspection.errors import BundleError, StorageError
from inspection.inspector import Inspector
from inspection.naming import LEAST_EXAMPLES, Suggestion, describe, suggest_name
from service.db.tables import Station, StoredInspection
from service.defect_names.operations import read_naming
from service.errors import NotFound
from service.review.opinions import is_live
from service.review.tables import Disposition, WaitingPart
from service.runtime import Runtime

LOOKED_AHEAD = 1000
"""Parts of the queue that come up next; what waits behind them is looked at as the queue shrinks."""
_EXAMPLES_OF_A_NAME, _EXAMPLES_READ, _PARTS_AT_ONCE = 12, 400, 48
# The watch has other things to look at: so many images are read and run through the student at a time.
_RUNS_AT_ONCE = 8
_DESCRIBED_COUNT = 4096


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
        found: dict[int, Suggestion | None] = {}
        for picture in islice(fresh, _PARTS_AT_ONCE):
            suggestion = self._suggest(runtime, picture, examples)
            if self._runs_left < 0:
                break
            found[picture.inspection_id] = suggestion
            self._looked_at[picture.inspection_id] = describers[picture.station]
        if found:
            with runtime.database.writing() as session:
                _store(session, found)
        return len(found)

    def _suggest(
        self, runtime: Runtime, picture: _Picture, examples: Mapping[str, Sequence[_Picture]]
    ) -> Suggestion | None:
        inspector = runtime.in_force.plan_of(picture.station).inspector
        if inspector is None:
            return None
        described = {
            name: [seen for one in pictures if (seen := self._describe(runtime, inspector, one)) is not None]
            for name, pictures in examples.items()
        }
        own = self._describe(runtime, inspector, picture)
        return None if own is None else suggest_name(own, described)

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


def _run(runtime: Runtime, inspector: Inspector, picture: _Picture) -> np.ndarray | None:
    """None where the image cannot be described, now or ever. Raises StorageError."""
    try:
        return describe(inspector, runtime.image_store.get(picture.sha256))
    except (NotFound, BundleError):
        return None


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


def _store(session: Session, found: Mapping[int, Suggestion | None]) -> None:
    for number, suggestion in found.items():
        chosen = update(WaitingPart).where(WaitingPart.inspection_id == number, ~WaitingPart.is_blind)
        name, similarity = (suggestion.name, suggestion.similarity) if suggestion else (None, None)
        session.execute(chosen.values(suggested_defect=name, suggested_similarity=similarity))


_PICTURE = (StoredInspection.id, Station.name, StoredInspection.image_sha256)
_HAS_PICTURE = (StoredInspection.image_sha256.is_not(None), StoredInspection.images_removed_at.is_(None))
