"""The upload limit, kept while a body arrives, and the headers that every answer carries."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing but the service's own files, no inline code, no frame around it.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# As ASGI sends them, since every answer has them.
_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

# More than any request has that is no image.
_OTHERS_LIMIT_BYTES = 2**20


class UploadLimit:
    """Answers 413 as soon as a body is known to exceed `limit_bytes`, or 1 MB where it is JSON; no more is read."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        received = int(declared) if declared.isdecimal() else 0
        is_json = headers.get("content-type", "").startswith("application/json")
        limit_bytes = min(self.limit_bytes, _OTHERS_LIMIT_BYTES) if is_json else self.limit_bytes
        counted = 0

        async def limited() -> Message:
            nonlocal counted
            if received > limit_bytes:
                raise _too_large(limit_bytes)
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > limit_bytes:
                raise _too_large(limit_bytes)
            return message

        await self.app(scope, limited, send)


def _too_large(limit_bytes: int) -> HTTPException:
    # An HTTPException because FastAPI lets no other error of a body through.
    return HTTPException(413, f"the body exceeds {limit_bytes // 2**20} MB", headers={"Connection": "close"})


class SafeHeaders:
    """Adds the security headers to every answer, but for those that it sets itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(header for header in _HEADERS if header[0] not in own)]
            await send(message)

        await self.app(scope, receive, send_with_headers)
