"""What a person sees: the queue, one part, what to compare it with, and all that is on record of it.

A blind part hides what the machine said until the person has decided.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from inspection.naming import Suggestion
from service.audit.operations import AuditRecord, find_records_of
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.defect_names.operations import Naming, read_naming
from service.drift.operations import DriftAlarm, find_about
from service.errors import Conflict
from service.factory.operations import is_any_part_number_known
from service.profiles.operations import find_lines
from service.review import left_off, opinions, queries, queue
from service.review.deciding import shown_to
from service.review.left_off import WayBack
from service.review.queue_filter import QueueFilter
from service.review.tables import Disposition, WaitingKind, WaitingPart

_EVERYTHING = QueueFilter()
PAGE_LENGTH = 48
# As many as there are number keys.
_DEFECT_NAME_COUNT = 9
_REFERENCE_COUNT, _LOT_COUNT = 24, 4


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the filters, and given as a name."""

    lines: list[str]
    defect_names: list[str]
    has_part_numbers: bool
    """The line says what is made."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of the queue in which a page's parts were looked for and counted."""

    length: int
    """How many were looked through, at most."""
    end_id: int | None
    """Behind which to look further; None at the end of the queue."""


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of the queue; `last_id` leads to the next page. `all_count` counts what no filter leaves out."""

    wanted: QueueFilter
    waiting: list[WaitingPart]
    waiting_count: int
    stretch: Stretch | None
    """Of a queue too long to be looked through at once; None where all of it was."""
    all_count: int
    for_others_count: int
    """Second opinions that another person has to give."""
    last_id: int | None
    start_id: int | None
    """The first that nobody else looks at."""
    way_back: WayBack | None
    """To where this person left off; None where that is no other place than the first."""
    choices: Choices

    @property
    def rows(self) -> list[StoredInspection]:
        return [waiting.inspection for waiting in self.waiting]


@dataclass(frozen=True, slots=True)
class PartInReview:
    """One inspection as a reviewer sees it, with its neighbours in the queue they work on."""

    wanted: QueueFilter
    row: StoredInspection
    disposition: Disposition | None
    """None also for who is asked for an opinion of their own."""
    is_blind: bool
    """What the machine said is to be shown only once this person has decided."""
    is_second_opinion: bool
    next_id: int | None
    previous_id: int | None
    waiting_count: int
    defect_names: list[str]
    suggestion: Suggestion | None
    naming: Naming
    drift: list[DriftAlarm]
    """Alarms under which it was judged."""


@dataclass(frozen=True, slots=True)
class PartHistory:
    """All that is on record of one inspection."""

    row: StoredInspection
    dispositions: list[Disposition]
    audit_records: list[AuditRecord]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What to compare an inspection with: parts that passed, and earlier parts of its lot."""

    row: StoredInspection
    passed: list[StoredInspection]
    of_lot: list[StoredInspection]


def get_waiting_page(
    database: Database,
    *,
    after_id: int | None,
    wanted: QueueFilter = _EVERYTHING,
    reviewer: str = "",
    is_arriving: bool = False,
) -> WaitingPage:
    """A page of the queue behind inspection `after_id`. Who is arriving has not said yet what they want, and may go on
    among whatever they were. Raises NotFound."""
    with database.reading() as session:
        after = None if after_id is None else queries.require_inspection(session, after_id)
        found = queue.find_page(session, wanted, reviewer, after=after, limit=PAGE_LENGTH + 1)
        stretch = _find_stretch(session, wanted, after)
        count = queue.count(session, wanted, reviewer, after=after if stretch else None)
        all_count = queue.count(session, _EVERYTHING, reviewer) if wanted.is_narrow else count
        start_id = queue.find_first_id(session, wanted, reviewer, after=after if stretch else None)
        end_id = stretch.end_id if stretch else None
        page = WaitingPage(
            wanted=wanted,
            waiting=found[:PAGE_LENGTH],
            waiting_count=count,
            stretch=stretch,
            all_count=all_count,
            for_others_count=queue.count_for_others(session, reviewer),
            last_id=found[PAGE_LENGTH - 1].inspection_id if len(found) > PAGE_LENGTH else end_id,
            start_id=start_id,
            way_back=_find_way_back(session, wanted, reviewer, start_id, is_arriving) if after is None else None,
            choices=_find_choices(session),
        )
    return page


def _find_way_back(
    session: Session, wanted: QueueFilter, reviewer: str, start_id: int | None, is_arriving: bool
) -> WayBack | None:
    found = left_off.find_way_back(session, reviewer, among=None if is_arriving else wanted)
    if found is None or (found.inspection_id, found.wanted) == (start_id, wanted):
        return None
    return found


def _find_stretch(session: Session, wanted: QueueFilter, after: StoredInspection | None) -> Stretch | None:
    first_end_id = queue.find_end_of_reach(session, wanted, after=None)
    if first_end_id is None:
        return None
    end_id = first_end_id if after is None else queue.find_end_of_reach(session, wanted, after=after)
    return Stretch(queue.LOOKED_THROUGH, end_id)


def get_part_in_review(
    database: Database, inspection_id: int, *, wanted: QueueFilter = _EVERYTHING, reviewer: str = ""
) -> PartInReview:
    """Raises NotFound."""
    with database.reading() as session:
        row = queries.require_inspection(session, inspection_id)
        dispositions = queries.find_dispositions(session, inspection_id)
        waiting = queue.find(session, inspection_id)
        return PartInReview(
            wanted=wanted,
            row=row,
            disposition=shown_to(reviewer, dispositions, waiting),
            is_blind=_is_hidden(reviewer, dispositions, waiting),
            is_second_opinion=waiting is not None and waiting.kind is WaitingKind.SECOND_OPINION,
            next_id=queue.find_next_id(session, row, wanted, reviewer),
            previous_id=queue.find_previous_id(session, row, wanted, reviewer),
            waiting_count=queue.count(session, wanted, reviewer),
            defect_names=_find_defect_names(session)[:_DEFECT_NAME_COUNT],
            suggestion=queue.suggestion_for(waiting) if waiting else None,
            naming=read_naming(session),
            drift=find_about(session, row),
        )


def get_neighbours(database: Database, inspection_id: int, *, reviewer: str = "") -> Neighbours:
    """Of a blind part only good ones, its lot would say too much. Raises NotFound."""
    with database.reading() as session:
        row = queries.require_inspection(session, inspection_id)
        passed = queries.find_passed(session, row, limit=_REFERENCE_COUNT)
        is_hidden = _is_hidden_now(session, row, reviewer)
        return Neighbours(row, passed, [] if is_hidden else queries.find_earlier_of_lot(session, row, limit=_LOT_COUNT))


def get_history(database: Database, inspection_id: int, *, reviewer: str = "") -> PartHistory:
    """Raises NotFound; Conflict where this person is to decide first, without knowing it."""
    with database.reading() as session:
        row = queries.require_inspection(session, inspection_id)
        if _is_hidden_now(session, row, reviewer):
            raise Conflict(f"inspection {inspection_id}: is shown once you have decided", "decide about it first")
        return PartHistory(
            row, queries.find_dispositions(session, inspection_id), find_records_of(session, inspection_id)
        )


def _is_hidden(reviewer: str, dispositions: list[Disposition], waiting: WaitingPart | None) -> bool:
    """Blind until one has decided; who was asked for a second opinion may see what they themselves have said."""
    if waiting is None or not waiting.is_blind:
        return False
    is_party = reviewer in {row.reviewer for row in opinions.live_of(dispositions)}
    return waiting.kind is not WaitingKind.SECOND_OPINION or not is_party


def _is_hidden_now(session: Session, row: StoredInspection, reviewer: str) -> bool:
    return _is_hidden(reviewer, queries.find_dispositions(session, row.id), queue.find(session, row.id))


def _find_defect_names(session: Session) -> list[str]:
    """As they are called today, those given most often lately first: the same for all, so that fingers learn their
    numbers."""
    naming = read_naming(session)
    counts: Counter[str] = Counter()
    for name in queries.find_given_names(session):
        counts[naming.today(name)] += 0
    for name, count in queries.count_given_lately(session).items():
        counts[naming.today(name)] += count
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _find_choices(session: Session) -> Choices:
    return Choices(find_lines(session), _find_defect_names(session), is_any_part_number_known(session))
