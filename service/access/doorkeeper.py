"""Who asks: by the key a camera shows, or by the session of a browser."""

from service.access import people, sessions
from service.access.credentials import is_password
from service.access.operations import has_password, replace_password
from service.access.station_keys import KeyRing
from service.access.tables import Means, Person
from service.access.throttle import Throttle
from service.audit.operations import Action, Entry, append
from service.callers import Caller
from service.db.engine import Database
from service.errors import Conflict, Forbidden, NotSignedIn


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
        person = self._prove(name, password, address)
        if person is None:
            raise NotSignedIn("name or password: is not right", "try again, or ask an administrator for a new password")
        return self._begin(person.name, Means.PASSWORD, address)

    def change_password(self, caller: Caller, token: str, old: str, new: str, address: str) -> int:
        """The caller's own. The session of `token` goes on, all others of theirs end: how many these were.

        Raises Forbidden where `old` is not the password, TooManyAttempts, WeakPassword; Conflict for who has none.
        """
        if not has_password(self.database, caller.name):
            raise Conflict(f"person {caller.name}: has no password here", "an administrator can give one")
        person = self._prove(caller.name, old, address)
        if person is None:
            raise Forbidden("old password: is not right", "try again, or ask an administrator for a new password")
        return replace_password(self.database, person, new, but_token=token)

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

    def _prove(self, name: str, password: str, address: str) -> Person | None:
        """Who has that name and that password; whoever is wrong is counted and noted. Raises TooManyAttempts."""
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
            return None
        self._by_name_and_address.forget(subjects[0][1])
        return person

    def _begin(self, name: str, means: Means, address: str) -> tuple[Caller, str]:
        with self.database.writing() as session:
            person = people.require(session, name)
            token = sessions.begin(session, person, means)
            append(session, Entry(Action.SIGN_IN, name, f"address {address}", {"means": means}))
            return sessions.caller_for(person), token
