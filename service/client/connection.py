"""The clients: one that waits, and one for asyncio."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from inspection import __version__
from inspection.errors import ConfigError
from service.client.answer import Answer
from service.client.patience import Failure, Patience
from service.client.posting import OnFailure, Posting
from service.client.trigger import Trigger

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# The service closes connections that were idle for 5 s; meeting that moment would cost an attempt.
_LIMITS = httpx.Limits(keepalive_expiry=4.0)


class Client:
    """Posts images over kept-alive connections. Use as a context manager; threads may share it.

    `key` is the station's key, where the service asks for one; `authority` a PEM file of the plant's own certificate
    authority. Raises ConfigError for an address or file that cannot be used.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        authority: Path | None = None,
        patience: Patience | None = None,
        on_failure: OnFailure | None = None,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._on_failure = on_failure
        self._pause = pause
        self._http = httpx.Client(**_options(address, key, authority), transport=transport)

    def inspect(self, image: bytes, trigger: Trigger) -> Answer:
        """The first verdict of this trigger, once image and verdict are durable. PNG, JPEG, BMP or TIFF bytes.

        Raises Refused, NoVerdict or StrangeAnswer.
        """
        posting = Posting(image, trigger, self._patience, self._on_failure)
        while True:
            try:
                outcome: Failure = self._http.send(posting.request(self._http))
            except httpx.TransportError as error:
                outcome = error
            settled = posting.settle(outcome)
            if isinstance(settled, Answer):
                return settled
            self._pause(settled)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """`Client` for asyncio, with the same guarantees."""

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        authority: Path | None = None,
        patience: Patience | None = None,
        on_failure: OnFailure | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._on_failure = on_failure
        self._http = httpx.AsyncClient(**_options(address, key, authority), transport=transport)

    async def inspect(self, image: bytes, trigger: Trigger) -> Answer:
        """See `Client.inspect`."""
        posting = Posting(image, trigger, self._patience, self._on_failure)
        while True:
            try:
                outcome: Failure = await self._http.send(posting.request(self._http))
            except httpx.TransportError as error:
                outcome = error
            settled = posting.settle(outcome)
            if isinstance(settled, Answer):
                return settled
            await asyncio.sleep(settled)

    async def close(self) -> None:
        """Close the kept connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _options(address: str, key: str | None, authority: Path | None) -> dict[str, Any]:
    """What both clients of httpx are made with."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ConfigError(f"address {address}: {error}", "give one like https://kensa.plant:8443") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(f"address {address}: is none of a service", "give one like https://kensa.plant:8443")
    headers = {"User-Agent": f"kensa-client/{__version__}"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    trust = True if authority is None else _trust(authority)
    return {"base_url": url, "headers": headers, "verify": trust, "timeout": _TIMEOUT, "limits": _LIMITS}


def _trust(authority: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{authority}: {reason}", "give the PEM file of the certificate authority") from None
