"""What a page weighs, when its first row is there, as a browser with an empty cache would get it, and what it costs."""

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from inspection.errors import StorageError

_FIRST_ROW = re.compile(rb"<(?:tr|li|dd)\b")
_LINKED = re.compile(r"""(?:<script[^>]*\ssrc|<link[^>]*\srel="stylesheet"[^>]*\shref|<link[^>]*\shref)="(/[^"]+)\"""")
_IMPORTED = re.compile(r"""^import [^"]*"\./([\w-]+\.js)";""", re.MULTILINE)
_PIECE_BYTES = 4096


@dataclass(frozen=True)
class Weighed:
    """Medians in milliseconds; `first_row_ms` is that of the whole page where it has no row.

    `cpu_ms` is the least that the whole service worked meanwhile, on whatever it was: a loaded machine makes a page
    late, and hardly dearer.
    """

    page: str
    html_bytes: int
    files_bytes: int
    """Styles and scripts, with the modules that these import; a browser keeps them from page to page."""
    first_row_ms: float
    total_ms: float
    cpu_ms: float


def weigh(client: httpx.Client, page: str, *, read_cpu_s: Callable[[], float], tries: int = 7) -> Weighed:
    """`read_cpu_s` tells how long the service has worked so far. Raises StorageError for a page that fails."""
    times, html = [], b""
    for _ in range(tries):
        before_s = read_cpu_s()
        html, first_s, total_s = _get(client, page)
        times.append((first_s, total_s, read_cpu_s() - before_s))
    files = _files_of(client, html.decode())
    first, total, cpu = zip(*times, strict=True)
    return Weighed(
        page,
        len(html),
        sum(files.values()),
        1e3 * statistics.median(first),
        1e3 * statistics.median(total),
        1e3 * min(cpu),
    )


def _get(client: httpx.Client, page: str) -> tuple[bytes, float, float]:
    started = time.perf_counter()
    html, first_s = b"", 0.0
    with client.stream("GET", page, headers={"Accept": "text/html"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise StorageError(f"{page}: status {answer.status_code}", "see the service's log")
        for piece in answer.iter_bytes(_PIECE_BYTES):
            html += piece
            if not first_s and _FIRST_ROW.search(html):
                first_s = time.perf_counter() - started
    total_s = time.perf_counter() - started
    return html, first_s or total_s, total_s


def _files_of(client: httpx.Client, html: str) -> dict[str, int]:
    """Bytes of each file that the page loads before it is whole, by address."""
    sizes: dict[str, int] = {}
    waiting = _LINKED.findall(html)
    while waiting:
        address = waiting.pop()
        if address in sizes:
            continue
        answer = client.get(address)
        if answer.status_code != httpx.codes.OK:
            raise StorageError(f"{address}: status {answer.status_code}", "see the service's log")
        sizes[address] = len(answer.content)
        # The script of the charts is no module, and too large to look through.
        if address.startswith("/static/") and address.endswith(".js"):
            waiting += [f"/static/{name}" for name in _IMPORTED.findall(answer.text)]
    return sizes
