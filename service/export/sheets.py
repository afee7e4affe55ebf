"""What can be exported: the tables of the record, by name, with names where the table has numbers."""

from dataclasses import dataclass

from sqlalchemy import Select, Table, select

from service.callers import Permission
from service.db.metadata import all_tables
from service.web.languages import mark

# Numbers of the record that a reader wants the names of.
_NAMED = {"station_id": "stations", "part_id": "parts", "lot_id": "lots"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; `permission` is what its reader needs."""

    name: str
    title: str
    meaning: str
    permission: Permission = Permission.SEE_QUEUE

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
        return [name for column in self.table.columns for name in _names_of(column.name)]

    def rows_above(self, above: int, limit: int) -> Select[tuple[object, ...]]:
        """The next rows after that key."""
        table = self.table
        key = table.c[self.key]
        joined, wanted = select(table), []
        for column in table.columns:
            if other := _NAMED.get(column.name):
                named = all_tables().tables[other].alias(f"{column.name}_names")
                joined = joined.outerjoin(named, named.c.id == column)
                wanted.append(named.c.name)
            wanted.append(column)
        return joined.with_only_columns(*wanted).where(key > above).order_by(key).limit(limit)


def _names_of(column: str) -> list[str]:
    return [column.removesuffix("_id"), column] if column in _NAMED else [column]


SHEETS = {
    sheet.name: sheet
    for sheet in (
        Sheet("inspections", mark("Inspections"), mark("Every image with its verdict, scores, limits and times.")),
        Sheet("dispositions", mark("Decisions"), mark("Every decision of a person, withdrawn ones too.")),
        Sheet("waiting_parts", mark("Queue"), mark("What waits for a person now.")),
        Sheet("tallies", mark("Counts"), mark("Parts and scores by station, bundle and quarter of an hour.")),
        Sheet("station_profiles", mark("Profiles"), mark("Every version of what a station runs.")),
        Sheet("promotions", mark("Promotions"), mark("Which bundle became champion, when, and by whom.")),
        Sheet("challenge_parts", mark("Challenge parts"), mark("Known good and bad parts, retired ones too.")),
        Sheet("challenge_results", mark("Challenge results"), mark("What challenge parts got.")),
        Sheet("challenge_acts", mark("What engineers did"), mark("Stations that were opened or challenged again.")),
        Sheet("spot_checks", mark("Spot checks"), mark("Parts drawn by chance, with the probability of that.")),
        Sheet(
            "audit_records",
            mark("Audit records"),
            mark("Who did what, each record with the digest of the one before."),
            Permission.READ_AUDIT,
        ),
    )
}
