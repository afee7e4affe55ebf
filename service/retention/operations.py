"""Removing pictures whose time is over. A run that is cut off is finished by the next one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.images.image_store import ImageStore
from service.nightly.operations import is_golden_picture
from service.retention import queries
from service.retention.policy import Decided, RetentionPolicy, Rule
from service.review.operations import find_standing_decisions

_UNFINISHED_FOR = timedelta(days=3)
# Whoever puts the same bytes again has them on record within this time.
_PUT_LATELY = timedelta(hours=1)


@dataclass(slots=True)
class Removal:
    """What a run removed, or a dry run would have: inspections by rule, files, bytes."""

    inspections: Counter[Rule] = field(default_factory=Counter)
    file_count: int = 0
    byte_count: int = 0


def apply_policy(
    database: Database,
    image_store: ImageStore,
    policy: RetentionPolicy,
    *,
    is_dry_run: bool,
    author: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Removal:
    """Mark inspections first, then remove pictures nobody else refers to. Verdicts stay. Raises StorageError."""
    removal = Removal()
    moment = now()
    if not is_dry_run:
        _finish_earlier_runs(database, image_store, removal, moment)
    for rule_of in _expired(database, policy, moment):
        removal.inspections.update(rule_of.values())
        if is_dry_run:
            names = _names_of(rule_of)
            removal.file_count += len(names)
            removal.byte_count += sum(image_store.size_of(name) for name in names)
            continue
        with database.writing() as session:
            ids = sorted(row.id for row in rule_of)
            queries.mark_removed(session, ids, moment)
            detail = {"inspections": ids, "rules": sorted({str(rule) for rule in rule_of.values()})}
            append(session, Entry(Action.PICTURES_REMOVED, author, f"inspections {ids[0]} to {ids[-1]}", detail))
        _remove(database, image_store, rule_of, removal, moment)
    return removal


def _expired(database: Database, policy: RetentionPolicy, moment: datetime) -> Iterator[dict[StoredInspection, Rule]]:
    """Some inspections at a time, with the rule by which their time is over."""
    with database.reading() as session:
        newest = queries.find_newest_arrival(session)
    if newest is None:
        return
    # While a line stands still nothing grows old, and a clock that has jumped ahead removes nothing.
    moment = min(moment, newest)
    above_id = 0
    while True:
        with database.reading() as session:
            rows = queries.find_older(session, moment - policy.shortest, above_id=above_id)
            decisions = find_standing_decisions(session, [row.id for row in rows])
        if not rows:
            return
        above_id = rows[-1].id
        found: dict[StoredInspection, Rule] = {}
        for row in rows:
            decision = decisions.get(row.id)
            rule = policy.find_rule(row.verdict, Decided(decision.value) if decision else Decided.NOTHING)
            if rule is not None and row.received_at < moment - timedelta(days=rule.keep_days):
                found[row] = rule
        if found:
            yield found


def _finish_earlier_runs(database: Database, image_store: ImageStore, removal: Removal, moment: datetime) -> None:
    with database.reading() as session:
        rows = list(queries.find_marked_since(session, moment - _UNFINISHED_FOR))
    _remove(database, image_store, rows, removal, moment)


def _remove(
    database: Database, image_store: ImageStore, rows: Iterable[StoredInspection], removal: Removal, moment: datetime
) -> None:
    for name in _names_of(rows):
        with database.reading() as session:
            # The gate judges by a golden part for as long as it is one.
            is_kept = queries.is_kept(session, name) or is_golden_picture(session, name)
        if is_kept:
            continue
        size = image_store.remove(name, unless_put_since=moment - _PUT_LATELY)
        removal.file_count += size > 0
        removal.byte_count += size


def _names_of(rows: Iterable[StoredInspection]) -> list[str]:
    return sorted({name for row in rows for name in (row.image_sha256, row.heat_map_sha256) if name is not None})
