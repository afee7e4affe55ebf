"""The ledger: the same figures at teacher, student and ONNX, and what each says of the golden images.

It travels in the bundle as ledger.json, so that whoever has the bundle can recompute its proofs.
"""

from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, ValidationError

from distill.scoring_graph import ScoringGraph
from distill.stages import score_in_torch
from inspection.bundle.manifest import GoldenImage
from inspection.calibration.policy import Thresholds, judge
from inspection.config import Settings
from inspection.errors import BundleError
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from inspection.scoring.tiled import gather_tiles
from inspection.verdict import Verdict

LEDGER_FILE = "ledger.json"
Count = Annotated[int, Field(ge=0)]


class StageEntry(Settings):
    """One form of the model on the held-out images."""

    thresholds: Thresholds
    """Set by this stage's own scores; the student's are those of its ONNX form."""
    image_count: Count
    synthetic_flaw_auroc: float | None
    verdict_flip_count: Count | None
    """Images on which this stage and the one before it disagree; None for the first."""

    @property
    def figures(self) -> dict[str, float | None]:
        """What the manifest's metrics tell of it."""
        return self.model_dump(include={"synthetic_flaw_auroc", "verdict_flip_count"})


class StageScores(Settings):
    """What one stage says of one golden image."""

    local_score: float
    global_score: float


class Ledger(Settings):
    """Stages in their order, and the golden images' scores by file and stage."""

    stages: dict[str, StageEntry]
    golden: dict[str, dict[str, StageScores]]
    training_lots: tuple[str, ...]
    renewed_from: str | None = None
    """The bundle whose student this one took over; then the torch stages are that one's."""
    note: str | None = None


def verdicts_of(scores: Scores, thresholds: Thresholds) -> list[Verdict]:
    """The policy's verdict for every scored image."""
    pairs = zip(scores.local_score, scores.global_score, strict=True)
    return [judge(float(local), float(whole), thresholds).verdict for local, whole in pairs]


def enter_stages(
    scores: dict[str, Scores], thresholds: dict[str, Thresholds], flaw_aurocs: dict[str, float | None]
) -> dict[str, StageEntry]:
    """Entries for the stages of `scores`, in their order, all of the same images."""
    entries: dict[str, StageEntry] = {}
    before: list[Verdict] | None = None
    for stage, found in scores.items():
        verdicts = verdicts_of(found, thresholds[stage])
        entries[stage] = StageEntry(
            thresholds=thresholds[stage],
            image_count=len(found),
            synthetic_flaw_auroc=flaw_aurocs[stage],
            verdict_flip_count=None if before is None else count_flips(before, verdicts),
        )
        before = verdicts
    return entries


def count_flips(first: list[Verdict], second: list[Verdict]) -> int:
    """Images that get different verdicts."""
    return sum(one != other for one, other in zip(first, second, strict=True))


def score_golden_in_torch(
    staging: Path, golden: tuple[GoldenImage, ...], inspector: Inspector, graphs: dict[str, ScoringGraph]
) -> dict[str, dict[str, StageScores]]:
    """Scores of every golden image by stage of `graphs`, prepared as the station prepares it."""
    found: dict[str, dict[str, StageScores]] = {}
    for image in golden:
        prepared = inspector.prepare((staging / image.file).read_bytes(), name=image.file)
        assert isinstance(prepared, PreparedImage), "a golden image was judged a moment ago"
        found[image.file] = {stage: _score_one(graph, prepared) for stage, graph in graphs.items()}
    return found


def _score_one(graph: ScoringGraph, prepared: PreparedImage) -> StageScores:
    scores = score_in_torch(graph, torch.from_numpy(prepared.inputs))
    return _only(scores if prepared.layout is None else gather_tiles(scores, [prepared.layout]))


def _only(scores: Scores) -> StageScores:
    return StageScores(local_score=float(scores.local_score[0]), global_score=float(scores.global_score[0]))


def read_ledger(bundle: Path) -> Ledger:
    """Raises BundleError where the bundle has none, or one of another version."""
    path = bundle / LEDGER_FILE
    try:
        return Ledger.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{path}: is missing", "build the bundle again with this version") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: {error}", "make the file readable or build the bundle again") from None
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"]) or "(whole file)"
        raise BundleError(f"{path}: {key} does not fit", "build the bundle again with this version") from None


def write_ledger(staging: Path, ledger: Ledger) -> None:
    (staging / LEDGER_FILE).write_text(ledger.model_dump_json(indent=2) + "\n", encoding="utf-8")
