"""The whole thread as a person runs it: pictures, pretraining, a bundle, a station, verdicts, a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.images.decode import encode_png
from tests.distill.small import DISTILL_TOML
from tests.pretrain.command_line import run
from tests.pretrain.tiny import RECIPE_TOML
from tests.pretrain.washers import washer, write_washers
from tests.running_service import run_service

INSPECTIONS = "/api/v1/inspections"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Pretrained and distilled by their commands, from three lots of washers."""
    for number, lot in enumerate(("monday", "tuesday", "wednesday")):
        write_washers(tmp_path / "images" / lot, range(100 * number, 100 * number + 10))
    (tmp_path / "teacher.toml").write_text(RECIPE_TOML.replace("steps = 6", "steps = 12"), encoding="utf-8")
    (tmp_path / "student.toml").write_text(DISTILL_TOML.replace("steps = 12", "steps = 40"), encoding="utf-8")
    images, teacher, out = tmp_path / "images", tmp_path / "run", tmp_path / "bundle"
    trained = run("-m", "pretrain", "train", tmp_path / "teacher.toml", "--images", images, "--out", teacher)
    assert trained.status == 0, trained.err
    options = ("--teacher", teacher, "--images", images, "--recipe", tmp_path / "student.toml", "--out", out)
    built = run("-m", "distill", "build", *options)
    assert built.status == 0, built.err
    assert trained.figures["images"] == 20
    assert built.figures["parity"]["image_count"] == 20
    return out


def post(client: httpx.Client, part: str, image: bytes, *, status: int = 201) -> dict[str, Any]:
    """The answer to one part of the line."""
    fields = {"station": "press-3", "lot": "thursday", "part_id": part, "trigger_id": f"trigger-{part}"}
    answer = client.post(INSPECTIONS, data=fields, files={"image": (f"{part}.png", image)})
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.timeout(300)
def test_from_a_folder_of_pictures_to_a_persons_decision(bundle: Path, tmp_path: Path) -> None:
    parts = {f"good-{seed}": encode_png(washer(seed)) for seed in range(900, 906)}
    spoilt = encode_png(255 - washer(910, flaw=True))
    with (
        run_service("--bundle", bundle, "--data", tmp_path / "data") as service,
        service.client() as client,
    ):
        answers = {name: post(client, name, image) for name, image in parts.items()}
        bad = post(client, "spoilt", spoilt)
        torn = post(client, "torn", spoilt[: len(spoilt) // 2])
        # Nothing of what the machine says of a good part is certain after so short a training, except its form.
        assert all(answer["verdict"] in ("PASS", "HOLD", "FAIL") for answer in answers.values())
        assert bad["verdict"] in ("HOLD", "FAIL")
        assert bad["regions"] or bad["global_score"] > bad["thresholds"]["global"]["pass_limit"]
        assert (torn["verdict"], torn["reason"]) == ("HOLD", "image_undecodable")
        assert all(answer["bundle_id"] == bad["bundle_id"] for answer in answers.values())
        assert bad["bundle_id"].startswith("bundle-")

        stored = client.get(f"{INSPECTIONS}/{bad['id']}").json()
        assert stored == bad
        assert client.get(f"{INSPECTIONS}/{bad['id']}/image").content == spoilt
        assert client.get(f"{INSPECTIONS}/{bad['id']}/heat-map").content.startswith(b"\x89PNG")
        assert post(client, "spoilt", spoilt, status=200) == bad

        decision = {"decision": "confirmed_defect", "note": "wrong colour"}
        decided = client.post(f"{INSPECTIONS}/{bad['id']}/dispositions", json=decision)
        assert decided.status_code == 201, decided.text
        assert decided.json()["reviewer"] == "Aiko Tanaka"
        assert service.stop() in (0, -15)

    # Another day: what was said and decided is still there, and the verdict has not moved.
    with (
        run_service("--bundle", bundle, "--data", tmp_path / "data") as service,
        service.client() as client,
    ):
        assert client.get(f"{INSPECTIONS}/{bad['id']}").json()["verdict"] == bad["verdict"]
        (kept,) = client.get(f"{INSPECTIONS}/{bad['id']}/dispositions").json()["items"]
        assert {name: kept[name] for name in decision} == decision
        summary = client.get("/api/v1/summary").json()
        assert summary["stored"] == 8
        assert service.stop() in (0, -15)
