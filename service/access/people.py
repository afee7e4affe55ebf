"""The people on record, within a transaction that the operation holds."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.access.tables import OidcIdentity, Person
from service.callers import Role
from service.db.first_sight import insert_unless_there
from service.errors import NotFound


def find(session: Session, name: str) -> Person | None:
    return session.scalar(select(Person).where(Person.name == name))


def require(session: Session, name: str) -> Person:
    """Raises NotFound."""
    person = find(session, name)
    if person is None:
        raise NotFound(f"person {name}: does not exist", "see: python -m service people list")
    return person


def require_id(session: Session, person_id: int) -> Person:
    """Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"person {person_id}: does not exist", "take an id from GET /api/v1/people")
    return person


def find_linked_ids(session: Session) -> set[int]:
    """People whom a provider of single sign-on knows."""
    return set(session.scalars(select(OidcIdentity.person_id)))


def add(session: Session, name: str, role: Role, password_hash: str | None) -> Person | None:
    """The new person; None where the name is taken."""
    values = {"name": name, "role": role, "password_hash": password_hash, "created_at": datetime.now(UTC)}
    created = insert_unless_there(session, Person, values)
    return None if created is None else session.get(Person, created)


def find_all(session: Session) -> list[Person]:
    return list(session.scalars(select(Person).order_by(Person.name)))


def count(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(Person).where(Person.disabled_at.is_(None))).one()
