"""What other features, and people, do with nights. Each operation is one transaction where it writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.engine import Database
from service.errors import Conflict
from service.nightly import golden, kept_out, nights
from service.nightly.gate.decision import GateReport
from service.nightly.plan import NightPlan, read_plan
from service.nightly.promotion import promote_challenger
from service.nightly.schemas import (
    GoldenAnswer,
    GoldenPartAnswer,
    GoldenRequest,
    KeptOutAnswer,
    KeptOutList,
    NightAnswer,
    NightList,
    NightRequest,
    WordRequest,
)
from service.nightly.tables import GoldenChange, Night, NightState, NightStep, Reason
from service.nightly.wording import AnsweredQuestion, describe_check
from service.registry.operations import Scope
from service.web.languages import Language

_MONTH = 31


@dataclass(frozen=True, slots=True)
class WholeNight:
    """A night with its steps, in their order."""

    night: Night
    steps: list[NightStep]


def ask_for_night(database: Database, plan: NightPlan, request: NightRequest, *, author: str) -> NightAnswer:
    """Whoever runs nights takes it up; one of the line that is under way is joined. Raises ConfigError."""
    night, _ = nights.ask(database, plan.line(request.line), minutes=request.minutes, author=author)
    return to_answer(night)


def find_scope(plan: Path | None, line: str | None) -> Scope:
    """Whose champion a command means, by the plan of nights: of that line, or of the plant. Raises ConfigError."""
    return read_plan(plan).scope_of(line)


def list_nights(database: Database, *, line: str | None = None, limit: int = _MONTH) -> NightList:
    """The newest first."""
    with database.reading() as session:
        return NightList(items=[to_answer(night) for night in nights.find_nights(session, line=line, limit=limit)])


def get_night(database: Database, name: str) -> WholeNight:
    """Raises NotFound."""
    with database.reading() as session:
        night = nights.find_night(session, name)
        return WholeNight(night, nights.find_steps(session, night.id))


def find_waiting_challenger(database: Database, name: str) -> str:
    """The challenger of a night that waits for an engineer's word. Raises NotFound, Conflict."""
    with database.reading() as session:
        night = nights.find_night(session, name)
    if night.state is not NightState.AWAITING or night.challenger_id is None:
        raise Conflict(f"night {name}: nothing waits for a word there", "look at the night again")
    return night.challenger_id


def give_word(database: Database, plan: NightPlan, request: WordRequest, *, author: str) -> NightAnswer:
    """Promote what waits, or keep the champion. Whether it can serve is for the caller to see first.

    Raises NotFound, Conflict; the latter also where another champion has come meanwhile. ConfigError: its line is gone.
    """
    challenger_id = find_waiting_challenger(database, request.night)
    with database.reading() as session:
        night = nights.find_night(session, request.night)
    if request.word == "promote":
        note = request.note or f"approved after night {request.night}"
        promote_challenger(
            database,
            challenger_id,
            instead_of=str(night.champion_id),
            author=author,
            note=note,
            scope=plan.line(night.line).scope,
        )
        nights.end(database, request.night, NightState.PROMOTED, author=author)
    else:
        detail = request.note or f"{author} has kept the champion"
        nights.end(database, request.night, NightState.KEPT, reason=Reason.DECLINED, detail=detail, author=author)
    return to_answer(get_night(database, request.night).night)


def read_golden_set(database: Database) -> GoldenAnswer:
    """As it stands."""
    with database.reading() as session:
        found = golden.find_golden_set(session)
        flagged_good_count = golden.count_flagged_good(session, found)
    items = [_golden_answer(part) for part in found.parts]
    return GoldenAnswer(sha256=found.sha256, flagged_good_count=flagged_good_count, items=items)


def change_golden(database: Database, request: GoldenRequest, *, author: str) -> GoldenPartAnswer:
    """Raises NotFound, Conflict."""
    if request.truth == "as_decided":
        [part] = golden.add_decided(database, [request.inspection_id], author=author, note=request.note)
        return _golden_answer(part)
    defect = None if request.truth == "good" else request.defect or golden.UNNAMED
    part = golden.set_truth(database, request.inspection_id, defect=defect, author=author, note=request.note)
    return _golden_answer(part)


def list_kept_out(database: Database) -> KeptOutList:
    """The newest first."""
    with database.reading() as session:
        found = kept_out.find_kept_out(session)
    return KeptOutList(
        items=[
            KeptOutAnswer(
                inspection_id=one.inspection_id,
                image_sha256=one.image,
                why=one.why,
                author=one.author,
                changed_at=one.changed_at,
            )
            for one in found
        ]
    )


def is_golden_picture(session: Session, sha256: str) -> bool:
    """For retention: a golden part's picture is kept, whatever its verdict's time; within the caller's transaction."""
    newest = select(GoldenChange.is_golden).where(GoldenChange.image_sha256 == sha256)
    return bool(session.scalar(newest.order_by(GoldenChange.id.desc()).limit(1)))


def describe_gate(report: dict[str, Any], language: Language) -> list[AnsweredQuestion]:
    """A stored report of the gate, in a reader's words."""
    return [describe_check(check, language) for check in GateReport.model_validate(report).checks]


def to_answer(night: Night) -> NightAnswer:
    """As the API tells it."""
    return NightAnswer(**{name: getattr(night, name) for name in NightAnswer.model_fields})


def _golden_answer(part: golden.GoldenPart) -> GoldenPartAnswer:
    return GoldenPartAnswer(
        inspection_id=part.inspection_id,
        image_sha256=part.image,
        defect=part.defect,
        author=part.author,
        changed_at=part.changed_at,
        note=part.note,
    )
