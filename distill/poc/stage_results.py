"""What each form of the model said of the labeled pictures, kept on disk: the torch forms do not outlast the build."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from distill.build import Forms
from distill.interleave import time_in_turns
from distill.poc.labeled import LabeledImages
from distill.stages import score_in_onnx, score_in_torch
from inspection.calibration.policy import Thresholds
from inspection.scoring.session import Scores, StudentSession

_TIMED_S = 3.0
_WORST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class StageResult:
    """Scores of all N pictures; of those that could not be judged the worst, with an empty map."""

    scores: Scores
    thresholds: Thresholds


def judge_in_all_forms(folder: Path, labeled: LabeledImages | None, forms: Forms) -> None:
    """Score the labeled pictures by teacher, student and ONNX, time them in turns, and write all of it to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    session = forms.inspector.session
    if labeled is not None and len(labeled.pixels):
        for stage, graph in forms.graphs.items():
            save_result(
                folder,
                stage,
                StageResult(_spread(score_in_torch(graph, labeled.pixels), labeled), forms.thresholds[stage]),
            )
        save_onnx_result(folder, "onnx", session, forms.thresholds["onnx"], labeled)
    latency_ms = _time(forms, session)
    (folder / "latency.json").write_text(json.dumps(latency_ms), encoding="utf-8")


def save_onnx_result(
    folder: Path, stage: str, session: StudentSession, thresholds: Thresholds, labeled: LabeledImages
) -> None:
    """Score the labeled pictures by ONNX Runtime and keep the result."""
    save_result(folder, stage, StageResult(_spread(score_in_onnx(session, labeled.pixels), labeled), thresholds))


def save_result(folder: Path, stage: str, result: StageResult) -> None:
    scores = result.scores
    np.savez(
        folder / f"{stage}.npz",
        anomaly_map=scores.anomaly_map,
        local_score=scores.local_score,
        global_score=scores.global_score,
        thresholds=np.array(result.thresholds.model_dump_json()),
    )


def load_result(folder: Path, stage: str) -> StageResult | None:
    """The kept result; None where the stage has none."""
    path = folder / f"{stage}.npz"
    if not path.is_file():
        return None
    with np.load(path) as kept:
        scores = Scores(kept["anomaly_map"], kept["local_score"], kept["global_score"])
        return StageResult(scores, Thresholds.model_validate_json(str(kept["thresholds"])))


def load_latency(folder: Path) -> dict[str, float]:
    latency_ms: dict[str, float] = json.loads((folder / "latency.json").read_text(encoding="utf-8"))
    return latency_ms


def _spread(scores: Scores, labeled: LabeledImages) -> Scores:
    """Scores of the judgeable pictures among all of them."""
    scores = labeled.of_pictures(scores)
    count = len(labeled.pictures)
    maps = np.full((count, *scores.anomaly_map.shape[1:]), np.nan, np.float32)
    local, whole = np.full(count, _WORST, np.float32), np.full(count, _WORST, np.float32)
    maps[labeled.judgeable] = scores.anomaly_map
    local[labeled.judgeable] = scores.local_score
    whole[labeled.judgeable] = scores.global_score
    return Scores(maps, local, whole)


def _time(forms: Forms, session: StudentSession) -> dict[str, float]:
    """Milliseconds of one image by each form, in turns."""
    side = forms.inspector.manifest.preprocessing.input_px
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8))
    calls = {stage: partial(score_in_torch, graph, image) for stage, graph in forms.graphs.items()}
    return time_in_turns({**calls, "onnx": partial(session.score, image.numpy())}, _TIMED_S)
