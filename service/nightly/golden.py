"""The golden set: reviewed parts by which the gate judges, kept out of all training. Named by its digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inspection.images.digest import sha256_of_set
from inspection.verdict import Verdict
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.errors import Conflict, NotFound
from service.nightly.guard.candidate import Said
from service.nightly.record import find_rows
from service.nightly.tables import GoldenChange
from service.review.operations import find_standing_decisions, list_dispositions


@dataclass(frozen=True, slots=True)
class GoldenPart:
    """A picture whose truth is settled; `defect` is None for a good part."""

    image: str
    inspection_id: int
    defect: str | None
    author: str
    changed_at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """All of it; `sha256` changes with every picture and every truth."""

    parts: tuple[GoldenPart, ...]

    @property
    def sha256(self) -> str:
        return sha256_of_set(f"{part.image} {part.defect or ''}" for part in self.parts)

    @property
    def defective_count(self) -> int:
        return sum(part.defect is not None for part in self.parts)

    @property
    def good_count(self) -> int:
        return len(self.parts) - self.defective_count


UNNAMED = "defect"
"""A confirmed defect that nobody has given a name."""


def find_golden_set(session: Session) -> GoldenSet:
    """As it stands, within the caller's transaction."""
    latest = select(func.max(GoldenChange.id)).group_by(GoldenChange.image_sha256)
    rows = session.scalars(select(GoldenChange).where(GoldenChange.id.in_(latest)).order_by(GoldenChange.id))
    return GoldenSet(
        tuple(
            GoldenPart(row.image_sha256, row.inspection_id, row.defect, row.author, row.changed_at, row.note)
            for row in rows
            if row.is_golden
        )
    )


def count_flagged_good(session: Session, golden: GoldenSet) -> int:
    """Good parts that came in because a model had flagged them, or might have."""
    good = [part.inspection_id for part in golden.parts if part.defect is None]
    return sum(row.verdict is not Verdict.PASS for row in find_rows(session, good))


def add_decided(
    database: Database, inspection_ids: Sequence[int], *, author: str, note: str | None
) -> list[GoldenPart]:
    """Add inspections by what people decided of them. Raises NotFound, and Conflict where nobody has decided."""
    names = {number: _name_of_defect(database, number) for number in inspection_ids}
    with database.writing() as session:
        rows = find_rows(session, inspection_ids)
        missing = set(inspection_ids) - {row.id for row in rows}
        if missing:
            raise NotFound(f"inspection {min(missing)}: does not exist", "take an id from /review")
        decisions = find_standing_decisions(session, inspection_ids)
        added = []
        for row in rows:
            decision = decisions.get(row.id)
            if row.image_sha256 is None or row.images_removed_at is not None:
                raise Conflict(f"inspection {row.id}: its picture is gone", "choose a part whose picture is kept")
            if decision is None or decision.value not in (Said.CONFIRMED_DEFECT, Said.FALSE_ALARM):
                raise Conflict(
                    f"inspection {row.id}: nobody has settled what it is", "decide about it at /review first"
                )
            defect = names[row.id] if decision.value == Said.CONFIRMED_DEFECT else None
            added.append(_change(session, row.image_sha256, row.id, True, defect, author, note))
        return added


def set_truth(
    database: Database, inspection_id: int, *, defect: str | None, author: str, note: str | None = None
) -> GoldenPart:
    """Add one inspection, or give it another truth, by a person's word. Raises NotFound, Conflict."""
    with database.writing() as session:
        image = _require_picture(session, inspection_id)
        return _change(session, image, inspection_id, True, defect, author, note)


def remove(database: Database, inspection_id: int, *, author: str, note: str | None) -> None:
    """Take a part out of the set; what was decided by it stays on record. Raises NotFound where it is not in it."""
    with database.writing() as session:
        part = next((one for one in find_golden_set(session).parts if one.inspection_id == inspection_id), None)
        if part is None:
            raise NotFound(
                f"inspection {inspection_id}: is not in the golden set", "see `python -m service golden list`"
            )
        _change(session, part.image, inspection_id, False, part.defect, author, note)


def _name_of_defect(database: Database, inspection_id: int) -> str:
    """As it was called last. Raises NotFound."""
    named = [item.defect for item in list_dispositions(database, inspection_id).items if item.defect is not None]
    return named[-1] if named else UNNAMED


def _require_picture(session: Session, inspection_id: int) -> str:
    rows = find_rows(session, [inspection_id])
    if not rows:
        raise NotFound(f"inspection {inspection_id}: does not exist", "take an id from /review")
    if rows[0].image_sha256 is None or rows[0].images_removed_at is not None:
        raise Conflict(f"inspection {inspection_id}: its picture is gone", "choose a part whose picture is kept")
    return rows[0].image_sha256


def _change(
    session: Session,
    image: str,
    inspection_id: int,
    is_golden: bool,
    defect: str | None,
    author: str,
    note: str | None,
) -> GoldenPart:
    now = datetime.now(UTC)
    row = GoldenChange(
        image_sha256=image,
        inspection_id=inspection_id,
        is_golden=is_golden,
        defect=defect,
        author=author,
        changed_at=now,
        note=note,
    )
    session.add(row)
    session.flush()
    detail = {"image_sha256": image, "is_golden": is_golden, "defect": defect, "note": note}
    append(session, Entry(Action.GOLDEN_PART, author, f"inspection {inspection_id}", detail))
    return GoldenPart(image, inspection_id, defect, author, now, note)
