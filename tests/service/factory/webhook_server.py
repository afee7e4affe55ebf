"""A plant's system that takes webhooks: a real HTTP server, which may say no, or be away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mes:
    """What came, in order: (headers, body as bytes); `answer` decides the status."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[dict[str, Any]], int] = lambda _body: 204

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Bodies of all that was answered with 2xx."""
        return [json.loads(body) for headers, body in self.requests if headers["answered"].startswith("2")]


@contextmanager
def run_mes(mes: Mes, port: int = 0) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = mes.answer(json.loads(body))
            mes.requests.append(({**dict(self.headers), "answered": str(status)}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/kensa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
