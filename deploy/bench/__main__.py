"""`python -m deploy.bench`, or `make bench-service`: the line service beside a bare loop of its student."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.bench.big import Big, measure_big
from deploy.bench.ground import empty_database, kinds_asked, untaught_bundle
from deploy.bench.measure import Level, Measured, measure
from deploy.bench.station import run_service
from inspection.terminal import emit_figures, run_command_line, say, show_table

_COLUMNS = ["load", "images/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms/image", "ratio", "answers"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    duration: Annotated[float, typer.Option(min=2, help="Seconds of load on each database.")] = 60.0,
    posts: Annotated[int, typer.Option(min=0, help="So many further posts, for the growth of memory.")] = 0,
    rows: Annotated[int, typer.Option(min=0, help="Fill the database with so many inspections, measure again.")] = 0,
    only: Annotated[str | None, typer.Option(help="One database only: sqlite or postgresql.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="A bundle instead of the untaught one made here.")] = None,
    data: Annotated[Path, typer.Option(help="Where it works; images and databases there are removed.")] = Path(
        ".kensa/bench"
    ),
) -> None:
    """Images a second, latency and CPU time per image of the real service, and its ratio to a bare loop."""
    kinds = kinds_asked(only)
    chosen = bundle or untaught_bundle(data)
    figures, details = {}, {}
    for kind in kinds:
        measured, big = _measure(kind, chosen, data, duration, posts, rows)
        _show(kind, measured, big)
        figures[kind] = measured.figures()
        details[kind] = _details(measured, big)
    (data / "figures.json").write_text(json.dumps(details, indent=1) + "\n")
    emit_figures(figures)


def _measure(
    kind: str, bundle: Path, data: Path, duration: float, posts: int, rows: int
) -> tuple[Measured, Big | None]:
    folder = data / kind
    with empty_database(kind, folder) as url:
        with run_service(bundle, folder, url) as station:
            measured = measure(station, bundle, duration, posts, lambda phase: say(f"{kind}: {phase}"))
        big = measure_big(bundle, folder, url, rows, duration, say) if rows else None
    return measured, big


def _show(kind: str, measured: Measured, big: Big | None) -> None:
    bare = measured.bare
    rows: list[list[object]] = [["bare loop", bare.images_per_s, None, None, None, bare.cpu_ms_per_image, 1.0, ""]]
    rows += [_row(f"{level.connections} connections", level, measured) for level in measured.levels]
    if measured.steady:
        rows.append(_row("70 % load", measured.steady, measured))
    if big:
        rows.append(_row(f"{big.row_count} rows before", big.level, measured))
    show_table(f"{kind}: from post to stored verdict", _COLUMNS, rows)
    say(
        f"{kind}: {measured.acknowledged} acknowledged, {measured.stored} stored with their image; "
        f"memory grew by {measured.rss_growth:.1%}"
    )
    if big:
        show_table(f"{kind}: pages with {big.row_count} inspections", ["page", "ms"], sorted(big.pages_ms.items()))


def _row(name: str, level: Level, measured: Measured) -> list[object]:
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(level.statuses.items()))
    return [
        name,
        level.images_per_s,
        level.p50_ms,
        level.p95_ms,
        level.p99_ms,
        level.cpu_ms_per_image,
        measured.ratio(level),
        answers,
    ]


def _details(measured: Measured, big: Big | None) -> dict[str, object]:
    found: dict[str, object] = {
        "bare": vars(measured.bare),
        "levels": [{**vars(level), "ratio": measured.ratio(level)} for level in measured.levels],
        "steady": None if measured.steady is None else vars(measured.steady),
    }
    if big:
        found["big"] = {"row_count": big.row_count, "level": vars(big.level), "pages_ms": big.pages_ms}
    return found


if __name__ == "__main__":
    run_command_line(app)
