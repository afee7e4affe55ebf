"""From a teacher to a bundle that may serve, and nothing half-made where it fails."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import distill.build
from distill.build import BuildRequest, build
from distill.export import export_onnx
from distill.scoring_graph import ScoringGraph
from inspection.bundle.manifest import MANIFEST_FILE, Manifest
from inspection.bundle.reader import open_bundle, read_manifest
from inspection.errors import CalibrationError, KensaError, ParityError, StorageError, TrainingError
from inspection.images.digest import sha256_of_file, sha256_of_set
from inspection.images.folders import find_pictures
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.distill.conftest import Built
from tests.distill.small import DISTILL_RECIPE, random_student
from tests.pretrain.command_line import ROOT
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import write_washers


@pytest.fixture
def request_of(built: Built, tmp_path: Path) -> BuildRequest:
    """A build of its own, in a folder where nothing else is."""
    return BuildRequest(DISTILL_RECIPE, built.teacher, built.images, tmp_path / "out" / "bundle")


@pytest.fixture
def older(built: Built, request_of: BuildRequest) -> Manifest:
    """A bundle that stands where the new one shall go."""
    shutil.copytree(built.bundle, request_of.out)
    return built.manifest


def digests_of(built: Built) -> dict[str, Path]:
    return {sha256_of_file(picture.path): picture.path for picture in find_pictures(built.images)}


def test_the_bundle_opens_and_judges(built: Built) -> None:
    inspector = open_bundle(built.bundle, threads=1)
    assert inspector.manifest == built.manifest
    answers = [inspector.inspect(path.read_bytes()) for path in sorted(built.images.iterdir())[:6]]
    assert all(answer.local_score is not None and answer.bundle_id == built.manifest.bundle_id for answer in answers)


def test_the_bundles_name_follows_from_its_content(built: Built) -> None:
    read = read_manifest(built.bundle)
    assert read.bundle_id == built.manifest.bundle_id == read.expected_bundle_id()
    assert read.bundle_id.startswith("bundle-")


def test_the_folder_holds_what_the_manifest_vouches_for_and_nothing_else(built: Built) -> None:
    files = {str(path.relative_to(built.bundle)) for path in built.bundle.rglob("*") if path.is_file()}
    assert files == {*built.manifest.files_sha256, MANIFEST_FILE}
    assert len(built.manifest.golden_images) == 4
    assert {path.name for path in built.bundle.parent.iterdir()} == {"images", "teacher", "prepared-images", "bundle"}


def test_held_out_images_are_none_that_were_trained_on(built: Built) -> None:
    everything, trained = digests_of(built), RunDirectory(built.teacher).read_trained_digests()
    held_out = set(everything) - trained
    assert trained < set(everything)
    assert len(trained) == 20
    assert len(held_out) == 8
    assert built.manifest.provenance.training_images_sha256 == sha256_of_set(trained)
    assert built.manifest.provenance.training_image_count == 20
    assert built.manifest.calibration.images_sha256 == sha256_of_set(held_out)
    assert built.manifest.calibration.image_count == 8


def test_thresholds_are_those_of_the_held_out_images(built: Built) -> None:
    trained = RunDirectory(built.teacher).read_trained_digests()
    inspector = open_bundle(built.bundle, threads=1)
    held_out = [path for digest, path in digests_of(built).items() if digest not in trained]
    answers = [inspector.inspect(path.read_bytes()) for path in held_out]
    # Of 8 images the largest score is the limit; measured by the station's own code, from the files themselves.
    limits = built.manifest.thresholds
    local, whole = ([getattr(answer, name) or 0.0 for answer in answers] for name in ("local_score", "global_score"))
    assert max(local) == pytest.approx(limits.local_score.pass_limit, rel=1e-4)
    assert max(whole) == pytest.approx(limits.global_score.pass_limit, rel=1e-4)


def test_the_manifest_says_where_it_comes_from(built: Built) -> None:
    record = RunDirectory(built.teacher).read_record()
    provenance = built.manifest.provenance
    assert provenance.recipe == "tiny + small-test"
    assert provenance.recipe_sha256 == f"{record.recipe_sha256} + {DISTILL_RECIPE.sha256()}"
    assert provenance.run == "teacher"
    assert {"torch", "onnx", "numpy"} <= set(provenance.libraries)
    assert built.manifest.preprocessing == record.recipe.preprocessing
    assert built.manifest.calibration.split == record.split
    assert built.manifest.calibration.warning is not None
    assert set(built.manifest.metrics) == {"teacher", "student", "onnx"}
    assert built.manifest.parity.image_count == 16
    assert built.manifest.parity.verdict_flip_count == 0
    # Far below the margin around a limit: rounding must never cost a build.
    assert built.manifest.parity.largest_score_difference < 5e-4


def test_a_second_build_gives_the_same_student(built: Built, request_of: BuildRequest) -> None:
    again = build(request_of)
    assert again.files_sha256 == built.manifest.files_sha256
    assert again.thresholds == built.manifest.thresholds
    assert again.metrics == built.manifest.metrics


def test_a_new_bundle_takes_the_older_ones_place(request_of: BuildRequest, older: Manifest) -> None:
    other = replace(request_of, recipe=DISTILL_RECIPE.model_copy(update={"seed": 1}))
    manifest = build(other)
    assert manifest.bundle_id != older.bundle_id
    assert read_manifest(request_of.out) == manifest
    assert [path.name for path in request_of.out.parent.iterdir()] == ["bundle"]


def export_another(graph: ScoringGraph, path: Path, input_px: int) -> None:
    """As if the exporter had lost the weights on the way."""
    export_onnx(ScoringGraph(random_student(5), graph.banks).eval(), path, input_px)


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def refuse(*_: object) -> None:
    raise ParityError("student.onnx: scores differ", "export again")


@pytest.mark.parametrize(
    ("place", "harm", "error", "message"),
    [
        ("export_onnx", export_another, ParityError, "student.onnx: scores differ from torch by"),
        ("export_onnx", full_disk, StorageError, "bundle: not written (No space left on device): free some space"),
        ("write_golden_files", full_disk, StorageError, "bundle: not written (No space left on device): free"),
        ("run_self_test", refuse, ParityError, "student.onnx: scores differ: export again"),
    ],
)
def test_a_failing_build_leaves_the_older_bundle_and_nothing_else(
    place: str,
    harm: Callable[..., None],
    error: type[KensaError],
    message: str,
    request_of: BuildRequest,
    older: Manifest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distill.build, place, harm)
    with pytest.raises(error) as raised:
        build(request_of)
    assert message in str(raised.value)
    assert open_bundle(request_of.out, threads=1).manifest == older
    assert [path.name for path in request_of.out.parent.iterdir()] == ["bundle"]


def test_a_failing_first_build_leaves_nothing(request_of: BuildRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distill.build, "export_onnx", export_another)
    with pytest.raises(ParityError):
        build(request_of)
    assert list(request_of.out.parent.iterdir()) == []


def kill_at(name: str, request: BuildRequest) -> int:
    """Build in a process of its own that is killed as soon as it calls `name`; returns its exit status."""
    program = f"""
import os, signal
from pathlib import Path
import distill.build
from tests.distill.small import DISTILL_RECIPE
distill.build.{name} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
paths = [Path(path) for path in {[str(request.teacher), str(request.images), str(request.out)]!r}]
distill.build.build(distill.build.BuildRequest(DISTILL_RECIPE, *paths))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode


def test_a_killed_build_leaves_the_older_bundle_and_the_next_one_sweeps_up(
    request_of: BuildRequest, older: Manifest
) -> None:
    assert kill_at("write_bundle", request_of) == -9
    assert open_bundle(request_of.out, threads=1).manifest == older
    left = [path.name for path in request_of.out.parent.iterdir() if path.name != "bundle"]
    assert len(left) == 1
    assert left[0].startswith(".bundle-building-")
    manifest = build(request_of)
    assert [path.name for path in request_of.out.parent.iterdir()] == ["bundle"]
    assert read_manifest(request_of.out) == manifest


def test_a_folder_of_something_else_is_refused_before_the_work(
    request_of: BuildRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distill.build, "teach", refuse)
    request_of.out.mkdir(parents=True)
    (request_of.out / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StorageError, match="bundle: is there already and is no bundle: choose another folder"):
        build(request_of)
    assert (request_of.out / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    taken = replace(request_of, out=request_of.out / "thesis.txt")
    with pytest.raises(StorageError, match="is there already and is no bundle"):
        build(taken)


def test_an_unfinished_teacher_is_refused(built: Built, request_of: BuildRequest, tmp_path: Path) -> None:
    unfinished = Path(shutil.copytree(built.teacher, tmp_path / "unfinished"))
    (unfinished / "encoder.safetensors").unlink()
    with pytest.raises(TrainingError, match="unfinished: the run is not finished: go on with"):
        build(replace(request_of, teacher=unfinished))
    with pytest.raises(TrainingError, match="no run here: start one with"):
        build(replace(request_of, teacher=tmp_path))


def test_images_the_teacher_never_saw_cannot_make_a_student(request_of: BuildRequest, tmp_path: Path) -> None:
    write_washers(tmp_path / "others", range(300, 310))
    with pytest.raises(CalibrationError, match="0 images the teacher trained on and 10 it did not: give the folder"):
        build(replace(request_of, images=tmp_path / "others"))


def test_one_trained_image_cannot_make_a_student(built: Built, request_of: BuildRequest, tmp_path: Path) -> None:
    trained = RunDirectory(built.teacher).read_trained_digests()
    write_washers(tmp_path / "few", range(400, 410))
    shutil.copy(next(path for digest, path in digests_of(built).items() if digest in trained), tmp_path / "few")
    with pytest.raises(CalibrationError, match="1 images the teacher trained on and 10 it did not"):
        build(replace(request_of, images=tmp_path / "few"))


@pytest.mark.parametrize("flaw_weight", [0.0, 1.0])
def test_the_student_scores_by_its_bank_alone_where_the_recipe_says_so(
    flaw_weight: float, request_of: BuildRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = []

    def export(graph: ScoringGraph, path: Path, input_px: int) -> None:
        scales.append(graph.scales)
        export_onnx(graph, path, input_px)

    monkeypatch.setattr(distill.build, "export_onnx", export)
    learning = DISTILL_RECIPE.learning.model_copy(update={"flaw_weight": flaw_weight})
    build(replace(request_of, recipe=DISTILL_RECIPE.model_copy(update={"learning": learning})))
    assert [scale is None for scale in scales] == [flaw_weight == 0]


def test_without_enough_held_out_images_there_is_no_bundle(
    built: Built, request_of: BuildRequest, tmp_path: Path
) -> None:
    trained = RunDirectory(built.teacher).read_trained_digests()
    (tmp_path / "few").mkdir()
    for digest, path in digests_of(built).items():
        if digest in trained:
            shutil.copy(path, tmp_path / "few")
    write_washers(tmp_path / "few", range(400, 404))
    with pytest.raises(
        CalibrationError, match=r"20 images the teacher trained on and 4 it did not: .* at least 5 more"
    ):
        build(replace(request_of, images=tmp_path / "few"))
    assert not request_of.out.exists()


def test_a_copy_of_a_trained_image_is_not_held_out(built: Built, request_of: BuildRequest, tmp_path: Path) -> None:
    images = Path(shutil.copytree(built.images, tmp_path / "images"))
    trained = RunDirectory(built.teacher).read_trained_digests()
    for digest, path in digests_of(built).items():
        if digest in trained:
            shutil.copy(path, images / f"copy-of-{path.name}")
    manifest = build(replace(request_of, images=images))
    assert manifest.calibration.images_sha256 == built.manifest.calibration.images_sha256
    assert manifest.calibration.image_count == 8


@pytest.mark.parametrize("taps", [(8,), (16,), (4, 8)])
def test_any_encoder_makes_a_student(taps: tuple[int, ...], washers: Path, tmp_path: Path) -> None:
    # Narrower than the student's recipe, or tapped at another stride.
    recipe = tiny_recipe(encoder={"taps": taps}, steps=1, local_weight=0.0)
    train(TrainingRequest(recipe, washers, tmp_path / "teacher"))
    student = DISTILL_RECIPE.model_copy(
        update={"student": DISTILL_RECIPE.student.model_copy(update={"embedding_width": 40})}
    )
    build(BuildRequest(student, tmp_path / "teacher", washers, tmp_path / "bundle"))
    session = open_bundle(tmp_path / "bundle", threads=1).session
    side, width = {(8,): (8, 32 + 32), (16,): (4, 40 + 40), (4, 8): (8, 24 + 32 + 32)}[taps]
    outputs = session.run(torch.zeros(1, 64, 64, 3, dtype=torch.uint8).numpy())
    assert outputs["patch_embeddings"].shape == (1, side, side, width)
    assert outputs["anomaly_map"].shape == (1, 64 // taps[0], 64 // taps[0])
