"""What a run is before its first step: refusals, its record, and that a resumed one is asked for the same."""

from dataclasses import dataclass
from pathlib import Path

from inspection import __version__
from inspection.errors import TrainingError
from inspection.images.digest import sha256_of_file, sha256_of_set
from pretrain.encoder.encoder import Encoder
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory, RunRecord
from pretrain.training.preparation import Prepared


@dataclass(frozen=True)
class TrainingRequest:
    """What a person asks for on the command line."""

    recipe: Recipe
    images: Path
    out: Path
    minutes: float | None = None
    start_weights: Path | None = None
    resume: bool = False
    cache: Path | None = None
    """Where prepared images are kept; `prepared-images` beside the run where not given."""
    compile: bool = False
    """Let torch.compile build the networks' kernels, on CUDA."""

    @property
    def cache_folder(self) -> Path:
        return self.cache or self.out.parent / "prepared-images"


def check_request(run: RunDirectory, request: TrainingRequest) -> None:
    """Raise TrainingError for what cannot begin."""
    if run.record_file.exists() and not request.resume:
        raise TrainingError(f"{run.root}: holds a run already", "add --resume, or choose another --out")
    if request.recipe.needs_start_weights and request.start_weights is None:
        raise TrainingError(
            f"recipe {request.recipe.name}: adapts start weights and there are none",
            "give --init, or choose a recipe that starts from scratch",
        )


def begin(run: RunDirectory, request: TrainingRequest, prepared: Prepared, encoder: Encoder) -> None:
    """Write down what a new run is; check that a resumed one is the same. Raises TrainingError and StorageError."""
    record = _record(request, prepared)
    if request.resume and run.record_file.is_file():
        _check_same(run, record, prepared)
    else:
        # The record last: with it the folder is a run, and whoever finds it finds the rest too.
        run.write_trained_digests(prepared.digests)
        run.save_encoder(encoder, run.start_file)
        run.write_record(record)
    run.write_left_out(prepared.left_out)


def _record(request: TrainingRequest, prepared: Prepared) -> RunRecord:
    start = request.start_weights
    return RunRecord(
        recipe=prepared.recipe,
        recipe_sha256=prepared.recipe.sha256(),
        images=str(request.images),
        images_sha256=sha256_of_set(prepared.digests),
        image_count=len(prepared.digests),
        split=prepared.split,
        start_weights=str(start) if start else None,
        start_weights_sha256=sha256_of_file(start) if start else None,
        minutes=request.minutes,
        kensa_version=__version__,
    )


def _check_same(run: RunDirectory, record: RunRecord, prepared: Prepared) -> None:
    started = run.read_record()
    for field in ("recipe_sha256", "images_sha256", "start_weights_sha256", "minutes"):
        if getattr(started, field) == getattr(record, field):
            continue
        name = field.removesuffix("_sha256").replace("_", " ")
        if name == "images":
            before, now = run.read_trained_digests(), frozenset(prepared.digests)
            name += f" ({len(before - now)} it trained on are gone, {len(now - before)} are new to it)"
        raise TrainingError(
            f"{run.root}: was started with other {name}", "resume with the same, or choose another --out"
        )
