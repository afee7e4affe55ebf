"""People, their sessions, and the keys of stations. Of every secret only a digest is kept."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.callers import Role
from service.db.columns import Id, Key, Name, Record, Sha256, words


class Person(Record):
    """Someone who may sign in. Never removed, since decisions name them: only disabled."""

    __tablename__ = "people"

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(words(Role, "role", 16))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]


class Means(StrEnum):
    """How somebody came in."""

    PASSWORD = "password"
    LINK = "link"
    SINGLE_SIGN_ON = "single sign-on"


class OidcIdentity(Record):
    """Who a person is at a provider of single sign-on: never by name, which people may choose there."""

    __tablename__ = "oidc_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Key]
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)


class PersonSession(Record):
    """A browser in which a person is signed in."""

    __tablename__ = "person_sessions"

    token_sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    means: Mapped[Means | None] = mapped_column(words(Means, "means", 16))
    """None for those that began before this was noted."""
    ends_at: Mapped[datetime | None]
    """Earlier than for all sessions, where the provider is to be asked again."""

    person: Mapped[Person] = relationship(lazy="raise")


class SignInLink(Record):
    """A way to sign in once without a password; gone when used."""

    __tablename__ = "sign_in_links"

    token_sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    ends_at: Mapped[datetime]


class StationKey(Record):
    """What a camera shows. Keys of one scope overlap while the cameras change from one to the next."""

    __tablename__ = "station_keys"

    id: Mapped[Key]
    key_sha256: Mapped[Sha256] = mapped_column(unique=True)
    stations: Mapped[Name] = mapped_column(index=True)
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
