"""Column types that mean the same on SQLite and PostgreSQL, and the base of all tables."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Double, Enum, Integer, MetaData, String, func, null
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, mapped_column
from sqlalchemy.types import TypeDecorator

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. SQLite has no time zones, so there the UTC reading is kept; a naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, as the database keeps it. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Key = Annotated[int, mapped_column(Id, primary_key=True)]
Name = Annotated[str, mapped_column(String(128))]
Sha256 = Annotated[str, mapped_column(String(64))]


def off_index(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The column as it is, which SQLite looks up by no index.

    SQLite counts no rows unless it is told to, and so would begin with all inspections of a station, or all that
    passed, where the few that somebody decided about are to be looked at. PostgreSQL, which counts, sees the column.
    """
    return func.coalesce(column, null())


def words(kind: type[StrEnum], name: str, length: int) -> Enum:
    """A column type for the words of `kind`, kept as they are written, in a check constraint called `name`."""
    return Enum(
        kind,
        native_enum=False,
        length=length,
        create_constraint=True,
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )


class Record(DeclarativeBase):
    """Base of all tables. Relationships are lazy="raise": a query names what it needs."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {datetime: UtcDateTime(), float: Double()}  # noqa: RUF012 - as SQLAlchemy asks
