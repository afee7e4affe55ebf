"""What is stored, in counts. Apart from `operations`, since tallies leave out challenge parts, which queue parts."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.engine import Database
from service.review import queries, queue
from service.review.schemas import DispositionCounts, Summary, VerdictCounts
from service.review.tables import Decision, WaitingKind
from service.tallies.operations import QUARTER, quarter_of, read_total


def summarise(database: Database, since: datetime | None = None) -> Summary:
    """Of all that is stored, or of what came and was decided since then."""
    with database.reading() as session:
        verdicts = queries.count_by_verdict(session) if since is None else _tallied(session, since)
        decisions = queries.count_by_decision(session, since)
        waiting = queue.count_by_kind(session)
    return Summary(
        stored=sum(verdicts.values()),
        verdicts=VerdictCounts.model_validate({verdict.value: verdicts.get(verdict, 0) for verdict in Verdict}),
        dispositions=DispositionCounts.model_validate(
            {name: decisions.get(Decision(name), 0) for name in DispositionCounts.model_fields}
        ),
        undecided=waiting.get(WaitingKind.FLAGGED, 0),
        second_opinions=waiting.get(WaitingKind.SECOND_OPINION, 0),
    )


def _tallied(session: Session, since: datetime) -> dict[Verdict, int]:
    counts = read_total(session, quarter_of(since), datetime.now(UTC) + QUARTER).counts
    return {Verdict.PASS: counts.pass_count, Verdict.HOLD: counts.hold_count, Verdict.FAIL: counts.fail_count}
