"""The errors a request can meet, beside those of the core.

KensaError
└── RequestError               a request that cannot be served as it is
    ├── NotSignedIn            401
    ├── Forbidden              403
    ├── NotFound               404
    ├── Conflict               409
    ├── NameTaken              409
    ├── Outdated               409
    ├── InvalidCursor          422
    ├── UnfitBundle            422
    ├── WeakPassword           422
    ├── UnsupportedMediaType   415
    ├── TooManyAttempts        429
    └── Overloaded             503

The core's StorageError answers 503: nothing was stored, and the sender tries again. Every error leaves the service
as one and the same problem body, see `service.web.problems`.
"""

from inspection.errors import KensaError


class RequestError(KensaError):
    """A request that cannot be served as it is; `status` is its HTTP status."""

    status = 400


class NotSignedIn(RequestError):
    """Nobody is known to ask, or not rightly."""

    status = 401


class Forbidden(RequestError):
    """Whoever asks may not do this."""

    status = 403


class NotFound(RequestError):
    """There is no such thing."""

    status = 404


class Conflict(RequestError):
    """Somebody else was first."""

    status = 409


class NameTaken(RequestError):
    """Two things cannot have one name."""

    status = 409


class Outdated(RequestError):
    """Made from a version that is not the newest any more."""

    status = 409


class UnfitBundle(RequestError):
    """A bundle that is not here, or must not serve."""

    status = 422


class Overloaded(RequestError):
    """Parts come faster than they are judged. The part's HOLD is on record where its image has arrived."""

    status = 503


class InvalidCursor(RequestError):
    """A page's cursor that this service did not give."""

    status = 422


class WeakPassword(RequestError):
    """A password that is too short to keep anybody out."""

    status = 422


class UnsupportedMediaType(RequestError):
    """A body of a kind this address does not take."""

    status = 415


class TooManyAttempts(RequestError):
    """Too many wrong passwords or keys; `retry_after_s` is when to try again."""

    status = 429

    def __init__(self, problem: str, remedy: str, retry_after_s: float) -> None:
        super().__init__(problem, remedy)
        self.retry_after_s = retry_after_s
