"""The simulated camera: posts parts one after the other, by the client that every camera may use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from deploy.demo.shots import Shot
from deploy.demo.tally import Answer, Tally
from service.client import Client, Refused, Trigger

STATION = "demo-camera-1"


class Camera:
    """Posts shots to a service. `shift` begins every trigger id, so that two runs are two series of parts."""

    def __init__(self, client: Client, shift: str) -> None:
        self._client = client
        self._shift = shift

    def post(self, shot: Shot, number: int) -> Answer | str:
        """Post one part: its verdict, or the sentence with which it was refused.

        Raises NoVerdict where the service stays away for longer than the client's patience, StrangeAnswer where
        something else answers.
        """
        trigger_id = f"{self._shift}-{number:05d}"
        trigger = Trigger(STATION, shot.part_id, trigger_id, lot=shot.lot, captured_at=datetime.now(UTC))
        started = time.monotonic()
        try:
            found = self._client.inspect(shot.path.read_bytes(), trigger)
        except Refused as refusal:
            return refusal.problem
        return Answer(str(found.id), found.verdict, found.part_score, seconds=time.monotonic() - started)


def post_all(camera: Camera, shots: Sequence[Shot], tally: Tally, report: Callable[[Tally], None]) -> None:
    """Post every shot in order, keep the count in `tally` and call `report` after each."""
    for number, shot in enumerate(shots, start=1):
        answer = camera.post(shot, number)
        if isinstance(answer, Answer):
            tally.entries.append((shot, answer))
        else:
            tally.refused.append((shot, answer))
        report(tally)
