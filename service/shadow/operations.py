"""What shadow does: starts and ends trials, keeps what challengers said, counts who was right. One transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.profile import StationProfile
from inspection.verdict import Verdict
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.first_sight import insert_unless_there
from service.errors import Conflict, NotFound
from service.registry.operations import PLANT, Scope, find_champion_id, find_champion_ids
from service.review.operations import find_standing_decisions
from service.shadow import queries
from service.shadow.schemas import FlipAnswer, TrialAnswer, TrialList
from service.shadow.tables import ShadowScore, ShadowTrial

_BADNESS = {Verdict.PASS: 0, Verdict.HOLD: 1, Verdict.FAIL: 2}
_MOST_FLIPS = 500
DEFECTIVE, GOOD = "confirmed_defect", "false_alarm"
"""What a person decides about a part settles who was right: one truth for review, gate and shadow."""


@dataclass(frozen=True, slots=True)
class OpenTrial:
    """A trial that goes on, as the scorer needs it."""

    id: int
    bundle_id: str
    champion_id: str
    stations: tuple[str, ...]
    sample_rate: float
    trouble: str | None


@dataclass(frozen=True, slots=True)
class LivePart:
    """For intake: one inspection on record, and what it was judged by."""

    inspection_id: int
    station: str
    image_sha256: str
    verdict: Verdict
    part_score: float | None
    bundle_id: str
    profile: StationProfile


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What a challenger says of one inspection: the columns of a `ShadowScore`."""

    inspection_id: int
    verdict: Verdict
    champion_verdict: Verdict
    local_score: float | None
    global_score: float | None
    part_score: float | None
    local_pass_limit: float
    local_fail_limit: float
    global_pass_limit: float
    global_fail_limit: float
    is_flip: bool
    apart: float


@dataclass(slots=True)
class Gain:
    """What has come of a trial since it was written down last."""

    scores: list[Shadowed] = field(default_factory=list)
    dropped_count: int = 0
    cpu_s: float = 0.0
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a challenger is. A person's decision makes a flip one of `worse_count` or of `better_count`."""

    part_count: int = 0
    flip_count: int = 0
    worse_count: int = 0
    better_count: int = 0
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Flip:
    """A part whose verdict would be another one, and what to decide where each of both was right."""

    score: ShadowScore
    if_champion: str
    if_challenger: str


@dataclass(frozen=True, slots=True)
class TrialInReview:
    """The page: the trial with its figures, and the flips about which nobody has decided, the most different first."""

    trial: TrialAnswer
    flips: list[Flip]


def start(
    database: Database,
    challenger_id: str,
    *,
    stations: Sequence[str] = ("*",),
    scope: Scope = PLANT,
    author: str,
    sample_rate: float = 1.0,
) -> int:
    """Let it score live parts of these stations beside the champion; returns the trial's id. Twice is once.

    Raises Conflict where nothing was ever promoted, or where it is the champion itself.
    """
    with database.writing() as session:
        champion_id = find_champion_id(session, scope)
        if champion_id is None or champion_id == challenger_id:
            raise Conflict(f"{challenger_id}: has no champion beside it", "promote another bundle first")
        known = queries.find_of(session, challenger_id)
        if known is not None and known.ended_at is None and known.champion_id == champion_id:
            return known.id
        row = ShadowTrial(
            bundle_id=challenger_id,
            champion_id=champion_id,
            stations=list(stations),
            sample_rate=sample_rate,
            author=author,
            started_at=datetime.now(UTC),
            ended_at=None,
            ended_by=None,
            trouble=None,
            dropped_count=0,
            cpu_s=0.0,
            wall_s=0.0,
        )
        session.add(row)
        session.flush()
        detail = {"champion": champion_id, "stations": row.stations, "sample_rate": sample_rate}
        append(session, Entry(Action.SHADOW, author, challenger_id, detail))
        return row.id


def stop(database: Database, challenger_id: str, *, author: str) -> None:
    """It scores no more; what it found stays. Stopping what has ended changes nothing."""
    with database.writing() as session:
        row = queries.find_of(session, challenger_id)
        if row is not None and row.ended_at is None:
            append(session, _end(session, row, author))


def get_progress(database: Database, challenger_id: str) -> Progress:
    """Of its newest trial; of a challenger that never started, nothing."""
    with database.reading() as session:
        row = queries.find_of(session, challenger_id)
        return Progress() if row is None else _progress_of(session, row)


def list_trials(database: Database) -> TrialList:
    """The newest first."""
    with database.reading() as session:
        return TrialList(items=[_to_answer(session, row) for row in queries.find_newest(session, limit=20)])


def list_flips(database: Database, challenger_id: str) -> list[FlipAnswer]:
    """The most different first, decided or not. Raises NotFound."""
    with database.reading() as session:
        row = _require(queries.find_of(session, challenger_id), challenger_id)
        scores = queries.find_flips(session, row.id, limit=_MOST_FLIPS)
        decisions = find_standing_decisions(session, [score.inspection_id for score in scores])
    return [
        FlipAnswer(
            inspection_id=score.inspection_id,
            champion=score.champion_verdict,
            challenger=score.verdict,
            apart=score.apart,
            decision=decisions[score.inspection_id].value if score.inspection_id in decisions else None,
        )
        for score in scores
    ]


def get_newest_in_review(database: Database) -> TrialInReview | None:
    """For the page; None where nothing was ever tried."""
    with database.reading() as session:
        rows = queries.find_newest(session, limit=1)
        if not rows:
            return None
        scores = queries.find_flips(session, rows[0].id, limit=_MOST_FLIPS)
        decided = find_standing_decisions(session, [score.inspection_id for score in scores])
        flips = [_flip(score) for score in scores if score.inspection_id not in decided]
        return TrialInReview(_to_answer(session, rows[0]), flips)


def find_open(database: Database) -> list[OpenTrial]:
    """Trials that go on beside a present champion; those of an earlier champion are ended here."""
    with database.reading() as session:
        champion_ids = find_champion_ids(session)
        rows = queries.find_open(session)
    if outdated := [row.id for row in rows if row.champion_id not in champion_ids]:
        with database.writing() as session:
            left = [row for row in queries.find_open(session) if row.id in outdated]
            if entries := [_end(session, row, "another champion judges now") for row in left]:
                append(session, *entries)
    return [
        OpenTrial(row.id, row.bundle_id, row.champion_id, tuple(row.stations), row.sample_rate, row.trouble)
        for row in rows
        if row.id not in outdated
    ]


def note_trouble(database: Database, trial_id: int, trouble: str | None) -> None:
    """Why a trial cannot go on; None where it can again."""
    with database.writing() as session:
        session.get_one(ShadowTrial, trial_id).trouble = trouble


def record(database: Database, gains: Mapping[int, Gain], *, wall_s: float) -> None:
    """Write down what challengers said, and what it cost."""
    with database.reading() as session:
        open_ids = {row.id for row in queries.find_open(session)}
    if not open_ids & gains.keys():
        return
    with database.writing() as session:
        for trial_id, gain in sorted(gains.items()):
            row = session.scalar(select(ShadowTrial).where(ShadowTrial.id == trial_id).with_for_update())
            if row is None:
                continue
            row.dropped_count += gain.dropped_count
            row.cpu_s += gain.cpu_s
            row.wall_s += wall_s
            row.trouble = gain.trouble or row.trouble
            for score in gain.scores:
                insert_unless_there(session, ShadowScore, {"trial_id": trial_id, **asdict(score)})


def was_challenger_right(champion: Verdict, challenger: Verdict, *, is_defective: bool) -> bool:
    """Of two that differ: of a defective part the stricter one was right, of a good part the other."""
    is_stricter = _BADNESS[challenger] > _BADNESS[champion]
    return is_stricter is is_defective


def _flip(score: ShadowScore) -> Flip:
    is_stricter = _BADNESS[score.verdict] > _BADNESS[score.champion_verdict]
    return Flip(score, GOOD if is_stricter else DEFECTIVE, DEFECTIVE if is_stricter else GOOD)


def _progress_of(session: Session, row: ShadowTrial) -> Progress:
    part_count, flip_count = queries.count_scores(session, row.id)
    scores = queries.find_flips(session, row.id, limit=_MOST_FLIPS)
    decisions = find_standing_decisions(session, [score.inspection_id for score in scores])
    right = [
        was_challenger_right(score.champion_verdict, score.verdict, is_defective=decision.value == DEFECTIVE)
        for score in scores
        if (decision := decisions.get(score.inspection_id)) is not None and decision.value in (DEFECTIVE, GOOD)
    ]
    return Progress(part_count, flip_count, right.count(False), right.count(True), row.trouble)


def _end(session: Session, row: ShadowTrial, author: str) -> Entry:
    row.ended_at, row.ended_by = datetime.now(UTC), author
    part_count, flip_count = queries.count_scores(session, row.id)
    return Entry(Action.SHADOW_ENDED, author, row.bundle_id, {"parts": part_count, "flips": flip_count})


def _require(row: ShadowTrial | None, challenger_id: str) -> ShadowTrial:
    if row is None:
        raise NotFound(f"{challenger_id}: was never in shadow", "see GET /api/v1/shadow")
    return row


def _to_answer(session: Session, row: ShadowTrial) -> TrialAnswer:
    progress = _progress_of(session, row)
    return TrialAnswer(
        id=row.id,
        bundle_id=row.bundle_id,
        champion_id=row.champion_id,
        stations=row.stations,
        sample_rate=row.sample_rate,
        author=row.author,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        trouble=progress.trouble,
        part_count=progress.part_count,
        flip_count=progress.flip_count,
        champion_right_count=progress.worse_count,
        challenger_right_count=progress.better_count,
        dropped_count=row.dropped_count,
        cpu_share=row.cpu_s / row.wall_s if row.wall_s else 0.0,
    )
