"""The errors a request can meet, beside those of the core.

KensaError
└── RequestError               a request that cannot be served as it is
    ├── NotFound               404
    ├── InvalidCursor          422
    └── UnsupportedMediaType   415

The core's StorageError answers 503: nothing was stored, and the sender tries again. Every error leaves the service
as one and the same problem body, see `service.web.problems`.
"""

from inspection.errors import KensaError


class RequestError(KensaError):
    """A request that cannot be served as it is; `status` is its HTTP status."""

    status = 400


class NotFound(RequestError):
    """There is no such thing."""

    status = 404


class InvalidCursor(RequestError):
    """A page's cursor that this service did not give."""

    status = 422


class UnsupportedMediaType(RequestError):
    """A body of a kind this address does not take."""

    status = 415
