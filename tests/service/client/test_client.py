"""The client against a service that is away, busy, strange, and whole."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.errors import ConfigError
from service.client import AsyncClient, Client, NoVerdict, Patience, Refused, StrangeAnswer, Trigger, Verdict
from service.client.answer import Answer
from service.client.patience import Attempts
from service.intake.schemas import InspectionAnswer
from tests.bundles import part_png
from tests.running_service import run_service

TRIGGER = Trigger("press-3", "P-1", "T-1", lot="L-1", captured_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
LIMITS = {"pass_limit": 0.5, "fail_limit": 1.0}
BODY: dict[str, Any] = {
    "id": 7,
    **TRIGGER.fields(),
    "received_at": "2026-11-23T09:30:01Z",
    "verdict": "HOLD",
    "reason": "a_reason_of_tomorrow",
    "detail": "look at it",
    "local_score": 0.7,
    "global_score": 0.1,
    "part_score": 1.4,
    "thresholds": {"local": LIMITS, "global": LIMITS},
    "regions": [],
    "bundle_id": "bundle-1",
    "timings_ms": {"decode": 1.0},
    "links": {"self": "/i/7", "image": "/i/7/image", "heat_map": None, "review": "/review/7"},
    "something_new": True,
}
Reply = httpx.Response | httpx.TransportError


class Script:
    """A service that answers by a list, and keeps what it was sent."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = iter(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = next(self.replies)
        if isinstance(reply, httpx.TransportError):
            raise reply
        return reply


def client_of(script: Script, pauses: list[float], **options: Any) -> Client:
    return Client("http://kensa.test", transport=httpx.MockTransport(script), pause=pauses.append, **options)


def test_a_verdict_is_read_with_what_is_new_passed_over() -> None:
    script = Script(httpx.Response(201, json=BODY))
    pauses: list[float] = []
    with client_of(script, pauses, key="secret") as client:
        answer = client.inspect(b"\xff\xd8\xff picture", TRIGGER)
    assert (answer.id, answer.verdict, answer.was_first) == (7, Verdict.HOLD, True)
    assert answer.reason == "a_reason_of_tomorrow"
    (request,) = script.requests
    assert dict(request.url.params) == TRIGGER.fields()
    assert request.content == b"\xff\xd8\xff picture"
    assert (request.headers["content-type"], request.headers["authorization"]) == ("image/jpeg", "Bearer secret")
    assert pauses == []


def test_every_attempt_carries_the_same_trigger() -> None:
    failures: list[Reply] = [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503),
        httpx.Response(502),
    ]
    script = Script(*failures, httpx.Response(200, json=BODY))
    pauses: list[float] = []
    told: list[float] = []
    with client_of(script, pauses, on_failure=lambda _, pause_s: told.append(pause_s)) as client:
        answer = client.inspect(b"picture", Trigger("press-3", "P-1"))
    assert answer.was_first is False
    assert len({(request.url, request.content) for request in script.requests}) == 1
    assert len(script.requests) == 5
    assert told == pauses
    assert all(0.2 * 2**turn <= pause <= 0.25 * 2**turn for turn, pause in enumerate(pauses))


@pytest.mark.parametrize(
    ("wish", "least", "most"),
    [
        ("7", 7, 7.1),
        (timedelta(seconds=250), 100, 250.1),
        ("86400", 300, 300.1),
        ("soon", 0.2, 0.3),
        ("", 0.2, 0.3),
    ],
)
def test_the_service_says_when_to_come_back(wish: str | timedelta, least: float, most: float) -> None:
    attempts = Attempts(Patience(limit_s=None))
    # A date is made now: tests are collected long before they run.
    if isinstance(wish, timedelta):
        wish = format_datetime(datetime.now(UTC) + wish, usegmt=True)
    assert least <= attempts.pause_after(httpx.Response(503, headers={"Retry-After": wish})) <= most


def test_patience_ends_before_a_pause_that_would_outlast_it() -> None:
    seconds = itertools.count()
    attempts = Attempts(Patience(limit_s=5), clock=lambda: float(next(seconds)), chance=lambda: 0.0)
    busy = httpx.Response(503)
    assert [attempts.pause_after(busy) for _ in range(3)] == [0.2, 0.4, 0.8]
    with pytest.raises(NoVerdict, match=r"no verdict within 5 s \(it answered 503"):
        attempts.pause_after(busy)


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (httpx.Response(422, json={"detail": "query.lot: too long", "remedy": "shorten it"}), Refused, "shorten it"),
        (httpx.Response(404, text="<html>"), Refused, "404"),
        (httpx.Response(200, text="<html>hello</html>"), StrangeAnswer, "without a verdict"),
        (httpx.Response(302), StrangeAnswer, "neither a verdict nor a refusal"),
        (httpx.Response(201, json={**BODY, "verdict": "MAYBE"}), StrangeAnswer, "verdict"),
    ],
)
def test_what_is_no_verdict_never_looks_like_one(reply: httpx.Response, kind: type[Exception], text: str) -> None:
    with client_of(Script(reply), []) as client, pytest.raises(kind, match=text):
        client.inspect(b"picture", TRIGGER)


@pytest.mark.parametrize("address", ["kensa.plant:8443", "ftp://kensa.plant", "http://", "http://kensa:port", ""])
def test_an_address_that_is_none_is_told_at_once(address: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        Client(address)


def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        Client("https://kensa.plant", authority=tmp_path / "ca.pem")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Trigger("press-3", "P-1", captured_at=datetime(2026, 11, 23))


def test_client_and_service_mean_the_same_answer() -> None:
    known = set(Answer.model_fields) - {"was_first"}
    assert known <= set(InspectionAnswer.model_fields)


def test_both_clients_get_one_verdict_from_a_real_service(bundle: Path, tmp_path: Path) -> None:
    image = part_png(5, spot=0.9)
    with run_service("--bundle", bundle, "--data", tmp_path / "data") as service:
        with Client(service.address, key=service.let_in.key) as client:
            first, again = client.inspect(image, TRIGGER), client.inspect(image, TRIGGER)

        async def inspect() -> Answer:
            async with AsyncClient(service.address, key=service.let_in.key) as client:
                return await client.inspect(image, TRIGGER)

        third = asyncio.run(inspect())
    assert (first.verdict, first.was_first, again.was_first) == (Verdict.FAIL, True, False)
    assert again.model_copy(update={"was_first": True}) == first
    assert third == again
    assert first.captured_at == TRIGGER.captured_at


def test_the_async_client_waits_and_tries_again() -> None:
    script = Script(httpx.ConnectError("refused"), httpx.Response(201, json=BODY))
    told: list[float] = []

    async def inspect() -> Answer:
        patience = Patience(first_pause_s=0.001)
        on_failure: Callable[[object, float], None] = lambda _, pause_s: told.append(pause_s)  # noqa: E731
        transport = httpx.MockTransport(script)
        async with AsyncClient("http://kensa.test", patience=patience, on_failure=on_failure, transport=transport) as c:
            return await c.inspect(b"picture", TRIGGER)

    assert asyncio.run(inspect()).id == 7
    assert len(told) == 1
