"""Nights on record: asked for, begun, their steps, and how they ended. One transaction an operation where it writes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.errors import NotFound
from service.nightly.plan import LinePlan
from service.nightly.tables import Night, NightState, NightStep, Reason

_UNDER_WAY = (NightState.WAITING, NightState.RUNNING)


def ask(database: Database, line: LinePlan, *, minutes: float | None, author: str) -> tuple[Night, bool]:
    """(the night, whether it is new): one of the line that waits or runs is joined. Named by line and day."""
    now = datetime.now(UTC)
    with database.writing() as session:
        running = session.scalar(select(Night).where(Night.line == line.name, Night.state.in_(_UNDER_WAY)))
        if running is not None:
            return running, False
        night = Night(
            name=_free_name(session, f"{line.name}-{now:%Y-%m-%d}"),
            line=line.name,
            asked_by=author,
            asked_at=now,
            minutes=minutes or line.minutes,
            state=NightState.WAITING,
            detail="",
            figures={},
        )
        session.add(night)
        session.flush()
        append(session, Entry(Action.NIGHT, author, f"night {night.name}", {"minutes": night.minutes}))
        return night, True


def begin(database: Database, name: str) -> Night:
    """Its budget runs from the first beginning on, also where it is gone on with after a stop."""
    with database.writing() as session:
        night = find_night(session, name)
        night.began_at = night.began_at or datetime.now(UTC)
        if night.state is NightState.WAITING:
            night.state = NightState.RUNNING
        return night


def begin_step(database: Database, night_id: int, step: str) -> dict[str, Any] | None:
    """Its figures where it is finished already."""
    with database.writing() as session:
        row = _find_step(session, night_id, step)
        if row is not None and row.ended_at is not None:
            return row.figures
        if row is None:
            session.add(NightStep(night_id=night_id, step=step, began_at=datetime.now(UTC), figures={}))
    return None


def end_step(database: Database, night_id: int, step: str, figures: dict[str, Any]) -> None:
    """Finished for good."""
    with database.writing() as session:
        row = _find_step(session, night_id, step)
        assert row is not None
        row.ended_at, row.figures = datetime.now(UTC), figures


def end(
    database: Database,
    name: str,
    state: NightState,
    *,
    reason: Reason | None = None,
    detail: str = "",
    champion_id: str | None = None,
    challenger_id: str | None = None,
    figures: dict[str, Any] | None = None,
    author: str = "service",
) -> None:
    """Write how the night came out; what is not given stays. What is so already is not written again."""
    with database.writing() as session:
        night = find_night(session, name)
        if night.state is state and night.ended_at is not None:
            return
        night.state, night.reason, night.detail = state, reason, detail
        night.ended_at = night.ended_at or datetime.now(UTC)
        night.champion_id = champion_id or night.champion_id
        night.challenger_id = challenger_id or night.challenger_id
        night.figures = night.figures if figures is None else figures
        told = {"state": state.value, "reason": reason.value if reason else None, "detail": detail}
        append(session, Entry(Action.NIGHT, author, f"night {name}", told))


def find_night(session: Session, name: str) -> Night:
    """Raises NotFound."""
    night = session.scalar(select(Night).where(Night.name == name))
    if night is None:
        raise NotFound(f"night {name}: there was none", "take a name from /nights")
    return night


def find_steps(session: Session, night_id: int) -> list[NightStep]:
    """In their order."""
    return list(session.scalars(select(NightStep).where(NightStep.night_id == night_id).order_by(NightStep.id)))


def find_nights(session: Session, *, line: str | None = None, limit: int = 31) -> list[Night]:
    """The newest first."""
    query = select(Night).order_by(Night.id.desc()).limit(limit)
    return list(session.scalars(query if line is None else query.where(Night.line == line)))


def find_in_state(session: Session, states: Sequence[NightState]) -> list[Night]:
    """Oldest first."""
    return list(session.scalars(select(Night).where(Night.state.in_(states)).order_by(Night.id)))


def find_learned_upto(session: Session, line: str) -> int:
    """The newest inspection that a night of the line has had in its training; what a broken night saw is new still."""
    distilled = select(NightStep.night_id).where(NightStep.step == "distill", NightStep.ended_at.is_not(None))
    learned = (
        select(NightStep.figures)
        .join(Night, Night.id == NightStep.night_id)
        .where(Night.line == line, NightStep.step == "freeze", Night.id.in_(distilled))
        .order_by(NightStep.id.desc())
        .limit(1)
    )
    figures = session.scalar(learned)
    return int(figures.get("upto", 0)) if figures else 0


def _find_step(session: Session, night_id: int, step: str) -> NightStep | None:
    return session.scalar(select(NightStep).where(NightStep.night_id == night_id, NightStep.step == step))


def _free_name(session: Session, name: str) -> str:
    """Further nights of one day are numbered."""
    taken = set(session.scalars(select(Night.name).where(Night.name.like(f"{name}%"))))
    if name not in taken:
        return name
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)
