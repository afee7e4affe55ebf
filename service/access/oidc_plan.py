"""The sign-on file: which provider vouches for people, and which of its groups have which role here.

Read once, when the service starts. Deny by default: who has none of the groups named here is not let in.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, field_validator

from inspection.config import Settings, read_toml
from inspection.errors import ConfigError
from service.callers import Role
from service.settings import ServiceSettings

_OWN_MACHINE = ("127.0.0.1", "::1", "localhost")
RETURN_PATH = "/sign-in/oidc/return"


def is_private_way(address: str) -> bool:
    """Whether nobody on the way reads along: encrypted, or on this machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OWN_MACHINE)
    )


def _checked_address(address: str) -> str:
    if not is_private_way(address):
        raise ValueError("give an address that begins with https://")
    if urlsplit(address).query or urlsplit(address).fragment:
        raise ValueError("give the address without ? and #")
    return address.rstrip("/")


Address = Annotated[str, AfterValidator(_checked_address)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Domain = Annotated[str, StringConstraints(pattern=r"^[^@\s]+$", to_lower=True)]


class OidcPlan(Settings):
    """An OpenID Connect provider (Keycloak, Entra ID, Okta, ...) and what its word counts for."""

    issuer: Address
    """As the provider calls itself; its description lies below, at /.well-known/openid-configuration."""
    client_id: Word
    client_secret_file: Path | None = None
    """The secret that the provider gave; without a file it stands in KENSA_OIDC_CLIENT_SECRET."""
    address: Address
    """Where browsers reach this service. At the provider, ADDRESS/sign-in/oidc/return must be allowed."""
    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] = "single sign-on"
    """What people call the provider: the sign-in page says so."""
    scopes: tuple[Word, ...] = ("openid", "profile", "email")
    name_claim: Word = "name"
    """The claim that decisions are signed with."""
    role_claim: Word = "groups"
    """Where the words of `roles` stand: a claim, or a way into one as realm_access.roles."""
    roles: Annotated[dict[Role, tuple[Word, ...]], Field(min_length=1)]
    """For each role, words of `role_claim` that give it. The highest one counts; without any, nobody is let in."""
    domains: tuple[Domain, ...] = ()
    """Of e-mail addresses; empty allows every one."""
    groups_claim: Word = "groups"
    groups: tuple[Word, ...] = ()
    """One of them is needed besides a role; empty asks for none."""
    session_hours: Annotated[float, Field(gt=0, le=7 * 24)] = 12.0
    """When the provider is asked again, at the latest: who has left the plant is out by then."""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    ca_file: Path | None = None
    """Who vouches for the provider's certificate; without one, whom the machine trusts."""

    @field_validator("scopes")
    @classmethod
    def _asks_for_identity(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("openid is not among them: without it the provider says nothing of the person")
        return scopes

    @property
    def return_address(self) -> str:
        """Where the provider sends the browser back to."""
        return self.address + RETURN_PATH


def read_oidc_plan(settings: ServiceSettings) -> tuple[OidcPlan, SecretStr] | None:
    """(plan, client secret); None where no file is given. Raises ConfigError naming the file and the key."""
    if settings.oidc is None:
        return None
    plan = read_toml(settings.oidc, OidcPlan)
    if plan.ca_file is not None and not plan.ca_file.is_file():
        raise ConfigError(f"{settings.oidc}: ca_file: {plan.ca_file}: no such file", "give a PEM file")
    if plan.client_secret_file is not None:
        return plan, SecretStr(_read_secret(plan.client_secret_file, f"{settings.oidc}: client_secret_file"))
    if settings.oidc_client_secret is None or not settings.oidc_client_secret.get_secret_value():
        raise ConfigError(
            f"{settings.oidc}: client_secret_file is missing", "name a file there, or set KENSA_OIDC_CLIENT_SECRET"
        )
    return plan, settings.oidc_client_secret


def _read_secret(path: Path, name: str) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise ConfigError(f"{name}: {path}: {reason}", "give a file that the service may read") from None
    if not secret:
        raise ConfigError(f"{name}: {path}: is empty", "put the client's secret into it")
    return secret
