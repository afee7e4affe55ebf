"""A bundle that is not what it was when it was built does not serve, and says which file is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from inspection.bundle.manifest import GOLDEN_FOLDER, MANIFEST_FILE, STUDENT_FILE, Manifest
from inspection.bundle.reader import open_bundle, read_manifest
from inspection.bundle.self_test import SCORE_TOLERANCE
from inspection.errors import BundleError, BundleMissing, BundleSelfTestFailed, BundleTampered
from inspection.images.digest import sha256_of_file
from inspection.verdict import Verdict
from tests.bundles import make_bundle, part_png

Change = Callable[[dict[str, Any]], object]


def edit_manifest(bundle: Path, change: Change, *, rename: bool) -> None:
    """Change the manifest as an editor would; with `rename`, as one who knows how the bundle is named."""
    path = bundle / MANIFEST_FILE
    content = json.loads(path.read_text())
    change(content)
    if rename:
        content["bundle_id"] = Manifest.model_validate(content).expected_bundle_id()
    path.write_text(json.dumps(content))


def renew_digest(bundle: Path, name: str) -> None:
    """Make a changed file look as if it had always been so."""
    digest = sha256_of_file(bundle / name)
    edit_manifest(bundle, lambda content: content["files_sha256"].update({name: digest}), rename=True)


def refusal(bundle: Path, kind: type[BundleError]) -> str:
    """The one line in which the bundle is refused with an error of exactly this kind."""
    with pytest.raises(BundleError) as caught:
        open_bundle(bundle, threads=1)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_bundle_opens_and_judges(built: Path) -> None:
    inspector = open_bundle(built, threads=1)
    assert inspector.bundle_id == read_manifest(built).bundle_id
    verdicts = [inspector.inspect(part_png(9, spot=spot)).verdict for spot in (0.0, 0.36, 0.9)]
    assert verdicts == [Verdict.PASS, Verdict.HOLD, Verdict.FAIL]


def test_the_name_follows_from_the_content(built: Path, tmp_path: Path) -> None:
    again = make_bundle(tmp_path / "again")
    assert again.bundle_id == read_manifest(built).bundle_id
    other = make_bundle(tmp_path / "other", golden_pngs=(part_png(4),))
    assert other.bundle_id != again.bundle_id


def test_no_such_folder(tmp_path: Path) -> None:
    assert "nowhere: no bundle here: build one with" in refusal(tmp_path / "nowhere", BundleMissing)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    (tmp_path / STUDENT_FILE).touch()
    assert "no bundle here" in refusal(tmp_path, BundleMissing)


def test_a_file_is_no_bundle(bundle: Path) -> None:
    assert "no bundle here" in refusal(bundle / STUDENT_FILE, BundleMissing)


@pytest.mark.parametrize("name", [STUDENT_FILE, f"{GOLDEN_FOLDER}/1.png"])
def test_a_changed_file(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    assert f"{bundle / name}: is not the file the manifest names" in refusal(bundle, BundleTampered)


@pytest.mark.parametrize("name", [STUDENT_FILE, f"{GOLDEN_FOLDER}/0.png"])
def test_a_missing_file(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    assert f"{bundle / name}: is missing" in refusal(bundle, BundleTampered)


def test_a_folder_in_the_place_of_a_file(bundle: Path) -> None:
    (bundle / STUDENT_FILE).unlink()
    (bundle / STUDENT_FILE).mkdir()
    assert f"{bundle / STUDENT_FILE}: Is a directory" in refusal(bundle, BundleError)


def loosen(content: dict[str, Any]) -> None:
    content["thresholds"]["local_score"].update(pass_limit=5.0, fail_limit=9.0)


@pytest.mark.parametrize(
    "change",
    [
        loosen,
        lambda content: content["metrics"].update(teacher={"image_auroc": 1.0}),
        lambda content: content["provenance"].update(seed=1),
        lambda content: content["files_sha256"].update({STUDENT_FILE: "0" * 64}),
        lambda content: content.update(bundle_id="bundle-0000000000000000"),
    ],
)
def test_an_edited_manifest(bundle: Path, change: Change) -> None:
    edit_manifest(bundle, change, rename=False)
    assert f"{bundle / MANIFEST_FILE}: was changed after the bundle was built" in refusal(bundle, BundleTampered)


def test_a_manifest_laid_out_anew_is_the_same(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: None, rename=False)
    assert open_bundle(bundle, threads=1).bundle_id == read_manifest(bundle).bundle_id


def test_a_threshold_edited_with_care_is_found_by_the_golden_images(bundle: Path) -> None:
    edit_manifest(bundle, loosen, rename=True)
    told = refusal(bundle, BundleSelfTestFailed)
    assert "golden/1.png: HOLD when built, PASS by the thresholds of the manifest" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content.pop("thresholds"), "thresholds: Field required"),
        (lambda content: content.update(schema_version=2), "schema_version"),
        (lambda content: content.update(surprise=1), "surprise: Extra inputs"),
        (lambda content: content["thresholds"]["local_score"].update(pass_limit=float("nan")), "pass_limit"),
        (lambda content: content["thresholds"]["local_score"].update(pass_limit=99.0), "thresholds.local_score"),
    ],
)
def test_a_manifest_of_another_form(bundle: Path, change: Change, told: str) -> None:
    edit_manifest(bundle, change, rename=False)
    line = refusal(bundle, BundleError)
    assert line.startswith(f"{bundle / MANIFEST_FILE}: ")
    assert told in line


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_manifest_that_is_none(bundle: Path, content: bytes) -> None:
    (bundle / MANIFEST_FILE).write_bytes(content)
    assert str(bundle / MANIFEST_FILE) in refusal(bundle, BundleError)


def test_a_manifest_must_vouch_for_the_student_and_for_golden_images(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content["files_sha256"].pop(f"{GOLDEN_FOLDER}/2.png"), rename=True)
    assert "has no digest of golden/2.png" in refusal(bundle, BundleError)
    edit_manifest(bundle, lambda content: content.update(golden_images=[]), rename=True)
    assert "names no golden image" in refusal(bundle, BundleError)
    edit_manifest(bundle, lambda content: content["files_sha256"].pop(STUDENT_FILE), rename=True)
    assert "has no digest of student.onnx" in refusal(bundle, BundleError)


@pytest.mark.parametrize("score", ["local_score", "global_score"])
@pytest.mark.parametrize("sign", [1, -1])
def test_golden_images_with_other_scores(bundle: Path, score: str, sign: int) -> None:
    limits = json.loads((bundle / MANIFEST_FILE).read_text())["thresholds"][score]
    step = sign * 1.5 * SCORE_TOLERANCE * (limits["fail_limit"] - limits["pass_limit"])

    def change(content: dict[str, Any]) -> None:
        content["golden_images"][2][score] += step

    edit_manifest(bundle, change, rename=True)
    assert f"golden/2.png: {score.replace('_', ' ')} is" in refusal(bundle, BundleSelfTestFailed)


def test_rounding_of_another_processor_is_forgiven(bundle: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        for golden in content["golden_images"]:
            golden["local_score"] += 1e-5

    edit_manifest(bundle, change, rename=True)
    assert open_bundle(bundle, threads=1).bundle_id == read_manifest(bundle).bundle_id


def test_a_golden_image_that_cannot_be_judged(bundle: Path) -> None:
    name = f"{GOLDEN_FOLDER}/0.png"
    (bundle / name).write_bytes((bundle / name).read_bytes()[:-30])
    renew_digest(bundle, name)
    assert "golden/0.png: the image is damaged or cut short" in refusal(bundle, BundleSelfTestFailed)


def test_another_student_is_found_by_the_golden_images(bundle: Path) -> None:
    model = onnx.load(bundle / STUDENT_FILE)
    (white,) = (value for value in model.graph.initializer if value.name == "white")
    white.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(white) * 2, "white"))
    onnx.save(model, bundle / STUDENT_FILE)
    renew_digest(bundle, STUDENT_FILE)
    assert "golden/0.png: local score is" in refusal(bundle, BundleSelfTestFailed)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_student_that_is_no_graph(bundle: Path, keep: float) -> None:
    data = (bundle / STUDENT_FILE).read_bytes()
    (bundle / STUDENT_FILE).write_bytes(data[: int(len(data) * keep)])
    renew_digest(bundle, STUDENT_FILE)
    assert f"{bundle / STUDENT_FILE}: ONNX Runtime refuses it" in refusal(bundle, BundleError)


def test_a_student_of_another_size(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content["preprocessing"].update(input_px=96), rename=True)
    assert f"{bundle / STUDENT_FILE}: ONNX Runtime cannot run it" in refusal(bundle, BundleError)
