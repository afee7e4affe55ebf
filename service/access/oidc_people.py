"""From a provider's claims to a person of this service: who, with which role, or that they may not come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.access import people
from service.access.oidc_attempt import Refusal, SignOnRefused
from service.access.oidc_plan import OidcPlan
from service.access.schemas import PersonName
from service.access.tables import OidcIdentity, Person
from service.audit.operations import Action, Entry, append
from service.callers import Role
from service.db.first_sight import insert_unless_there

_NAME = TypeAdapter[str](PersonName)
ACTOR = "single sign-on"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the provider knows them: (issuer, subject) never changes, all else may."""

    issuer: str
    subject: str
    name: str
    account: str
    """What tells two people of one name apart."""
    role: Role


def identity_of(claims: Mapping[str, Any], plan: OidcPlan) -> Identity:
    """Raises SignOnRefused for whoever may not come in: deny by default."""
    subject = str(claims["sub"])[:255]
    email = str(claims.get("email", ""))
    account = str(claims.get("preferred_username") or email or subject)
    if plan.domains and not _is_within(email, plan.domains, is_verified=claims.get("email_verified", True)):
        raise SignOnRefused(Refusal.NOT_ALLOWED, f"{account}: {email or 'no e-mail address'} is not of domains")
    if plan.groups and not _words_at(claims, plan.groups_claim) & set(plan.groups):
        raise SignOnRefused(Refusal.NOT_ALLOWED, f"{account}: has none of groups in the claim {plan.groups_claim}")
    held = _words_at(claims, plan.role_claim)
    roles = [role for role in Role if held & set(plan.roles.get(role, ()))]
    if not roles:
        raise SignOnRefused(Refusal.NOT_ALLOWED, f"{account}: nothing in the claim {plan.role_claim} gives a role")
    return Identity(str(claims["iss"])[:255], subject, _name_from(claims, plan, account), account, roles[-1])


def enter(session: Session, identity: Identity) -> Person:
    """The person of this identity, made at the first time, with the role of today. Raises SignOnRefused.

    A name alone joins nobody to an account that is here already: whoever can choose their name at the provider would
    choose whose decisions they sign. Another account of that name makes this one's longer.
    """
    mine = (OidcIdentity.issuer == identity.issuer, OidcIdentity.subject == identity.subject)
    person = session.scalar(select(Person).join(OidcIdentity, OidcIdentity.person_id == Person.id).where(*mine))
    if person is None:
        return _add(session, identity)
    if person.disabled_at is not None:
        raise SignOnRefused(Refusal.DISABLED, f"{person.name}: is disabled here")
    if person.role is not identity.role:
        person.role = identity.role
        append(session, Entry(Action.PERSON, ACTOR, person.name, {"role": identity.role, "change": "role"}))
    return person


def _add(session: Session, identity: Identity) -> Person:
    longer = f"{identity.name[:60]} ({identity.account[:60]})"
    for name in (identity.name, longer):
        person = people.add(session, name, identity.role, password_hash=None)
        if person is not None:
            break
    else:
        raise SignOnRefused(Refusal.NOT_ALLOWED, f"{longer}: is the name of somebody else here")
    values = {"issuer": identity.issuer, "subject": identity.subject, "person_id": person.id}
    if insert_unless_there(session, OidcIdentity, values) is None:
        raise SignOnRefused(Refusal.STALE, f"{identity.account}: came in twice at the same moment")
    detail = {"role": identity.role, "change": "added", "issuer": identity.issuer, "subject": identity.subject}
    append(session, Entry(Action.PERSON, ACTOR, name, detail))
    return person


def _name_from(claims: Mapping[str, Any], plan: OidcPlan, account: str) -> str:
    for name in (claims.get(plan.name_claim), account):
        try:
            return _NAME.validate_python(name)
        except ValidationError:
            continue
    raise SignOnRefused(Refusal.UNTRUSTED, f"the claim {plan.name_claim} is no name")


def _is_within(email: str, domains: tuple[str, ...], *, is_verified: object) -> bool:
    return is_verified is True and email.lower().rpartition("@")[2] in domains and "@" in email


def _words_at(claims: Mapping[str, Any], claim: str) -> set[str]:
    """A claim's words, whether it is one word or a list; `realm_access.roles` is a way into a claim."""
    found: Any = claims
    for step in [claim] if claim in claims else claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    words = found if isinstance(found, list) else [found]
    return {word for word in words if isinstance(word, str)}
