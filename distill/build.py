"""From a teacher's run and a folder of images to a bundle: distill, export, calibrate, prove, package."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from distill.calibrate import Calibrated, calibrate
from distill.export import export_onnx
from distill.golden import judge_golden_files, write_golden_files
from distill.ledger import LEDGER_FILE, Ledger, enter_stages, score_golden_in_torch, write_ledger
from distill.mimic import teach
from distill.parity import certify_parity
from distill.recipe import DistillRecipe
from distill.scoring_graph import ScoringGraph, measure_scales
from distill.sides import HeldOut, load_sides
from distill.stages import flaw_auroc, score_in_onnx, score_in_torch, with_banks
from distill.staging import refuse_to_replace, staging_beside
from distill.student import Student
from distill.trunk_student import TrunkStudent
from inspection import __version__
from inspection.bundle.manifest import (
    SCHEMA_VERSION,
    STUDENT_FILE,
    GoldenImage,
    Manifest,
    Parity,
    Provenance,
)
from inspection.bundle.self_test import run_self_test
from inspection.bundle.writer import write_bundle
from inspection.calibration.policy import Thresholds
from inspection.images.digest import sha256_of_file
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession
from inspection.terminal import say
from pretrain.data.image_set import ImageSet
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import BATCH_SIZE, as_input
from pretrain.evaluate.tap_embedder import TapEmbedder
from pretrain.processes.device import device
from pretrain.run_directory import RunDirectory, RunRecord

_RESERVED_EVERY = 10
"""Every tenth image is kept from the student, for its scales."""
_LIBRARIES = ("torch", "onnx", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class BuildRequest:
    """What a person asks for on the command line."""

    recipe: DistillRecipe
    teacher: Path
    images: Path
    out: Path
    minutes: float | None = None


@dataclass(frozen=True)
class Proofs:
    """What the manifest says of the student's worth."""

    calibrated: Calibrated
    parity: Parity
    ledger: Ledger

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        return {stage: entry.figures for stage, entry in self.ledger.stages.items()}


@dataclass(frozen=True)
class Forms:
    """All forms of the model of one build, for a witness: torch graphs and thresholds by stage, and the station's own
    Inspector of the ONNX form."""

    graphs: dict[str, ScoringGraph]
    thresholds: dict[str, Thresholds]
    inspector: Inspector


Witness = Callable[[Forms], None]


def build(request: BuildRequest, witness: Witness | None = None) -> Manifest:
    """Make the bundle at `request.out`. Raises KensaError; nothing is left at `out` then but what was there before.

    `witness` is shown all forms once everything is chosen and calibrated: the torch ones do not outlast the build.
    """
    refuse_to_replace(request.out)
    run = RunDirectory(request.teacher)
    encoder, record = run.load_encoder(), run.read_record()
    trained, held_out = load_sides(request.images, run, record, request.recipe.seed)
    graphs = _distill(request, encoder, trained)
    with staging_beside(request.out) as staging:
        export_onnx(graphs["student"], staging / STUDENT_FILE, record.recipe.preprocessing.input_px)
        proofs = _prove(request, record, graphs, staging, trained, held_out)
        manifest = _describe(request, run, record, trained, proofs)
        manifest = _add_golden_images(staging, held_out, graphs, proofs.ledger, manifest)
        # Before it takes the place of an older bundle, by a session of its own.
        inspector = Inspector(StudentSession(staging / STUDENT_FILE), manifest)
        run_self_test(staging, inspector)
        if witness is not None:
            thresholds = {stage: entry.thresholds for stage, entry in proofs.ledger.stages.items()}
            witness(Forms(graphs, thresholds, inspector))
        written = write_bundle(staging, request.out, manifest)
    return written


def _distill(request: BuildRequest, encoder: Encoder, trained: ImageSet) -> dict[str, ScoringGraph]:
    """The teacher with its banks, and the student it has taught with its own banks and scales."""
    recipe, pixels = request.recipe, trained.pixels
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    teacher = TapEmbedder(encoder.requires_grad_(False), recipe.student.embedding_width).to(device())
    kept = teacher.fit(pixels, generator)
    widths = " + ".join(map(str, teacher.widths))
    say(f"teacher: {widths} directions a cell, which keep {kept:.1%} of the variance of every tap")
    student = (
        TrunkStudent(teacher)
        if recipe.student.body == "trunk"
        else Student(recipe.student, teacher.strides, teacher.widths)
    )
    student = student.to(device()).to(memory_format=torch.channels_last)
    # What the student has learned from is too well known to it to tell how high a normal image peaks.
    finds_flaws = recipe.learning.flaw_weight > 0
    is_reserved = (torch.arange(len(pixels)) % _RESERVED_EVERY == 0) & finds_flaws
    learned, reserved = pixels[~is_reserved], pixels[is_reserved]
    if student.mimics or finds_flaws:
        fidelity = teach(student, teacher, learned, recipe.learning, request.minutes, recipe.seed)
        say(f"student: mimic loss {fidelity.mimic_loss:.3f} after {fidelity.steps} steps in {fidelity.elapsed_s:.0f} s")
    of_teacher = with_banks(teacher, learned, recipe.bank, generator)
    # A student that gives its teacher's own embeddings can have its teacher's own banks.
    of_student = (
        with_banks(student, learned, recipe.bank, generator)
        if student.mimics
        else ScoringGraph(student, of_teacher.banks).eval()
    )
    graphs = {"teacher": of_teacher, "student": of_student}
    if finds_flaws:
        batches = tuple(as_input(batch, device()) for batch in torch.split(reserved, BATCH_SIZE))
        graphs["student"].scales = measure_scales(graphs["student"], batches)
    return graphs


def _prove(
    request: BuildRequest,
    record: RunRecord,
    graphs: dict[str, ScoringGraph],
    staging: Path,
    trained: ImageSet,
    held_out: HeldOut,
) -> Proofs:
    """Score the held-out images in every form, set the thresholds by ONNX Runtime's scores, and compare."""
    session = StudentSession(staging / STUDENT_FILE)
    clean_count = len(held_out.clean)
    scores = {
        "teacher": score_in_torch(graphs["teacher"], held_out.both),
        "student": score_in_torch(graphs["student"], held_out.both),
        "onnx": score_in_onnx(session, held_out.both),
    }
    clean_scores = score_in_onnx(session, held_out.clean)
    calibrated = calibrate(clean_scores, held_out.images, record.split, request.recipe.calibration)
    for path in calibrated.left_out:
        say(f"left out of calibration as a likely defect: {path}")
    of_teacher = score_in_torch(graphs["teacher"], held_out.clean)
    thresholds = dict.fromkeys(scores, calibrated.thresholds)
    thresholds["teacher"] = calibrate(of_teacher, held_out.images, record.split, request.recipe.calibration).thresholds
    aurocs = {stage: flaw_auroc(scores[stage], clean_count) for stage in scores}
    ledger = Ledger(
        stages=enter_stages(scores, thresholds, aurocs), golden={}, training_lots=tuple(sorted(set(trained.lots)))
    )
    return Proofs(calibrated, certify_parity(scores["student"], scores["onnx"], calibrated.thresholds), ledger)


def _describe(
    request: BuildRequest, run: RunDirectory, record: RunRecord, trained: ImageSet, proofs: Proofs
) -> Manifest:
    recipe = request.recipe
    return Manifest(
        schema_version=SCHEMA_VERSION,
        bundle_id="",
        created_at=datetime.now(UTC),
        files_sha256={},
        preprocessing=record.recipe.preprocessing,
        quality_limits=recipe.quality_limits,
        thresholds=proofs.calibrated.thresholds,
        calibration=proofs.calibrated.calibration,
        provenance=Provenance(
            kensa_version=__version__,
            recipe=f"{record.recipe.name} + {recipe.name}",
            recipe_sha256=f"{record.recipe_sha256} + {recipe.sha256()}",
            run=run.name,
            training_images_sha256=trained.sha256,
            training_image_count=len(trained),
            seed=recipe.seed,
            libraries={name: version(name) for name in _LIBRARIES},
        ),
        metrics=proofs.metrics,
        parity=proofs.parity,
        golden_images=(),
    )


def _add_golden_images(
    staging: Path, held_out: HeldOut, graphs: dict[str, ScoringGraph], ledger: Ledger, manifest: Manifest
) -> Manifest:
    """The manifest with golden images that its own Inspector has judged, and the digests of all files."""
    names = write_golden_files(staging, held_out.untreated_clean, held_out.untreated_flawed)
    inspector = Inspector(StudentSession(staging / STUDENT_FILE), manifest)
    golden: tuple[GoldenImage, ...] = judge_golden_files(staging, names, inspector)
    in_torch = score_golden_in_torch(staging, golden, inspector, graphs)
    write_ledger(staging, ledger.model_copy(update={"golden": in_torch}))
    files = [STUDENT_FILE, LEDGER_FILE, *(image.file for image in golden)]
    digests = {name: sha256_of_file(staging / name) for name in files}
    return manifest.model_copy(update={"golden_images": golden, "files_sha256": digests})
