"""A stand-in for the service: the part of the verdict contract that the demonstration uses, and its moods.

Run as a program it takes the options of `python -m service serve`, and makes keys and links that open nothing.
"""

from __future__ import annotations

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LIMITS = {"pass_limit": 0.5, "fail_limit": 1.0}


class FakeService(ThreadingHTTPServer):
    """Judges a part by its name; the first `busy` posts are answered with 503."""

    daemon_threads = True

    def __init__(self, port: int = 0, busy: int = 0, forgets: bool = False) -> None:
        super().__init__(("127.0.0.1", port), FakeHandler)
        self.busy = busy
        self.forgets = forgets
        self.posts: list[dict[str, str]] = []
        self.stored: dict[str, dict[str, Any]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def judge(self, fields: dict[str, str]) -> dict[str, Any]:
        """The first verdict of a trigger id, whatever is posted later."""
        trigger = fields["trigger_id"]
        if trigger not in self.stored:
            moods: dict[str, tuple[str, float | None]] = {"bad": ("FAIL", 2.0), "dark": ("HOLD", None)}
            verdict, score = next((mood for name, mood in moods.items() if name in fields["part_id"]), ("PASS", 0.5))
            self.stored[trigger] = answer_of(len(self.stored) + 1, fields, verdict, score)
        return self.stored[trigger]


def answer_of(number: int, fields: dict[str, str], verdict: str, part_score: float | None) -> dict[str, Any]:
    """A body of the verdict contract."""
    return {
        "id": number,
        **fields,
        "received_at": fields["captured_at"],
        "verdict": verdict,
        "reason": "normal",
        "detail": "as its name says",
        "local_score": part_score,
        "global_score": part_score,
        "part_score": part_score,
        "thresholds": {"local": LIMITS, "global": LIMITS},
        "regions": [],
        "bundle_id": "bundle-1",
        "timings_ms": {},
        "links": {"self": f"/i/{number}", "image": f"/i/{number}/image", "heat_map": None, "review": "/review"},
    }


class FakeHandler(BaseHTTPRequestHandler):
    """Routes of the stand-in."""

    server: FakeService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = {str(answer["id"]): answer for answer in self.server.stored.values()}
        inspection = known.get(self.path.rsplit("/", 1)[-1])
        if self.path == "/health/ready":
            self.answer(200, {"status": "ready"})
        elif inspection is not None and not self.server.forgets:
            self.answer(200, inspection)
        else:
            self.answer(404, {"title": "not found"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        fields = dict(parse_qsl(urlsplit(self.path).query))
        self.server.posts.append(fields)
        if len(self.server.posts) <= self.server.busy:
            self.answer(503, {"title": "busy"})
        elif "refuse" in fields["part_id"]:
            self.answer(422, {"title": "unprocessable", "detail": "image: not wanted"})
        else:
            self.answer(200, self.server.judge(fields))

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.argv[1:3] == ["stations", "key"]:
        print("kensa-key-fake")
        sys.exit()
    if sys.argv[1] == "people":
        # As the real one: nobody of that name until somebody is added.
        if sys.argv[2] == "link":
            sys.exit("error: person demo: does not exist")
        print(f"{sys.argv[sys.argv.index('--link') + 1]}/sign-in#fake")
        sys.exit()
    FakeService(int(sys.argv[sys.argv.index("--port") + 1])).serve_forever()
