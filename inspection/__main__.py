"""Command line of the core: `python -m inspection`. What a station would say, at a desk and without a service."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inspection.bundle.reader import open_bundle
from inspection.errors import ImageError
from inspection.inspector import Inspector, PreparedImage
from inspection.terminal import emit_figures, run_command_line, show_table
from inspection.verdict import Inspection

app = typer.Typer(help="Judge images with a bundle.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def inspection() -> None:
    """Judge images with a bundle."""


@app.command()
def judge(
    bundle: Annotated[Path, typer.Argument(help="The bundle's directory.")],
    images: Annotated[list[Path], typer.Argument(help="Images of parts, of any size the bundle can judge.")],
    threads: Annotated[int, typer.Option(min=0, help="Of ONNX Runtime; 0 takes every core.")] = 0,
) -> None:
    """Judge IMAGES one by one, and tell how much memory that took at most."""
    inspector = open_bundle(bundle, threads=threads)
    rows, answers = [], []
    for path in images:
        answer, tile_count = _judge(inspector, path)
        region = answer.regions[0] if answer.regions else None
        size = f"{answer.width_px} x {answer.height_px}" if answer.width_px else None
        place = f"{region.x_px}, {region.y_px}: {region.width_px} x {region.height_px}" if region else None
        rows.append(
            (
                path.name,
                size,
                tile_count,
                answer.verdict,
                answer.local_score,
                answer.global_score,
                place,
                _words(answer.reason),
            )
        )
        answers.append(
            {
                "image": str(path),
                "verdict": answer.verdict,
                "reason": answer.reason,
                "local_score": answer.local_score,
                "global_score": answer.global_score,
                "tiles": tile_count,
                "regions": [[region.x_px, region.y_px, region.width_px, region.height_px] for region in answer.regions],
            }
        )
    columns = ["image", "px", "tiles", "verdict", "local score", "global score", "strongest region", "reason"]
    show_table(f"judged by {inspector.bundle_id}", columns, rows)
    emit_figures({"bundle_id": inspector.bundle_id, "answers": answers, "peak_rss_mb": peak_rss_mb()})


def peak_rss_mb() -> float | None:
    """The most memory this process has held, in megabytes of 10^6 bytes; None on Windows, which does not tell it so."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6, 1)


def _words(reason: str) -> str:
    return reason.replace("_", " ")


def _judge(inspector: Inspector, path: Path) -> tuple[Inspection, int | None]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}", "make the file readable or remove it") from None
    prepared = inspector.prepare(data, name=str(path))
    if not isinstance(prepared, PreparedImage):
        return prepared, None
    [answer] = inspector.conclude([prepared], inspector.score([prepared]))
    return answer, len(prepared.layout) if prepared.layout else 1


if __name__ == "__main__":
    run_command_line(app)
