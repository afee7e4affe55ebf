"""From a teacher's run and a folder of images to a bundle: distill, export, calibrate, prove, package."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from distill.calibrate import Calibrated, calibrate
from distill.export import export_onnx
from distill.golden import judge_golden_files, write_golden_files
from distill.mimic import teach
from distill.parity import certify_parity
from distill.recipe import DistillRecipe
from distill.scoring_graph import ScoringGraph, measure_scales
from distill.stages import flaw_auroc, score_in_onnx, score_in_torch, with_bank
from distill.student import Student
from distill.teacher import Teacher
from inspection import __version__
from inspection.bundle.manifest import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    STUDENT_FILE,
    GoldenImage,
    Manifest,
    Parity,
    Provenance,
)
from inspection.bundle.self_test import run_self_test
from inspection.bundle.writer import write_bundle
from inspection.errors import CalibrationError, StorageError
from inspection.images.digest import sha256_of_file
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession
from inspection.terminal import say
from pretrain.encoder import Encoder
from pretrain.evaluate.embeddings import BATCH_SIZE, as_input
from pretrain.evaluate.treatment import to_bytes, treat_all
from pretrain.flaws import add_flaws
from pretrain.image_set import ImageSet, load_images
from pretrain.run_directory import RunDirectory, RunRecord
from pretrain.train import device

_MIN_HELD_OUT = 5
_MIN_TRAINED = 2
"""One to learn from, and one reserved."""
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
class HeldOut:
    """Images that neither teacher nor student trained on, treated for the student; with and without a flaw."""

    images: ImageSet
    clean: Tensor
    flawed: Tensor
    untreated_clean: Tensor
    untreated_flawed: Tensor

    @property
    def both(self) -> Tensor:
        return torch.cat([self.clean, self.flawed])


@dataclass(frozen=True)
class Proofs:
    """What the manifest says of the student's worth."""

    calibrated: Calibrated
    parity: Parity
    metrics: dict[str, dict[str, float | None]]


def build(request: BuildRequest) -> Manifest:
    """Make the bundle at `request.out`. Raises KensaError; nothing is left at `out` then but what was there before."""
    _refuse_to_replace(request.out)
    run = RunDirectory(request.teacher)
    encoder, record = run.load_encoder(), run.read_record()
    trained, held_out = _load(request, run, record)
    graphs = _distill(request, encoder, trained)
    with _staging_beside(request.out) as staging:
        export_onnx(graphs["student"], staging / STUDENT_FILE, record.recipe.preprocessing.input_px)
        proofs = _prove(request, record, graphs, staging, held_out)
        manifest = _describe(request, run, record, trained, proofs)
        manifest = _add_golden_images(staging, held_out, manifest)
        # Before it takes the place of an older bundle, by a session of its own.
        run_self_test(staging, Inspector(StudentSession(staging / STUDENT_FILE), manifest))
        written = write_bundle(staging, request.out, manifest)
    return written


def _distill(request: BuildRequest, encoder: Encoder, trained: ImageSet) -> dict[str, ScoringGraph]:
    """The teacher with its bank, and the student it has taught with its own bank and scales."""
    recipe, pixels = request.recipe, trained.pixels
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    teacher = Teacher(encoder, recipe.student.embedding_width).to(device())
    kept = teacher.fit(pixels, generator)
    say(f"teacher: {teacher.width} components keep {kept:.1%} of the variance of {encoder.width}")
    # An encoder narrower than the recipe's embedding offers fewer components, and the student mimics those.
    size = recipe.student.model_copy(update={"embedding_width": teacher.width})
    student = Student(size).to(device()).to(memory_format=torch.channels_last)
    # What the student has learned from is too well known to it to tell how high a normal image peaks.
    is_reserved = torch.arange(len(pixels)) % _RESERVED_EVERY == 0
    learned, reserved = pixels[~is_reserved], pixels[is_reserved]
    fidelity = teach(student, teacher, learned, recipe.learning, request.minutes, recipe.seed)
    say(f"student: mimic loss {fidelity.mimic_loss:.3f} after {fidelity.steps} steps in {fidelity.elapsed_s:.0f} s")
    graphs = {
        name: with_bank(embedder, learned, recipe.bank.size, recipe.bank.neighbours, generator)
        for name, embedder in (("teacher", teacher), ("student", student))
    }
    if recipe.learning.flaw_weight:
        batches = tuple(as_input(batch, device()) for batch in torch.split(reserved, BATCH_SIZE))
        graphs["student"].scales = measure_scales(graphs["student"], batches)
    return graphs


def _refuse_to_replace(out: Path) -> None:
    """Raise StorageError where `out` holds something else than a bundle, before hours went into a new one."""
    is_free = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if not is_free and not (out / MANIFEST_FILE).is_file():
        raise StorageError(f"{out}: is there already and is no bundle", "choose another folder")


def _load(request: BuildRequest, run: RunDirectory, record: RunRecord) -> tuple[ImageSet, HeldOut]:
    """Images the teacher trained on, and the others, for calibration."""
    plain = record.recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    images = load_images(find_pictures(request.images), plain)
    seen = run.read_trained_digests()
    trained = [place for place, digest in enumerate(images.digests) if digest in seen]
    others = [place for place, digest in enumerate(images.digests) if digest not in seen]
    if len(others) < _MIN_HELD_OUT or len(trained) < _MIN_TRAINED:
        raise CalibrationError(
            f"{request.images}: {len(trained)} images the teacher trained on and {len(others)} it did not",
            f"give the folder it was trained from, or one with at least {_MIN_HELD_OUT} more",
        )
    illumination = record.recipe.preprocessing.illumination
    held = images.subset(others)
    generator = torch.Generator().manual_seed(request.recipe.seed)
    flawed = to_bytes(add_flaws(as_input(held.pixels, torch.device("cpu")), generator).pixels)
    fitted = images.subset(trained)
    return fitted.with_pixels(treat_all(fitted.pixels, illumination)), HeldOut(
        held, treat_all(held.pixels, illumination), treat_all(flawed, illumination), held.pixels, flawed
    )


def _prove(
    request: BuildRequest, record: RunRecord, graphs: dict[str, ScoringGraph], staging: Path, held_out: HeldOut
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
    metrics = {stage: {"synthetic_flaw_auroc": flaw_auroc(scores[stage], clean_count)} for stage in scores}
    return Proofs(calibrated, certify_parity(scores["student"], scores["onnx"], calibrated.thresholds), metrics)


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


def _add_golden_images(staging: Path, held_out: HeldOut, manifest: Manifest) -> Manifest:
    """The manifest with golden images that its own Inspector has judged, and the digests of all files."""
    names = write_golden_files(staging, held_out.untreated_clean, held_out.untreated_flawed)
    inspector = Inspector(StudentSession(staging / STUDENT_FILE), manifest)
    golden: tuple[GoldenImage, ...] = judge_golden_files(staging, names, inspector)
    files = [STUDENT_FILE, *(image.file for image in golden)]
    digests = {name: sha256_of_file(staging / name) for name in files}
    return manifest.model_copy(update={"golden_images": golden, "files_sha256": digests})


@contextmanager
def _staging_beside(out: Path) -> Iterator[Path]:
    """An empty directory on the same disk as `out`, gone at the end whatever happens. Raises StorageError."""
    prefix = f".{out.name}-building-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f"{prefix}*"):
            # A build was killed here; what it left is of no use.
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise _not_written(out, error) from None
    try:
        yield staging
    except OSError as error:
        raise _not_written(out, error) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _not_written(out: Path, error: OSError) -> StorageError:
    return StorageError(f"{out}: not written ({error.strerror or error})", "free some space or choose another folder")
