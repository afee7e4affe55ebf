"""The client of a Kensa service: post an image, get its verdict, exactly once. Needs httpx and no part of the server.

    from service.client import Client, Trigger

    with Client("http://127.0.0.1:8080") as kensa:
        answer = kensa.inspect(path.read_bytes(), Trigger(station="press-4", part_id="P-17"))
        if answer.verdict is not Verdict.PASS:
            ...

A post that gets no answer is sent again with the same trigger id, and so has one verdict however often it was sent.
"""

from inspection.verdict import Verdict
from service.client.answer import Answer
from service.client.connection import AsyncClient, Client
from service.client.errors import NoVerdict, Refused, StrangeAnswer
from service.client.patience import Patience
from service.client.trigger import Trigger

__all__ = ["Answer", "AsyncClient", "Client", "NoVerdict", "Patience", "Refused", "StrangeAnswer", "Trigger", "Verdict"]
