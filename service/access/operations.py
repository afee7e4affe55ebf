"""Who may come in: people, their links, and the keys of stations. Each operation is one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.access import people, sessions, station_keys
from service.access.credentials import hash_password
from service.access.tables import Person, StationKey
from service.audit.operations import Action, Entry, append
from service.callers import Role
from service.db.engine import Database
from service.errors import NameTaken

DEFAULT_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A station key, told once."""

    id: int
    key: str


def add_person(database: Database, name: str, role: Role, password: str | None, *, actor: str) -> None:
    """Raises NameTaken, WeakPassword."""
    password_hash = None if password is None else hash_password(password)
    with database.writing() as session:
        if people.add(session, name, role, password_hash) is None:
            raise NameTaken(f"person {name}: is there already", "change the role or password instead")
        append(session, Entry(Action.PERSON, actor, name, {"role": role, "change": "added"}))


def set_password(database: Database, name: str, password: str, *, actor: str) -> None:
    """Ends all sessions of the person. Raises NotFound, WeakPassword."""
    password_hash = hash_password(password)
    with database.writing() as session:
        person = people.require(session, name)
        person.password_hash = password_hash
        sessions.end_all_of(session, person.id)
        append(session, Entry(Action.PERSON, actor, name, {"change": "password"}))


def set_role(database: Database, name: str, role: Role, *, actor: str) -> None:
    """Holds from the person's next request on. Raises NotFound."""
    with database.writing() as session:
        person = people.require(session, name)
        person.role = role
        append(session, Entry(Action.PERSON, actor, name, {"role": role, "change": "role"}))


def disable_person(database: Database, name: str, *, actor: str) -> None:
    """The person can sign in no more, and is signed out everywhere. Raises NotFound."""
    with database.writing() as session:
        person = people.require(session, name)
        person.disabled_at = person.disabled_at or datetime.now(UTC)
        sessions.end_all_of(session, person.id)
        append(session, Entry(Action.PERSON, actor, name, {"change": "disabled"}))


def add_link(database: Database, name: str, *, actor: str) -> str:
    """A token that signs the person in, once. Raises NotFound."""
    with database.writing() as session:
        person = people.require(session, name)
        append(session, Entry(Action.PERSON, actor, name, {"change": "link"}))
        return sessions.add_link(session, person.id)


def list_people(database: Database) -> list[Person]:
    with database.reading() as session:
        return people.find_all(session)


def has_people(database: Database) -> bool:
    """Whether anybody could sign in."""
    with database.reading() as session:
        return people.count(session) > 0


def add_station_key(database: Database, stations: str, overlap: timedelta, *, actor: str) -> NewKey:
    """Older keys of the same scope go on to open for `overlap`."""
    with database.writing() as session:
        row, key = station_keys.add_key(session, stations, overlap)
        detail = {"change": "added", "key": row.id, "overlap_s": overlap.total_seconds()}
        append(session, Entry(Action.STATION_KEY, actor, stations, detail))
        return NewKey(row.id, key)


def revoke_station_key(database: Database, key_id: int, *, actor: str) -> StationKey:
    """Running services hear of it within seconds. Raises NotFound."""
    with database.writing() as session:
        row = station_keys.end_key(session, key_id)
        append(session, Entry(Action.STATION_KEY, actor, row.stations, {"change": "revoked", "key": row.id}))
        return row


def list_station_keys(database: Database) -> list[StationKey]:
    with database.reading() as session:
        return station_keys.find_keys(session)
