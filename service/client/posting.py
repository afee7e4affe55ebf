"""One post from its first attempt to its verdict, without a network: both clients carry out what it says."""

from collections.abc import Callable

import httpx
from pydantic import ValidationError

from service.client.answer import Answer
from service.client.errors import Refused, StrangeAnswer
from service.client.patience import TRY_AGAIN, Attempts, Failure, Patience
from service.client.trigger import Trigger
from service.web.media import media_type_of

INSPECTIONS = "/api/v1/inspections"

OnFailure = Callable[[Failure, float], None]
"""Told of every attempt in vain, with the pause in seconds that follows it."""


class Posting:
    """A post of one image. Every attempt sends the same request, and with it the same trigger id."""

    def __init__(self, image: bytes, trigger: Trigger, patience: Patience, on_failure: OnFailure | None) -> None:
        self._image = image
        self._trigger = trigger
        self._attempts = Attempts(patience)
        self._on_failure = on_failure

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """What to send."""
        kind = {"Content-Type": media_type_of(self._image)}
        return client.build_request(
            "POST", INSPECTIONS, params=self._trigger.fields(), content=self._image, headers=kind
        )

    def settle(self, outcome: Failure) -> Answer | float:
        """The answer, or how many seconds to wait before the next attempt. Raises ClientError where neither is left."""
        if isinstance(outcome, httpx.Response) and outcome.status_code not in TRY_AGAIN:
            return read_answer(outcome)
        pause_s = self._attempts.pause_after(outcome)
        if self._on_failure is not None:
            self._on_failure(outcome, pause_s)
        return pause_s


def read_answer(reply: httpx.Response) -> Answer:
    """The verdict in a reply. Raises Refused for one that turns the post down, StrangeAnswer for what is neither."""
    if reply.is_client_error:
        raise _refusal(reply)
    try:
        if not reply.is_success:
            raise ValueError("neither a verdict nor a refusal")
        return Answer.model_validate_json(reply.content).model_copy(update={"was_first": reply.status_code == 201})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        problem = ".".join(map(str, fault["loc"])) or "body"
        problem += f": {fault['msg']}"
    except ValueError as error:
        problem = str(error)
    raise StrangeAnswer(
        f"{reply.url.copy_with(query=None)}: status {reply.status_code} without a verdict ({problem})",
        "see that the address is that of a Kensa service, of this version or newer",
    )


def _refusal(reply: httpx.Response) -> Refused:
    problem, remedy = f"status {reply.status_code} {reply.reason_phrase}", "see the service's log"
    try:
        body = reply.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        problem, remedy = str(body.get("detail") or problem), str(body.get("remedy") or remedy)
    return Refused(problem, remedy, reply.status_code)
