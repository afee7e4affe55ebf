"""The simulated camera: posts parts one after the other and does not give up on a busy service."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx

from deploy.demo.shots import Shot
from deploy.demo.tally import Answer, Tally
from inspection.errors import KensaError
from inspection.verdict import Verdict

STATION = "demo-camera-1"
INSPECTIONS = "/api/v1/inspections"
BUSY = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class CameraError(KensaError):
    """The service cannot be reached, or says what the verdict contract does not know."""


class Camera:
    """Posts shots to a service. `shift` begins every trigger id, so that two runs are two series of parts.

    A trigger id is made once per part: a repeated post of it gets the first verdict again, never a second one.
    """

    def __init__(
        self,
        client: httpx.Client,
        shift: str,
        patience_s: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._shift = shift
        self._patience_s = patience_s
        self._pause = pause

    def post(self, shot: Shot, number: int) -> Answer | str:
        """Post one part until it is answered: its verdict, or the sentence with which it was refused.

        Raises CameraError when there is no answer within `patience_s` seconds of waiting.
        """
        image = shot.path.read_bytes()
        fields = {
            "station": STATION,
            "part_id": shot.part_id,
            "lot": shot.lot,
            "trigger_id": f"{self._shift}-{number:05d}",
            "captured_at": datetime.now(UTC).isoformat(),
        }
        started = time.monotonic()
        waited_s, pause_s = 0.0, FIRST_PAUSE_S
        while True:
            reply = self._try(fields, shot.path.name, image)
            if isinstance(reply, httpx.Response) and reply.status_code not in BUSY:
                return read_reply(reply, time.monotonic() - started)
            if waited_s >= self._patience_s:
                problem = reply if isinstance(reply, str) else f"status {reply.status_code}"
                raise CameraError(
                    f"{self._client.base_url}: no verdict for {shot.part_id} in {waited_s:.0f} s ({problem})",
                    "look into the service's log",
                )
            self._pause(pause_s)
            waited_s += pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _try(self, fields: dict[str, str], name: str, image: bytes) -> httpx.Response | str:
        """One attempt: the service's reply, or why there was none."""
        try:
            return self._client.post(INSPECTIONS, data=fields, files={"image": (name, image)})
        except httpx.TransportError as error:
            return type(error).__name__


def read_reply(reply: httpx.Response, seconds: float) -> Answer | str:
    """The verdict in a reply, or the sentence of a refusal; raises CameraError where it is neither."""
    try:
        body = reply.json()
        if reply.is_client_error:
            return str(body.get("detail") or body.get("title") or reply.status_code)
        score = body["part_score"]
        return Answer(
            inspection_id=str(body["id"]),
            verdict=Verdict(body["verdict"]),
            part_score=None if score is None else float(score),
            seconds=seconds,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CameraError(
            f"{reply.url}: status {reply.status_code} without a verdict ({type(error).__name__}: {error})",
            "is this a Kensa service of the same version?",
        ) from None


def post_all(camera: Camera, shots: Sequence[Shot], tally: Tally, report: Callable[[Tally], None]) -> None:
    """Post every shot in order, keep the count in `tally` and call `report` after each."""
    for number, shot in enumerate(shots, start=1):
        answer = camera.post(shot, number)
        if isinstance(answer, Answer):
            tally.entries.append((shot, answer))
        else:
            tally.refused.append((shot, answer))
        report(tally)
