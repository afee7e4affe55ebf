"""The service of the demonstration: started, waited for, read back, and noticed when it ends."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.demo.processes import ProcessGroup
from deploy.demo.training import Programs
from inspection.errors import ConfigError, KensaError
from inspection.terminal import say
from service.client.posting import INSPECTIONS

FIRST_PORT = 8080
PORTS_TRIED = 50
START_S = 120.0
HOST = "127.0.0.1"


class StationError(KensaError):
    """The service did not start, or ended on its own."""


def port_is_free(port: int) -> bool:
    """Whether a service could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None) -> int:
    """The wanted port, or the first free one from FIRST_PORT; raises ConfigError when the wanted one is taken."""
    if wanted is not None:
        if not port_is_free(wanted):
            raise ConfigError(f"port {wanted}: taken by another program", "name another: make demo PORT=N")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if port_is_free(port):
            if port != FIRST_PORT:
                say(f"port {FIRST_PORT} is taken; using {port}")
            return port
    raise ConfigError(f"ports {FIRST_PORT} to {port}: all taken", "name a free one: make demo PORT=N")


@dataclass(frozen=True)
class Station:
    """A running service."""

    port: int
    child: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def require_running(self) -> None:
        """Raise StationError, with the last line of its log, when the service has ended."""
        status = self.child.poll()
        if status is not None:
            raise StationError(f"service: ended with status {status} ({last_line(self.log)})", f"see {self.log}")


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "no message"


def start_station(
    processes: ProcessGroup, programs: Programs, bundle: Path, data: Path, port: int, log: Path
) -> Station:
    """Start the service and wait until it is ready to judge; raises StationError when it does not get there."""
    log.unlink(missing_ok=True)
    options: list[str | Path] = ["--bundle", bundle, "--data", data, "--port", str(port)]
    child = processes.start([*programs.service, "serve", *options], log)
    station = Station(port, child, log)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        station.require_running()
        try:
            if httpx.get(f"{station.address}/health/ready", timeout=5.0).status_code == httpx.codes.OK:
                return station
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise StationError(f"service: not ready after {START_S:.0f} s ({last_line(log)})", f"see {log}")


def count_stored(client: httpx.Client, inspection_ids: Collection[str]) -> int:
    """How many of these inspections the service really has: each is read back from it, one by one."""
    found = 0
    for inspection_id in inspection_ids:
        reply = client.get(f"{INSPECTIONS}/{inspection_id}")
        found += reply.status_code == httpx.codes.OK and str(reply.json().get("id")) == inspection_id
    return found
