"""What can be exported: the tables of the record, by name, with names where the table has numbers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Select, Table, select

from service.callers import Permission
from service.db.metadata import all_tables
from service.web.languages import mark

# Numbers of the record that a reader wants the names of.
_NAMED = {"station_id": "stations", "part_id": "parts", "lot_id": "lots"}


class Subject(StrEnum):
    """What sheets tell of; the page has them together."""

    PARTS = "parts"
    DECISIONS = "decisions"
    MODELS = "models"
    WATCH = "watch"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; `permission` is what its reader needs, `without` are columns that stay here."""

    name: str
    subject: Subject
    title: str
    meaning: str
    permission: Permission = Permission.SEE_QUEUE
    without: frozenset[str] = frozenset()

    @property
    def table(self) -> Table:
        return all_tables().tables[self.name]

    @property
    def key(self) -> str:
        """The column by which its rows are counted: one, and ascending."""
        [column] = self.table.primary_key.columns
        return str(column.name)

    @property
    def columns(self) -> list[str]:
        """Of the header: the names stand in front of their numbers."""
        return [name for column in self._shown for name in _names_of(column.name)]

    @property
    def _shown(self) -> list[Column[Any]]:
        return [column for column in self.table.columns if column.name not in self.without]

    def rows_above(self, above: int, limit: int) -> Select[tuple[object, ...]]:
        """The next rows after that key."""
        table = self.table
        key = table.c[self.key]
        joined, wanted = select(table), []
        for column in self._shown:
            if other := _NAMED.get(column.name):
                named = all_tables().tables[other].alias(f"{column.name}_names")
                joined = joined.outerjoin(named, named.c.id == column)
                wanted.append(named.c.name)
            wanted.append(column)
        return joined.with_only_columns(*wanted).where(key > above).order_by(key).limit(limit)


def _names_of(column: str) -> list[str]:
    return [column.removesuffix("_id"), column] if column in _NAMED else [column]


_PARTS = (
    Sheet(
        "inspections",
        Subject.PARTS,
        mark("Inspections"),
        mark("Every image with its verdict, scores, limits and times."),
    ),
    Sheet(
        "tallies", Subject.PARTS, mark("Counts"), mark("Parts and scores by station, bundle and quarter of an hour.")
    ),
    Sheet(
        "line_announcements", Subject.PARTS, mark("Announcements"), mark("Lots and part numbers that the line told of.")
    ),
    Sheet(
        "outbox_messages", Subject.PARTS, mark("Messages"), mark("What the factory's systems are told of each verdict.")
    ),
)
_DECISIONS = (
    Sheet(
        "dispositions", Subject.DECISIONS, mark("Decisions"), mark("Every decision of a person, withdrawn ones too.")
    ),
    Sheet("waiting_parts", Subject.DECISIONS, mark("Queue"), mark("What waits for a person now.")),
    Sheet(
        "spot_checks",
        Subject.DECISIONS,
        mark("Spot checks"),
        mark("Parts drawn by chance, with the probability of that."),
    ),
    Sheet(
        "defect_name_changes",
        Subject.DECISIONS,
        mark("Defect names"),
        mark("How names of defects changed, and what was taken back."),
    ),
)
_MODELS = (
    Sheet("station_profiles", Subject.MODELS, mark("Profiles"), mark("Every version of what a station runs.")),
    Sheet("promotions", Subject.MODELS, mark("Promotions"), mark("Which bundle became champion, when, and by whom.")),
    Sheet("anchors", Subject.MODELS, mark("Anchors"), mark("Bundles that challengers are measured against, too.")),
    Sheet(
        "bundle_lineages",
        Subject.MODELS,
        mark("Lineage"),
        mark("Where bundles come from, and what the gate said of them."),
    ),
    Sheet("nights", Subject.MODELS, mark("Nights"), mark("Every night with its figures and how it ended.")),
    Sheet(
        "night_steps",
        Subject.MODELS,
        mark("Steps of nights"),
        mark("What each step found: the gate's answers among them."),
    ),
    Sheet(
        "golden_changes", Subject.MODELS, mark("Golden set"), mark("Parts that joined it or left it, with their truth.")
    ),
    Sheet(
        "kept_out_changes",
        Subject.MODELS,
        mark("Kept out of training"),
        mark("Pictures that no night learns from, and why."),
    ),
    Sheet(
        "shadow_trials",
        Subject.MODELS,
        mark("Challengers in shadow"),
        mark("Which bundle was tried beside the champion, and when."),
    ),
    Sheet("shadow_scores", Subject.MODELS, mark("Scores in shadow"), mark("What a challenger said of live parts.")),
    Sheet(
        "rescored_parts",
        Subject.MODELS,
        mark("Parts scored again"),
        mark("What another bundle says of parts judged before."),
    ),
)
_WATCH = (
    Sheet(
        "drift_alarms",
        Subject.WATCH,
        mark("Drift"),
        mark("Where scores have moved, since which part, and who ended it."),
    ),
    Sheet(
        "drift_points",
        Subject.WATCH,
        mark("Course of the scores"),
        mark("Medians and moving averages, block by block."),
    ),
    Sheet(
        "challenge_parts", Subject.WATCH, mark("Challenge parts"), mark("Known good and bad parts, retired ones too.")
    ),
    Sheet("challenge_results", Subject.WATCH, mark("Challenge results"), mark("What challenge parts got.")),
    Sheet(
        "challenge_acts",
        Subject.WATCH,
        mark("What engineers did"),
        mark("Stations that were opened or challenged again."),
    ),
)
_PEOPLE = (
    Sheet(
        "audit_records",
        Subject.PEOPLE,
        mark("Audit records"),
        mark("Who did what, each record with the digest of the one before."),
        Permission.READ_AUDIT,
    ),
    Sheet(
        "people",
        Subject.PEOPLE,
        mark("People"),
        mark("Who may sign in, with which role, and when they last did. No passwords."),
        Permission.MANAGE_PEOPLE,
        frozenset({"password_hash"}),
    ),
    Sheet(
        "station_keys",
        Subject.PEOPLE,
        mark("Keys of stations"),
        mark("For which stations, since when, until when, and when last seen. Not the keys."),
        Permission.MANAGE_PEOPLE,
        frozenset({"key_sha256"}),
    ),
)
SHEETS = {sheet.name: sheet for sheet in (*_PARTS, *_DECISIONS, *_MODELS, *_WATCH, *_PEOPLE)}
SUBJECTS = {
    Subject.PARTS: mark("Parts and verdicts"),
    Subject.DECISIONS: mark("What people said"),
    Subject.MODELS: mark("Models"),
    Subject.WATCH: mark("Watch over the stations"),
    Subject.PEOPLE: mark("People and record"),
}
