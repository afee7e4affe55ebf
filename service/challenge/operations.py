"""What challenges do. Each operation is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from inspection.verdict import Verdict
from service.audit.operations import Action, Entry, append
from service.challenge import queries
from service.challenge.gate import ChallengeGate, Shut
from service.challenge.queries import challenge_inspection_ids
from service.challenge.schemas import (
    ActAnswer,
    ActRequest,
    ChallengePartAnswer,
    ChallengePartRequest,
    ChallengeResultAnswer,
    Challenges,
    StationChallenge,
)
from service.challenge.standing import Standing
from service.challenge.tables import ChallengeAct, ChallengePart, ChallengeResult
from service.db.engine import Database
from service.db.first_sight import id_on_first_sight
from service.db.tables import Station
from service.errors import Conflict, NameTaken, NotFound
from service.review.operations import leave_out_of_queue
from service.shifts import Shifts

__all__ = [
    "ChallengeGate",
    "ShownImage",
    "Shut",
    "Standing",
    "act",
    "challenge_inspection_ids",
    "describe",
    "note_shown",
    "register",
    "retire",
]
_TOLD = timedelta(days=30)
_RESULTS_TOLD, _ACTS_TOLD = 60, 20


@dataclass(frozen=True, slots=True)
class ShownImage:
    """One recorded image of a challenge part."""

    inspection_id: int
    verdict: Verdict
    is_scored: bool


def register(database: Database, request: ChallengePartRequest, *, actor: str) -> ChallengePartAnswer:
    """It counts from the next shift on. Raises NameTaken where the station has one of that id."""
    now = datetime.now(UTC)
    with database.writing() as session:
        station_id = id_on_first_sight(session, Station, request.station, now)
        if queries.find_active(session, station_id, request.part_id) is not None:
            raise NameTaken(
                f"part_id {request.part_id}: is a challenge part of {request.station} already", "retire that one first"
            )
        row = ChallengePart(
            station_id=station_id,
            part_name=request.part_id,
            expectation=request.expectation,
            note=request.note,
            registered_by=actor,
            registered_at=now,
        )
        row.station = session.get_one(Station, station_id)
        session.add(row)
        session.flush()
        answer = _part_answer(row)
        append(session, Entry(Action.CHALLENGE_PART, actor, _subject(request.station), answer.model_dump(mode="json")))
        return answer


def retire(database: Database, challenge_part_id: int, *, actor: str) -> ChallengePartAnswer:
    """It is asked for no more. Raises NotFound; Conflict where it was retired before."""
    with database.writing() as session:
        row = queries.find_part(session, challenge_part_id)
        if row is None:
            raise NotFound(f"challenge part {challenge_part_id}: does not exist", "take one of GET /api/v1/challenges")
        if row.retired_at is not None:
            raise Conflict(f"challenge part {challenge_part_id}: was retired by {row.retired_by}", "leave it at that")
        row.retired_by, row.retired_at = actor, datetime.now(UTC)
        answer = _part_answer(row)
        append(session, Entry(Action.CHALLENGE_PART, actor, _subject(answer.station), answer.model_dump(mode="json")))
        return answer


def act(database: Database, request: ActRequest, *, actor: str) -> ActAnswer:
    """For the rest of the shift. Raises NotFound for a station without challenge parts."""
    with database.writing() as session:
        station_id = session.scalar(select(Station.id).where(Station.name == request.station))
        known = {part.station_id for part in queries.find_parts(session)}
        if station_id is None or station_id not in known:
            raise NotFound(f"station {request.station}: has no challenge parts", "register one first")
        row = ChallengeAct(
            station_id=station_id, kind=request.kind, actor=actor, acted_at=datetime.now(UTC), note=request.note
        )
        session.add(row)
        answer = _act_answer(row, request.station)
        entry = Entry(Action.CHALLENGE_ACT, actor, _subject(request.station), answer.model_dump(mode="json"))
        append(session, entry)
        return answer


def note_shown(database: Database, challenge_part_id: int, images: Sequence[ShownImage], verdict: Verdict) -> bool:
    """What a challenge part got, from all its images; whether that was right. Takes them out of the review queue.

    An image that could not be scored proves nothing: it is wrong whatever was expected. Raises NotFound.
    """
    with database.writing() as session:
        part = queries.find_part(session, challenge_part_id)
        if part is None:
            raise NotFound(f"challenge part {challenge_part_id}: does not exist", "register it again")
        was_right = all(image.is_scored for image in images) and part.expectation.is_met_by(verdict)
        now = datetime.now(UTC)
        session.add_all(
            ChallengeResult(
                challenge_part_id=part.id,
                inspection_id=image.inspection_id,
                verdict=image.verdict,
                was_right=was_right,
                recorded_at=now,
            )
            for image in images
        )
        ids = [image.inspection_id for image in images]
        leave_out_of_queue(session, ids)
        detail = {
            "challenge_part_id": part.id,
            "part_id": part.part_name,
            "expectation": part.expectation.value,
            "verdict": verdict.value,
            "was_right": was_right,
            "inspections": ids,
        }
        append(session, Entry(Action.CHALLENGE_RESULT, "service", _subject(part.station.name), detail, min(ids)))
        return was_right


def describe(database: Database, gate: ChallengeGate, shifts: Shifts) -> Challenges:
    """Every station that has challenge parts, with what was shown and done lately."""
    now = datetime.now(UTC)
    shift = shifts.at(now)
    with database.reading() as session:
        parts = [_part_answer(row) for row in queries.find_parts(session)]
        results = [_result_answer(row) for row in queries.find_results(session, now - _TOLD, limit=_RESULTS_TOLD)]
        acts = [_act_answer(row, row.station.name) for row in queries.find_acts(session, now - _TOLD, limit=_ACTS_TOLD)]
    stations = []
    for name in dict.fromkeys(part.station for part in parts):
        challenge = gate.challenge_of(name, now)
        stations.append(
            StationChallenge(
                station=name,
                standing=challenge.standing,
                missing=list(challenge.missing),
                wrong=list(challenge.wrong),
                parts=[part for part in parts if part.station == name],
            )
        )
    return Challenges(shift_start=shift.start, shift_end=shift.end, stations=stations, results=results, acts=acts)


def _subject(station: str) -> str:
    return f"station {station}"[:160]


def _part_answer(row: ChallengePart) -> ChallengePartAnswer:
    return ChallengePartAnswer(
        id=row.id,
        station=row.station.name,
        part_id=row.part_name,
        expectation=row.expectation,
        note=row.note,
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        retired_by=row.retired_by,
        retired_at=row.retired_at,
    )


def _result_answer(row: ChallengeResult) -> ChallengeResultAnswer:
    return ChallengeResultAnswer(
        station=row.part.station.name,
        part_id=row.part.part_name,
        inspection_id=row.inspection_id,
        expectation=row.part.expectation,
        verdict=row.verdict,
        was_right=row.was_right,
        recorded_at=row.recorded_at,
    )


def _act_answer(row: ChallengeAct, station: str) -> ActAnswer:
    return ActAnswer(station=station, kind=row.kind, actor=row.actor, acted_at=row.acted_at, note=row.note)
