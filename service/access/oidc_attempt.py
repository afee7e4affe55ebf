"""One attempt to sign in at the provider: what binds the way there, the way back, and one browser to each other.

The browser keeps one random secret in a cookie that no script reads. State, nonce and PKCE's verifier come from it,
each by its own name (HMAC-SHA256), so nothing is kept here until the person is known, and any replica can finish.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from enum import StrEnum

from service.access.credentials import make_secret
from service.web.own_path import own_path

ATTEMPT_COOKIE = "kensa_oidc"
ATTEMPT_LASTS_S = 600


class Refusal(StrEnum):
    """Why nobody is signed in: what the sign-in page explains. The log says more."""

    UNREACHABLE = "unreachable"
    STALE = "stale"
    """The browser began no such attempt, or too long ago: also what a forged return looks like."""
    DECLINED = "declined"
    """The provider said no, or the person did."""
    UNTRUSTED = "untrusted"
    """What the provider sent does not stand up to a check."""
    NOT_ALLOWED = "not-allowed"
    """A person of the provider, but not one who may use Kensa."""
    DISABLED = "disabled"
    TOO_MANY = "too-many"


class SignOnRefused(Exception):
    """Nobody is signed in. `detail` is for the log and the audit trail, and holds no secret."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Attempt:
    """`secret` stays in the browser; `next_path` is where the person wanted to go."""

    secret: str
    next_path: str

    @classmethod
    def begin(cls, next_path: str) -> "Attempt":
        return cls(make_secret(), own_path(next_path))

    @classmethod
    def from_cookie(cls, cookie: str) -> "Attempt | None":
        """None for a cookie that this service did not make."""
        secret, _, path = cookie.partition(".")
        try:
            next_path = base64.urlsafe_b64decode(path).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
        return cls(secret, own_path(next_path)) if len(secret) >= 43 else None

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{base64.urlsafe_b64encode(self.next_path.encode()).decode()}"

    @property
    def state(self) -> str:
        """Comes back with the browser: the way back belongs to the way there."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Comes back in the provider's token: the token belongs to this attempt."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Shown with the code: whoever steals the code alone cannot use it (PKCE, RFC 7636)."""
        return self._derived("code verifier")

    def is_answered_by(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode("utf-8", "surrogatepass"))

    def _derived(self, name: str) -> str:
        digest = hmac.digest(self.secret.encode("utf-8", "surrogatepass"), name.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
