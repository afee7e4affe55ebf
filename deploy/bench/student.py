"""A bundle that costs what a real one costs: distill's default student at 256 pixels, exported, but never taught.

Its verdicts mean nothing. Its thresholds are set so that most parts pass, some are held and few fail, as on a line.
A program of its own, so that torch is gone before anything is measured: `python -m deploy.bench.student OUT`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from deploy.bench.pictures import SIDE_PX, PictureSource
from deploy.bench.unproven import NOTHING, unproven_manifest
from distill.export import export_onnx
from distill.recipe import DEFAULT_RECIPE, load_recipe
from distill.scoring_graph import ScoringGraph
from distill.trunk_student import TrunkStudent
from inspection.bundle.manifest import GOLDEN_FOLDER, STUDENT_FILE, Calibration, GoldenImage, Manifest
from inspection.bundle.writer import write_bundle
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits, Promise
from inspection.images.decode import decode_image
from inspection.images.digest import sha256_of_file
from inspection.images.preprocess import Preprocessing, prepare
from inspection.inspector import Inspector
from inspection.scoring.session import Scores, StudentSession
from inspection.start_weights import WARM_RECIPE
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.nearest_normal import NearestNormal
from pretrain.evaluate.tap_banks import TapBanks
from pretrain.evaluate.tap_embedder import TapEmbedder
from pretrain.recipe import load_recipe as load_pretraining_recipe

_SEED = 7
_PROBE_COUNT = 200
_PASS_RATE, _FAIL_RATE = 0.92, 0.02


def build(out: Path) -> str:
    """Write the bundle at `out` and return its id."""
    recipe = load_recipe(DEFAULT_RECIPE)
    preprocessing = Preprocessing(input_px=SIDE_PX)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        staging = Path(folder) / "bundle"
        (staging / GOLDEN_FOLDER).mkdir(parents=True)
        torch.manual_seed(_SEED)
        teacher = TapEmbedder(Encoder(load_pretraining_recipe(WARM_RECIPE).encoder), recipe.student.embedding_width)
        rows = [torch.randn(recipe.bank.size, width) for width in teacher.widths]
        banks = [NearestNormal(one, recipe.bank.neighbours) for one in rows]
        graph = ScoringGraph(TrunkStudent(teacher), TapBanks(banks, torch.ones(len(banks))))
        export_onnx(graph, staging / STUDENT_FILE, SIDE_PX)
        session = StudentSession(staging / STUDENT_FILE)
        source = PictureSource(_SEED)
        pictures = [source.next() for _ in range(_PROBE_COUNT)]
        scores = session.score(np.stack([prepare(decode_image(picture), preprocessing) for picture in pictures]))
        golden = f"{GOLDEN_FOLDER}/1.jpg"
        (staging / golden).write_bytes(pictures[0])
        draft = _describe(staging, preprocessing, _thresholds(scores), golden)
        answer = Inspector(session, draft).inspect(pictures[0])
        if answer.local_score is None or answer.global_score is None:
            raise SystemExit(f"the golden image cannot be scored: {answer.detail}")
        image = GoldenImage(
            file=golden, local_score=answer.local_score, global_score=answer.global_score, verdict=answer.verdict
        )
        return write_bundle(staging, out, draft.model_copy(update={"golden_images": (image,)})).bundle_id


def _thresholds(scores: Scores) -> Thresholds:
    # Each score flags half of what both together shall flag.
    ranks = [1 - (1 - _PASS_RATE) / 2, 1 - _FAIL_RATE / 2]
    local, of_view = np.quantile(scores.local_score, ranks), np.quantile(scores.global_score, ranks)
    return Thresholds(
        local_score=Limits(pass_limit=float(local[0]), fail_limit=float(local[1])),
        global_score=Limits(pass_limit=float(of_view[0]), fail_limit=float(of_view[1])),
    )


def _describe(staging: Path, preprocessing: Preprocessing, thresholds: Thresholds, golden: str) -> Manifest:
    promise = Promise(flagged_rate_bound=1.0, confidence=0.0, image_count=0, target_rate=1.0, needed_image_count=0)
    return unproven_manifest(
        "benchmark",
        {name: sha256_of_file(staging / name) for name in (STUDENT_FILE, golden)},
        preprocessing=preprocessing,
        thresholds=thresholds,
        quality_limits=load_recipe(DEFAULT_RECIPE).quality_limits,
        calibration=Calibration(
            split="none",
            warning="made for the benchmark: it was never taught, and its verdicts mean nothing",
            images_sha256=NOTHING,
            image_count=0,
            local_promise=promise,
            global_promise=promise,
        ),
        seed=_SEED,
    )


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
