"""Verdicts by HTTP POST, each signed, with a name by which a receiver knows it again."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from service.callers import lies_within
from service.client.patience import describe
from service.factory.plan import WebhookPlan, read_secret
from service.factory.receiver import NotTakenError
from service.factory.schemas import VerdictMessage
from service.factory.signing import SIGNATURE_HEADER, sign

MESSAGE_HEADER = "Kensa-Message-Id"
SEQUENCE_HEADER = "Kensa-Sequence"
# The receiver itself is there, and says no to this one message.
_REFUSALS = frozenset({400, 409, 413, 415, 422})


class WebhookReceiver:
    """Any 2xx takes a message. Redirections are not followed: they would carry verdicts to another place."""

    def __init__(self, plan: WebhookPlan) -> None:
        self.name = plan.name
        self._plan = plan
        self._secret = read_secret(plan.secret_file, f"webhooks.{plan.name}.secret_file")
        self._client: httpx.AsyncClient | None = None

    def wants(self, station: str) -> bool:
        return lies_within(station, self._plan.stations)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Connections are kept open while there is something to tell."""
        async with httpx.AsyncClient(timeout=self._plan.timeout_s, trust_env=False) as self._client:
            yield

    async def deliver(self, message: VerdictMessage) -> bool:
        assert self._client is not None
        body = message.model_dump_json().encode()
        headers = {
            "Content-Type": "application/json",
            MESSAGE_HEADER: message.message_id,
            SEQUENCE_HEADER: str(message.sequence),
            SIGNATURE_HEADER: sign(self._secret, body, now_s=time.time()),
        }
        try:
            answer = await self._client.post(self._plan.url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise NotTakenError(describe(error)) from None
        if not answer.is_success:
            raise NotTakenError(describe(answer), is_of_message=answer.status_code in _REFUSALS)
        return True
