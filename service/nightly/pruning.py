"""Old nights leave the disk: what nothing can come back to, and nobody looks at any more.

Kept whole are the nights of champions, of what a rollback brings back, of anchors, of challengers that still wait or
shadow, and everything younger than the plan says. Of bundles that have judged before those, the lists of pictures stay,
since their lineage names them. The record of every night stays in the database anyway.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.nightly.folder import NightFolder
from service.nightly.steps.drawn_flaws import FLAWS_FOLDER
from service.nightly.tables import Night, NightState
from service.nightly.workshop import Workshop
from service.profiles.operations import find_in_force
from service.registry.operations import find_promoted_ids, find_standing_ids

_OPEN = (NightState.WAITING, NightState.RUNNING, NightState.SHADOW, NightState.AWAITING)


@dataclass(frozen=True, slots=True)
class Removal:
    """A folder that goes: of which night or bundle, why, and how much it holds."""

    subject: str
    path: Path
    why: str
    size_bytes: int


def prune(workshop: Workshop, *, author: str, days: int | None = None, is_dry: bool = False) -> list[Removal]:
    """Remove what is older than the plan's `nights_days`, or than `days`; with `is_dry` only say what would go."""
    kept_days = workshop.plan.keeping.nights_days if days is None else days
    before = datetime.now(UTC) - timedelta(days=kept_days)
    with workshop.database.reading() as session:
        found = list(_find(session, workshop, before))
    removals = [Removal(subject, path, why, _size_of(path)) for subject, path, why in found if path.is_dir()]
    if is_dry or not removals:
        return removals
    # What is written first is true of a removal that a full disk or a stop breaks off: the next one goes on with it.
    with workshop.database.writing() as session:
        detail = {"older_than_days": kept_days, "removed": [f"{one.subject}: {one.path.name}" for one in removals]}
        append(session, Entry(Action.NIGHTS_PRUNED, author, f"{len(removals)} folders", detail))
    for one in removals:
        shutil.rmtree(one.path, ignore_errors=True)
    return removals


def _find(session: Session, workshop: Workshop, before: datetime) -> Iterator[tuple[str, Path, str]]:
    standing, promoted = find_standing_ids(session), find_promoted_ids(session)
    pinned = {one.profile.bundle_id for one in find_in_force(session) if one.profile is not None}
    nights = list(session.scalars(select(Night).order_by(Night.id)))
    waiting = {night.challenger_id for night in nights if night.state in _OPEN}
    needed = {one for one in standing | pinned | waiting if one is not None}
    for night in nights:
        if night.ended_at is None or night.ended_at > before or night.state in _OPEN or night.challenger_id in needed:
            continue
        folder = NightFolder(workshop.nights_folder / night.name)
        if night.challenger_id in promoted:
            yield night.name, folder.teacher, "its bundle judges no more, and is no way back"
            yield night.name, folder.challenger, "its bundle judges no more, and is no way back"
            continue
        yield night.name, folder.root, "its challenger never judged"
        if night.challenger_id is not None:
            shelved = workshop.settings.bundle_directory / night.challenger_id
            yield night.challenger_id, shelved, "never judged, and no station asks for it"
    for drawn in (workshop.nights_folder / FLAWS_FOLDER).glob("*"):
        if datetime.fromtimestamp(drawn.stat().st_mtime, UTC) < before:
            yield FLAWS_FOLDER, drawn, "drawn for a golden set of long ago, and drawn again where needed"


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
