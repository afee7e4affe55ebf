"""Clients that drip, and clients that open and drop: others are served meanwhile, and the service forgets them."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.running_service import RunningService, run_service
from tests.service.camera import posted


def connect(service: RunningService) -> socket.socket:
    parts = urlsplit(service.address)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=60)


def open_file_count(service: RunningService) -> int:
    return len(os.listdir(f"/proc/{service.child.pid}/fd"))


def drip(client: socket.socket, head: bytes, answer: list[bytes]) -> None:
    """A byte at a time until the service has had enough; `answer` is what it says."""
    try:
        client.sendall(head)
        for _ in range(600):
            client.sendall(b"x")
            time.sleep(0.02)
    except OSError:
        pass
    try:
        answer.append(client.recv(65536))
    except OSError:
        answer.append(b"")


def test_slow_clients_are_sent_away_and_others_are_served(tmp_path: Path, bundle: Path, database_url: str) -> None:
    environment = {"KENSA_UPLOAD_PATIENCE_S": "1"}
    options = ("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url)
    with run_service(*options, environment=environment) as service, service.client() as client:
        key = service.let_in.key.encode()
        body = b"POST /api/v1/inspections?station=s&part_id=p&trigger_id=slow HTTP/1.1\r\nHost: x\r\n"
        body += b"Authorization: Bearer " + key + b"\r\nContent-Type: image/png\r\nContent-Length: 50000\r\n\r\n"
        heads = [body, b"POST /api/v1/inspections HTTP/1.1\r\nX-Slow: "] * 4
        answers: list[list[bytes]] = [[] for _ in heads]
        sockets = [connect(service) for _ in heads]
        threads = [
            threading.Thread(target=drip, args=(sock, head, answer))
            for sock, head, answer in zip(sockets, heads, answers, strict=True)
        ]
        for thread in threads:
            thread.start()
        for number in range(5):
            assert posted(client, number)["verdict"] == "PASS"
        for thread in threads:
            thread.join(60)
        for sock in sockets:
            sock.close()
        for number, [answer] in enumerate(answers):
            # A body that drips is told so where the socket still takes an answer; a head that drips is just cut off.
            assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0], answer
            assert number % 2 == 0 or answer == b""
        stored = client.get("/api/v1/inspections").json()["items"]
        assert {item["trigger_id"] for item in stored} == {str(number) for number in range(5)}


def test_connections_opened_and_dropped_leave_nothing(
    tmp_path: Path, bundle: Path, database_url: str, is_full: bool
) -> None:
    count = 10_000 if is_full else 300
    options = ("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url)
    with run_service(*options) as service, service.client() as client:
        posted(client, "before")
        before = open_file_count(service)
        held: list[socket.socket] = []
        for number in range(count):
            sock = connect(service)
            if number % 3 == 1:
                sock.sendall(b"GET /health/live HT")
            if number % 3 == 2:
                sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            held.append(sock)
            # Two hundred at once, then all of them vanish.
            if len(held) == 200:
                while held:
                    held.pop().close()
        while held:
            held.pop().close()
        assert posted(client, "after")["verdict"] == "PASS"
        deadline = time.monotonic() + 30
        while open_file_count(service) > before + 20 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert open_file_count(service) <= before + 20
