"""Clients that take their time: a request has to arrive within a while, or it makes room for others.

Without this, one that sends a byte a second keeps a connection for as long as it likes.
"""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def patient_protocol(patience_s: float) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which closes a connection that has not sent a whole head within `patience_s`."""

    class PatientProtocol(HttpToolsProtocol):
        _waiting: asyncio.TimerHandle | None = None
        _is_in_request = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # A head that came whole, as nearly all do, needs no clock.
            if not self._is_in_request:
                self._wait()

        def on_headers_complete(self) -> None:
            self._is_in_request = True
            self._stop_waiting()
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            self._is_in_request = False
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._waiting is None:
                self._waiting = self.loop.call_later(patience_s, self._give_up)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._waiting = None
            if not self._is_in_request:
                self.transport.close()

    return PatientProtocol


class BodyPatience:
    """Answers 408 where a body has not arrived within `patience_s`, however steadily it drips."""

    def __init__(self, app: ASGIApp, patience_s: float) -> None:
        self.app = app
        self.patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.patience_s
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal is_whole
            if is_whole:
                # Nothing more is due: what a server waits for now is that the client goes away.
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                told = f"the body has not arrived within {self.patience_s:g} s"
                raise HTTPException(408, told, headers={"Connection": "close"}) from None
            is_whole = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
