"""A run on disk: what it was asked, how far it has come, and what it made.

RUN/run.json                recipe, its digest, images, start weights: fixed when the run starts
RUN/trained_images.txt      digests of the images it trains on; all others are free to calibrate and to judge
RUN/checkpoint.json         how far it has come, and the checkpoint-*.safetensors that holds all that resuming needs
RUN/metrics.jsonl           one line of losses a report
RUN/tensorboard/            the same for TensorBoard, one file a start
RUN/left_out.txt            images that could not be read, each with its reason, where there are any
RUN/encoder.safetensors     the pretrained encoder, there when the run is finished
RUN/start.safetensors       the encoder as it started, so that what pretraining gave can be measured
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from inspection.config import Settings
from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.recipe import Recipe
from pretrain.whole_files import replace_text, told_of_the_disk


class RunRecord(Settings):
    """What a run was asked to do."""

    recipe: Recipe
    recipe_sha256: str
    images: str
    images_sha256: str
    image_count: int
    split: str
    """How images were held out of training, for calibration."""
    start_weights: str | None
    start_weights_sha256: str | None
    minutes: float | None
    kensa_version: str


@dataclass(frozen=True)
class RunDirectory:
    """Paths of a run, and reading and writing of what is not a checkpoint."""

    root: Path

    @property
    def record_file(self) -> Path:
        return self.root / "run.json"

    @property
    def encoder_file(self) -> Path:
        return self.root / "encoder.safetensors"

    @property
    def start_file(self) -> Path:
        return self.root / "start.safetensors"

    @property
    def events_folder(self) -> Path:
        return self.root / "tensorboard"

    @property
    def is_finished(self) -> bool:
        return self.encoder_file.is_file()

    @property
    def name(self) -> str:
        return self.root.resolve().name

    def create(self) -> None:
        with told_of_the_disk(self.root):
            self.root.mkdir(parents=True, exist_ok=True)

    def write_record(self, record: RunRecord) -> None:
        with told_of_the_disk(self.root):
            replace_text(self.record_file, record.model_dump_json(indent=2) + "\n")

    def read_record(self) -> RunRecord:
        """Raises TrainingError where the directory holds no run, or one of another version."""
        try:
            return RunRecord.model_validate_json(self.record_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise TrainingError(f"{self.root}: no run here", "start one with `python -m pretrain train`") from None
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(f"{self.record_file}: {error}", "make the file readable") from None
        except ValidationError as error:
            key = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise TrainingError(
                f"{self.record_file}: {key} does not fit", "start the run again with this version"
            ) from None

    def write_trained_digests(self, digests: Iterable[str]) -> None:
        with told_of_the_disk(self.root):
            replace_text(self.root / "trained_images.txt", "\n".join(digests) + "\n")

    def write_left_out(self, left_out: Sequence[str]) -> None:
        """List the images that could not be used."""
        with told_of_the_disk(self.root):
            if left_out:
                replace_text(self.root / "left_out.txt", "\n".join(left_out) + "\n")
            else:
                (self.root / "left_out.txt").unlink(missing_ok=True)

    def read_trained_digests(self) -> frozenset[str]:
        """sha256 of every image file the run trains on. Raises TrainingError."""
        path = self.root / "trained_images.txt"
        try:
            return frozenset(path.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(f"{path}: {error}", "restore the file or start the run again") from None

    def append_metrics(self, values: dict[str, float]) -> None:
        with told_of_the_disk(self.root), (self.root / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def forget_metrics_after(self, step: int) -> None:
        """Take back the lines of steps that a resumed run does again, and a line that a kill cut short."""
        path = self.root / "metrics.jsonl"
        if not path.is_file():
            return
        with told_of_the_disk(path):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            kept = [line for line in lines if _step_of(line) <= step]
            if len(kept) < len(lines):
                replace_text(path, "".join(kept))

    def last_metrics(self) -> dict[str, float]:
        """The newest line of metrics.jsonl."""
        lines = (self.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        values: dict[str, float] = json.loads(lines[-1])
        return values

    def save_encoder(self, encoder: Encoder, path: Path) -> None:
        """Write `encoder` to `path` whole or not at all. Raises StorageError."""
        partial = path.with_suffix(".partial")
        tensors = {name: value.detach().cpu().contiguous() for name, value in encoder.state_dict().items()}
        with told_of_the_disk(path):
            save_file(tensors, partial, metadata={"backbone": encoder.recipe.backbone})
            partial.replace(path)

    def load_encoder(self, *, as_started: bool = False) -> Encoder:
        """The pretrained encoder in evaluation mode, or the one the run started from. Raises TrainingError."""
        record = self.read_record()
        path = self.start_file if as_started else self.encoder_file
        if not path.is_file():
            raise TrainingError(
                f"{self.root}: the run is not finished", "go on with `python -m pretrain train ... --resume`"
            )
        encoder = Encoder(record.recipe.encoder)
        try:
            encoder.load_state_dict(self._load_tensors(path))
        except RuntimeError as error:
            raise _damaged(path, error) from None
        return encoder.eval().requires_grad_(False)

    def load_start_tensors(self) -> dict[str, Tensor]:
        """The weights that the run started from. Raises TrainingError."""
        return self._load_tensors(self.start_file)

    def _load_tensors(self, path: Path) -> dict[str, Tensor]:
        try:
            tensors: dict[str, Tensor] = load_file(path)
        except (OSError, SafetensorError) as error:
            raise _damaged(path, error) from None
        return tensors


def _damaged(path: Path, error: Exception) -> TrainingError:
    reason = str(error).partition("\n")[0][:120]
    return TrainingError(f"{path}: is damaged ({reason})", "restore the file or start the run again")


def _step_of(line: str) -> float:
    """The step of a line of metrics; infinity where the line is not whole."""
    try:
        return int(json.loads(line)["step"]) if line.endswith("\n") else math.inf
    except (ValueError, LookupError, TypeError):
        return math.inf
