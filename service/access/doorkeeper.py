"""Who asks: by the key a camera shows, or by the session of a browser."""

from service.access import people, sessions
from service.access.credentials import is_password
from service.access.station_keys import KeyRing
from service.access.tables import Means
from service.access.throttle import Throttle
from service.audit.operations import Action, Entry, append
from service.callers import Caller
from service.db.engine import Database
from service.errors import NotSignedIn


class Doorkeeper:
    """Tells who asks, and counts who was wrong too often. One for each running application."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = KeyRing(database)
        # A person mistypes a few times; a guesser gets one try a minute, from wherever, and slows others little.
        self._by_name_and_address = Throttle(5, refill_s=60.0)
        self._by_address = Throttle(30, refill_s=20.0)

    def caller_of_session(self, token: str) -> Caller | None:
        """The person signed in by this token; None where the session is over."""
        with self.database.reading() as session:
            row = sessions.find(session, token)
        if row is None:
            return None
        if sessions.is_stale(row):
            with self.database.writing() as session:
                sessions.mark_seen(session, row)
        return sessions.caller_for(row.person)

    def sign_in(self, name: str, password: str, address: str) -> tuple[Caller, str]:
        """(who, the session's token). Raises NotSignedIn, or TooManyAttempts before anything is looked at."""
        subjects = ((self._by_name_and_address, f"{name}\n{address}"), (self._by_address, address))
        for throttle, subject in subjects:
            throttle.check(subject)
        with self.database.reading() as session:
            person = people.find(session, name)
        password_hash = None if person is None or person.disabled_at else person.password_hash
        if not is_password(password, password_hash) or person is None:
            for throttle, subject in subjects:
                throttle.count_failure(subject)
            with self.database.writing() as session:
                append(session, Entry(Action.SIGN_IN_REFUSED, name, f"address {address}"))
            raise NotSignedIn("name or password: is not right", "try again, or ask an administrator for a new password")
        self._by_name_and_address.forget(subjects[0][1])
        return self._begin(person.name, Means.PASSWORD, address)

    def sign_in_by_link(self, token: str, address: str) -> tuple[Caller, str]:
        """(who, the session's token). Raises NotSignedIn."""
        with self.database.writing() as session:
            person = sessions.use_link(session, token)
        if person is None:
            raise NotSignedIn(
                "link: was used before, or is over", "ask for a new one: python -m service people link NAME"
            )
        return self._begin(person.name, Means.LINK, address)

    def sign_out(self, caller: Caller, token: str) -> Means | None:
        """How the session had begun."""
        with self.database.writing() as session:
            means = sessions.end(session, token)
            append(session, Entry(Action.SIGN_OUT, caller.name, caller.name))
            return means

    def _begin(self, name: str, means: Means, address: str) -> tuple[Caller, str]:
        with self.database.writing() as session:
            person = people.require(session, name)
            token = sessions.begin(session, person, means)
            append(session, Entry(Action.SIGN_IN, name, f"address {address}", {"means": means}))
            return sessions.caller_for(person), token
