"""Why a client has no verdict.

KensaError
└── ClientError
    ├── Refused           the service will not judge this post, and sending it again changes nothing
    ├── NoVerdict         the service was away or busy for longer than the client's patience
    └── StrangeAnswer     something answered that is no Kensa service, or one of another age
"""

from inspection.errors import KensaError


class ClientError(KensaError):
    """Base of all that keeps a client from its verdict."""


class Refused(ClientError):
    """The service will not judge this post; `status` is its HTTP status."""

    def __init__(self, problem: str, remedy: str, status: int) -> None:
        super().__init__(problem, remedy)
        self.status = status


class NoVerdict(ClientError):
    """No verdict within the client's patience. The same trigger may be sent again at any time."""


class StrangeAnswer(ClientError):
    """An answer that the verdict contract does not know."""
