"""`python -m deploy.bench.rollback`, or `make bench-rollback`: how long the way back to the champion before takes."""

import json
import shutil
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from deploy.bench.ground import empty_database, kinds_asked, untaught_bundle
from deploy.bench.pictures import PictureSource
from deploy.bench.station import Station, run_service, signed_in
from inspection.bundle.manifest import MANIFEST_FILE
from inspection.bundle.reader import open_bundle
from inspection.bundle.writer import write_bundle
from inspection.errors import StorageError
from inspection.inspector import Inspector
from inspection.profile import StationProfile
from inspection.terminal import emit_figures, run_command_line, show_table
from service.registry.operations import shelve

GOAL_MS = 1000.0
_WIDER = StationProfile(hold_band_scale=1.5)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Returned:
    """`took_ms` says the service; `answered_ms` passed until its answer, `judged_ms` until it had judged a part too."""

    took_ms: float
    answered_ms: float
    judged_ms: float
    is_right: bool
    """The next part was judged by the champion before."""


@app.command()
def bench(
    tries: Annotated[
        int, typer.Option(min=1, help="How often it goes back; the median and the longest are told.")
    ] = 20,
    only: Annotated[str | None, typer.Option(help="One database only: sqlite or postgresql.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="A bundle instead of the untaught one made here.")] = None,
    data: Annotated[Path, typer.Option(help="Where it works; databases there are removed.")] = Path(".kensa/bench"),
) -> None:
    """Promote another bundle, go back, and post a part: from the click to the first verdict by the champion before."""
    kinds = kinds_asked(only)
    chosen = bundle or untaught_bundle(data)
    figures: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for kind in kinds:
        found = measure(kind, chosen, data / f"rollback-{kind}", tries)
        figures[kind] = summarise(found)
        details[kind] = [asdict(one) for one in found]
    show_table(
        f"The way back, {tries} times",
        (
            "database",
            "service ms",
            "longest",
            "answered ms",
            "longest",
            "next verdict ms",
            "longest",
            "by the wrong one",
        ),
        [(kind, *found.values()) for kind, found in figures.items()],
    )
    (data / "rollback.json").write_text(json.dumps(details, indent=1) + "\n")
    emit_figures({"goal_ms": GOAL_MS, **figures})


def measure(kind: str, bundle: Path, folder: Path, tries: int) -> list[Returned]:
    """On a service of its own. Raises StorageError."""
    with empty_database(kind, folder) as url:
        other_id = shelve(_another(bundle, folder / "another"), folder / "bundles")
        with run_service(bundle, folder, url) as station, signed_in(station) as client:
            source = PictureSource(7)
            first_id = _post(station, source, "before")
            return [_go_back(client, station, source, number, first_id, other_id) for number in range(tries)]


def summarise(found: list[Returned]) -> dict[str, float]:
    """Median and longest of each, and how many parts the wrong bundle judged."""
    figures: dict[str, float] = {}
    for name in ("took_ms", "answered_ms", "judged_ms"):
        values = [getattr(one, name) for one in found]
        figures |= {name: round(statistics.median(values), 1), f"longest_{name}": round(max(values), 1)}
    return {**figures, "wrong_count": sum(not one.is_right for one in found)}


def _go_back(
    client: httpx.Client, station: Station, source: PictureSource, number: int, first_id: str, other_id: str
) -> Returned:
    _ask(client, "/api/v1/bundles/promotions", {"bundle_id": other_id})
    if (judged_by := _post(station, source, f"there-{number}")) != other_id:
        raise StorageError(f"promotion: {judged_by} judges still", "see the service's log")
    began = time.perf_counter()
    answer = _ask(client, "/api/v1/bundles/rollbacks", {"from_id": other_id})
    answered = time.perf_counter()
    judged_by = _post(station, source, f"back-{number}")
    judged = time.perf_counter()
    return Returned(answer["took_ms"], (answered - began) * 1e3, (judged - began) * 1e3, judged_by == first_id)


def _ask(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    if answer.is_error:
        raise StorageError(f"{path}: status {answer.status_code}", "see the service's log")
    found: dict[str, Any] = answer.json()
    return found


def _post(station: Station, source: PictureSource, trigger: str) -> str:
    """Post a part; the bundle that judged it."""
    fields = {"station": "bench-1", "part_id": trigger, "trigger_id": f"rollback-{trigger}"}
    answer = httpx.post(
        f"{station.address}/api/v1/inspections",
        data=fields,
        files={"image": ("part.jpg", source.next())},
        headers={"Authorization": f"Bearer {station.key}"},
        timeout=60.0,
    )
    if answer.is_error:
        raise StorageError(f"post: status {answer.status_code}", "see the service's log")
    return str(answer.json()["bundle_id"])


def _another(bundle: Path, out: Path) -> Path:
    """The same student with a wider hold band: another bundle."""
    inspector = open_bundle(bundle)
    draft = inspector.manifest.model_copy(
        update={"thresholds": _WIDER.thresholds_in_force(inspector.manifest.thresholds)}
    )
    judge = Inspector(inspector.session, draft)
    golden = tuple(
        image.model_copy(update={"verdict": judge.inspect((bundle / image.file).read_bytes()).verdict})
        for image in draft.golden_images
    )
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        staging = Path(folder) / "bundle"
        shutil.copytree(bundle, staging)
        (staging / MANIFEST_FILE).unlink()
        write_bundle(staging, out, draft.model_copy(update={"golden_images": golden}))
    return out


if __name__ == "__main__":
    run_command_line(app)
