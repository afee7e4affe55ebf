"""Who may come in: people, their links, and the keys of stations. Each operation is one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.access import people, sessions, station_keys
from service.access.credentials import hash_password
from service.access.people_schemas import PersonAnswer
from service.access.tables import Person, StationKey
from service.audit.operations import Action, Entry, append
from service.callers import Role
from service.db.engine import Database
from service.errors import Conflict, NameTaken

DEFAULT_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewLink:
    """A way to sign in once, told once."""

    token: str
    ends_at: datetime


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


def has_password(database: Database, name: str) -> bool:
    """Raises NotFound."""
    with database.reading() as session:
        return people.require(session, name).password_hash is not None


def replace_password(database: Database, person: Person, password: str, *, but_token: str) -> int:
    """By the person, who has just proved the old one: how many other sessions have ended. Raises WeakPassword;
    Conflict where another change came first."""
    password_hash = hash_password(password)
    with database.writing() as session:
        row = people.require_id(session, person.id)
        if row.password_hash != person.password_hash:
            raise Conflict(f"person {row.name}: got another password meanwhile", "sign in anew")
        row.password_hash = password_hash
        ended_count = sessions.end_all_of(session, row.id, but=but_token)
        detail = {"change": "own password", "sessions_ended": ended_count}
        append(session, Entry(Action.PERSON, row.name, row.name, detail))
        return ended_count


def set_role(database: Database, name: str, role: Role, *, actor: str) -> None:
    """Holds from the person's next request on. Raises NotFound, Conflict."""
    _require_another(name, actor)
    with database.writing() as session:
        person = people.require(session, name)
        person.role = role
        append(session, Entry(Action.PERSON, actor, name, {"role": role, "change": "role"}))


def disable_person(database: Database, name: str, *, actor: str) -> None:
    """The person can sign in no more, and is signed out everywhere. Raises NotFound, Conflict."""
    _require_another(name, actor)
    with database.writing() as session:
        person = people.require(session, name)
        person.disabled_at = person.disabled_at or datetime.now(UTC)
        sessions.end_all_of(session, person.id)
        append(session, Entry(Action.PERSON, actor, name, {"change": "disabled"}))


def enable_person(database: Database, name: str, *, actor: str) -> None:
    """The person can sign in again, with the password and the role from before. Raises NotFound."""
    with database.writing() as session:
        person = people.require(session, name)
        person.disabled_at = None
        append(session, Entry(Action.PERSON, actor, name, {"change": "enabled"}))


def add_link(database: Database, name: str, *, actor: str) -> str:
    """A token that signs the person in, once. Raises NotFound."""
    with database.writing() as session:
        person = people.require(session, name)
        append(session, Entry(Action.PERSON, actor, name, {"change": "link"}))
        return sessions.add_link(session, person.id)


def make_link(database: Database, name: str, *, actor: str) -> NewLink:
    """The same with its end. Raises NotFound; Conflict for a person who is disabled."""
    with database.reading() as session:
        if people.require(session, name).disabled_at is not None:
            raise Conflict(f"person {name}: is disabled", "let them in again first")
    return NewLink(add_link(database, name, actor=actor), datetime.now(UTC) + sessions.LINK_LASTS)


def name_of(database: Database, person_id: int) -> str:
    """Names never change. Raises NotFound."""
    with database.reading() as session:
        return people.require_id(session, person_id).name


def describe_people(database: Database) -> list[PersonAnswer]:
    """All, by name."""
    with database.reading() as session:
        linked = people.find_linked_ids(session)
        return [_to_answer(person, person.id in linked) for person in people.find_all(session)]


def describe_person(database: Database, name: str) -> PersonAnswer:
    """Raises NotFound."""
    with database.reading() as session:
        person = people.require(session, name)
        return _to_answer(person, person.id in people.find_linked_ids(session))


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


def _require_another(name: str, actor: str) -> None:
    """So that one administrator always remains, and nobody locks themselves out."""
    if name == actor:
        raise Conflict(f"person {name}: is you yourself", "another administrator changes that")


def _to_answer(person: Person, uses_single_sign_on: bool) -> PersonAnswer:
    return PersonAnswer(
        id=person.id,
        name=person.name,
        role=person.role,
        has_password=person.password_hash is not None,
        uses_single_sign_on=uses_single_sign_on,
        created_at=person.created_at,
        last_sign_in_at=person.last_sign_in_at,
        disabled_at=person.disabled_at,
    )
