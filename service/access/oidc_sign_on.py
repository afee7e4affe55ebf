"""Signing in by the provider: the way there, the way back, and what is written down of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from service.access import sessions
from service.access.oidc_attempt import Attempt, Refusal, SignOnRefused
from service.access.oidc_people import enter, identity_of
from service.access.oidc_plan import read_oidc_plan
from service.access.oidc_provider import OidcProvider, ProviderAnswer
from service.access.tables import Means
from service.access.throttle import Throttle
from service.audit.operations import Action, Entry, append
from service.callers import Caller
from service.db.engine import Database
from service.errors import TooManyAttempts
from service.settings import ServiceSettings

log = structlog.get_logger("kensa.access")
STRANGER = "unknown"


def open_provider(settings: ServiceSettings) -> OidcProvider | None:
    """None where nobody but this service vouches for people. Raises ConfigError; asks the provider nothing yet."""
    given = read_oidc_plan(settings)
    return None if given is None else OidcProvider(*given)


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Who came in, the session's token, and where they wanted to go."""

    caller: Caller
    token: str
    next_path: str


class SingleSignOn:
    """One for each running application that has a provider."""

    def __init__(self, database: Database, provider: OidcProvider) -> None:
        self.provider = provider
        self._database = database
        # As for passwords: whoever is wrong all the time slows only their own address.
        self._by_address = Throttle(30, refill_s=20.0)

    @property
    def label(self) -> str:
        return self.provider.plan.label

    def begin(self, next_path: str, address: str) -> tuple[str, Attempt]:
        """(where the browser goes, what it keeps). Raises SignOnRefused."""
        attempt = Attempt.begin(next_path)
        try:
            return self.provider.authorization_address(attempt), attempt
        except SignOnRefused as refused:
            self._tell(refused, address)
            raise

    def finish(self, attempt: Attempt | None, answer: ProviderAnswer, address: str) -> SignedOn:
        """The person is signed in, or SignOnRefused is raised and written down."""
        try:
            self._by_address.check(address)
        except TooManyAttempts as error:
            raise SignOnRefused(Refusal.TOO_MANY, error.problem) from None
        try:
            if attempt is None or not attempt.is_answered_by(answer.state):
                raise SignOnRefused(Refusal.STALE, "this browser began no such sign-in")
            return self._enter(attempt, answer, address)
        except SignOnRefused as refused:
            self._tell(refused, address)
            if refused.refusal is not Refusal.UNREACHABLE:
                self._by_address.count_failure(address)
                self._write_down(refused, address)
            raise

    def _enter(self, attempt: Attempt, answer: ProviderAnswer, address: str) -> SignedOn:
        plan = self.provider.plan
        identity = identity_of(self.provider.claims_for(answer, attempt), plan)
        ends_at = datetime.now(UTC) + timedelta(hours=plan.session_hours)
        with self._database.writing() as session:
            person = enter(session, identity)
            token = sessions.begin(session, person, Means.SINGLE_SIGN_ON, ends_at)
            detail = {"means": Means.SINGLE_SIGN_ON, "issuer": identity.issuer, "subject": identity.subject}
            append(session, Entry(Action.SIGN_IN, person.name, f"address {address}", detail))
            return SignedOn(sessions.caller_for(person), token, attempt.next_path)

    def _tell(self, refused: SignOnRefused, address: str) -> None:
        event = "sign_on_unreachable" if refused.refusal is Refusal.UNREACHABLE else "sign_on_refused"
        log.warning(event, reason=refused.refusal.value, detail=refused.detail, address=address)

    def _write_down(self, refused: SignOnRefused, address: str) -> None:
        detail = {"means": Means.SINGLE_SIGN_ON, "reason": refused.refusal, "detail": refused.detail}
        with self._database.writing() as session:
            append(session, Entry(Action.SIGN_IN_REFUSED, STRANGER, f"address {address}", detail))
