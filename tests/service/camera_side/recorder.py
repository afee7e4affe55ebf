"""A stand-in for the service that keeps every post, may go away and come back, and knows a trigger again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LIMITS = {"pass_limit": 0.5, "fail_limit": 1.0}


@dataclass
class Record:
    """What reached the service: the images of each trigger in order of their first arrival, and every attempt."""

    images: dict[str, bytes] = field(default_factory=dict)
    fields: list[dict[str, str]] = field(default_factory=list)
    attempt_count: int = 0
    refuse: bytes = b"refuse this"
    status_for_all: int | None = None

    def answer(self, fields: dict[str, str], image: bytes) -> tuple[int, dict[str, Any]]:
        self.attempt_count += 1
        if self.status_for_all is not None:
            return self.status_for_all, {"detail": "not now", "remedy": "wait"}
        if self.refuse in image:
            return 422, {"detail": "image: not wanted", "remedy": "send another"}
        trigger = fields["trigger_id"]
        is_first = trigger not in self.images
        if is_first:
            self.images[trigger] = image
            self.fields.append(fields)
        number = list(self.images).index(trigger) + 1
        return 201 if is_first else 200, body_of(number, fields)


def body_of(number: int, fields: dict[str, str]) -> dict[str, Any]:
    """A verdict by the contract."""
    return {
        "id": number,
        "lot": None,
        "captured_at": None,
        **fields,
        "received_at": "2026-11-23T09:30:01Z",
        "verdict": "PASS",
        "reason": "normal",
        "detail": "fine",
        "local_score": 0.1,
        "global_score": 0.1,
        "part_score": 0.2,
        "thresholds": {"local": LIMITS, "global": LIMITS},
        "regions": [],
        "bundle_id": "bundle-1",
        "timings_ms": {},
        "links": {"self": "/i", "image": "/i/image", "heat_map": None, "review": "/review"},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    record: Record

    def do_POST(self) -> None:
        image = self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.record.answer(dict(parse_qsl(urlsplit(self.path).query)), image)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def answering(record: Record, port: int = 0) -> Iterator[int]:
    """Serve on `port` (0: any free one) while the block runs; yields the port."""
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"record": record}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
