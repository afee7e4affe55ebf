"""Sessions of people: begun by password, link or single sign-on; ended by the person, time, or an administrator."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, joinedload

from service.access.credentials import digest_of, make_secret
from service.access.tables import Means, Person, PersonSession, SignInLink
from service.callers import PERMISSIONS_OF, Caller

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
LINK_LASTS = timedelta(hours=24)
# Not at every request: a page with 48 pictures would be 50 writes.
_SEEN_EVERY = timedelta(minutes=5)


def caller_for(person: Person) -> Caller:
    return Caller(person.name, PERMISSIONS_OF[person.role], role=person.role)


def begin(session: Session, person: Person, means: Means, ends_at: datetime | None = None) -> str:
    """The new session's token, told only to the browser; what has ended of this person is swept away."""
    now = datetime.now(UTC)
    ended = (PersonSession.seen_at < now - IDLE) | (PersonSession.began_at < now - LONGEST)
    session.execute(delete(PersonSession).where(PersonSession.person_id == person.id, ended))
    person.last_sign_in_at = now
    token = make_secret()
    values = {"person_id": person.id, "began_at": now, "seen_at": now, "means": means, "ends_at": ends_at}
    session.add(PersonSession(token_sha256=digest_of(token), **values))
    return token


def find(session: Session, token: str) -> PersonSession | None:
    """The session with its person, unless it is over or the person is disabled."""
    now = datetime.now(UTC)
    query = select(PersonSession).join(PersonSession.person).options(joinedload(PersonSession.person))
    return session.scalar(
        query.where(
            PersonSession.token_sha256 == digest_of(token),
            PersonSession.seen_at >= now - IDLE,
            PersonSession.began_at >= now - LONGEST,
            or_(PersonSession.ends_at.is_(None), PersonSession.ends_at > now),
            Person.disabled_at.is_(None),
        )
    )


def is_stale(row: PersonSession) -> bool:
    """Whether it is time to note that the session is in use."""
    return datetime.now(UTC) - row.seen_at > _SEEN_EVERY


def mark_seen(session: Session, row: PersonSession) -> None:
    mine = PersonSession.token_sha256 == row.token_sha256
    session.execute(update(PersonSession).where(mine).values(seen_at=datetime.now(UTC)))


def end(session: Session, token: str) -> Means | None:
    """How the session had begun."""
    mine = PersonSession.token_sha256 == digest_of(token)
    return session.scalar(delete(PersonSession).where(mine).returning(PersonSession.means))


def end_all_of(session: Session, person_id: int, *, but: str | None = None) -> int:
    """Sessions and unused links, after a disabling or a new password; all but that of the token `but`. How many
    sessions that were."""
    theirs = delete(PersonSession).where(PersonSession.person_id == person_id)
    if but is not None:
        theirs = theirs.where(PersonSession.token_sha256 != digest_of(but))
    ended = session.scalars(theirs.returning(PersonSession.token_sha256)).all()
    session.execute(delete(SignInLink).where(SignInLink.person_id == person_id))
    return len(ended)


def add_link(session: Session, person_id: int) -> str:
    """A token that signs the person in, once."""
    token = make_secret()
    ends_at = datetime.now(UTC) + LINK_LASTS
    session.add(SignInLink(token_sha256=digest_of(token), person_id=person_id, ends_at=ends_at))
    return token


def use_link(session: Session, token: str) -> Person | None:
    """The person it signs in; the link is gone then. None for one that is used, over or never was."""
    mine = SignInLink.token_sha256 == digest_of(token)
    row = session.execute(delete(SignInLink).where(mine).returning(SignInLink.person_id, SignInLink.ends_at)).first()
    if row is None or row.ends_at < datetime.now(UTC):
        return None
    return session.scalar(select(Person).where(Person.id == row.person_id, Person.disabled_at.is_(None)))
