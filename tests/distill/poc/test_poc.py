"""`python -m distill poc`: from a folder of washers to a bundle, poc.json and a page, in one go or in several."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import distill.poc.conduct
import distill.poc.stage_results
import distill.quantise
from distill.__main__ import app
from distill.poc.conduct import PocRequest
from distill.poc.plant import Plant
from distill.poc.report import Report
from distill.poc.run import run_poc
from inspection.bundle.reader import open_bundle
from inspection.errors import StorageError
from tests.pretrain.command_line import call

STAGES = ["teacher", "student", "onnx", "int8"]
NUMBERS = ["image_auroc", "pixel_auroc", "aupro", "escape_rate_at_overkill_1pct", "escape_rate_at_overkill_5pct"]


@pytest.fixture
def told(report: Report, request_of: PocRequest) -> dict[str, object]:
    """poc.json as a script reads it."""
    told: dict[str, object] = json.loads((request_of.out / "poc.json").read_text(encoding="utf-8"))
    return told


def test_every_stage_has_plain_numbers_with_their_intervals(told: dict[str, object]) -> None:
    stages = told["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == STAGES
    for name, figures in stages.items():
        if figures is None:
            assert name == "int8"
            continue
        for number in NUMBERS:
            low, high = figures[f"{number}_interval"]
            assert 0 <= low <= figures[number] <= high <= 1, (name, number)
        assert set(figures["by_defect"]) == {"blot"}
        assert figures["by_defect_count"] == {"blot": 6}


def test_the_student_and_its_onnx_form_agree(told: dict[str, object], report: Report) -> None:
    student, onnx = report.results["student"], report.results["onnx"]
    assert np.allclose(student.scores.local_score, onnx.scores.local_score, rtol=1e-3)
    assert told["bundle_id"] == report.manifest.bundle_id


def test_split_minutes_and_promise_are_told(told: dict[str, object], request_of: PocRequest) -> None:
    split = told["split"]
    assert isinstance(split, dict)
    assert (split["train"], split["held_out"]) == (24, 8)
    assert (split["test_good"], split["test_defective"]) == (8, 6)
    assert split["bootstrap"] == "500 redrawn test sets, by image"
    latency_ms, minutes, curve = told["latency_ms"], told["minutes"], told["learning_curve"]
    assert isinstance(latency_ms, dict)
    assert isinstance(minutes, float)
    assert isinstance(curve, dict)
    assert list(latency_ms) == STAGES
    assert all(latency_ms[stage] > 0 for stage in STAGES[:3])
    assert minutes > 0
    # A tenth of 24 images is too few to learn from.
    assert [point["image_count"] for point in curve["points"]] == [7, 24]
    assert told["decision"] in ("go", "no-go", "need-more-pictures")
    assert open_bundle(request_of.out / "bundle", threads=1).bundle_id == told["bundle_id"]


class Page(HTMLParser):
    """What a page asks for from elsewhere, and whether its tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [value for name in ("src", "href", "xlink:href") if (value := values.get(name))]
        if tag not in ("meta", "img", "input", "br", "path", "use"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def test_the_page_needs_nothing_else_and_says_all(report: Report, request_of: PocRequest) -> None:
    page = Page((request_of.out / "poc.html").read_text(encoding="utf-8"))
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in page.addresses)
    assert "@import" not in page.text
    assert "url(http" not in page.text
    assert page.open == []
    assert report.decision.reason in page.text
    assert report.manifest.bundle_id in page.text
    for heading in ("By kind of defect", "Worst misses", "Worst false alarms", "What a shift would cost"):
        assert heading in page.text
    # ROC, escapes, two histograms and the learning curve; their inner names do not collide.
    assert page.text.count("<svg") == 5
    names = re.findall(r'\bid="([^"]+)"', page.text)
    assert len(names) == len(set(names))
    assert "#00000" not in page.text


def test_a_second_run_trains_nothing(report: Report, request_of: PocRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing shall be trained again")

    for name in ("train", "build", "quantise"):
        monkeypatch.setattr(distill.poc.conduct, name, refuse)
    monkeypatch.setattr(distill.poc.conduct, "build_point", refuse)
    again = run_poc(request_of, Plant(defect_rate=0.5))
    assert again.document["stages"] == report.document["stages"]
    assert again.document["minutes"] == report.document["minutes"]


def test_a_stopped_one_goes_on_where_it_was(
    report: Report, request_of: PocRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed = []

    def stop(request: object, witness: object = None) -> None:
        raise KeyboardInterrupt

    moved = replace(request_of, out=tmp_path / "out")
    with monkeypatch.context() as patched:
        patched.setattr(distill.poc.conduct, "build", stop)
        with pytest.raises(KeyboardInterrupt):
            run_poc(moved, Plant())
    monkeypatch.setattr(distill.poc.conduct, "train", lambda _: resumed.append("pretrained again"))
    again = run_poc(moved, Plant())
    assert resumed == []
    assert list(again.figures) == STAGES


def test_without_labels_there_is_a_bundle_and_no_claim(request_of: PocRequest, report: Report, tmp_path: Path) -> None:
    # What stands is taken over; only what looked at labels is made anew.
    shutil.copytree(request_of.out, tmp_path / "out")
    blind = replace(request_of, out=tmp_path / "out", uses_labels=False)
    found = run_poc(blind, Plant())
    onnx = found.figures["onnx"]
    assert onnx is not None
    assert [onnx[number] for number in NUMBERS] == [None] * 5
    assert isinstance(onnx["synthetic_flaw_auroc"], float)
    assert found.decision.answer.value == "need-more-pictures"
    told = found.document["not_measured"]
    assert isinstance(told, list)
    assert told[0].startswith("Escapes and overkill: there are no labeled pictures")
    page = (tmp_path / "out" / "poc.html").read_text(encoding="utf-8")
    assert "Most suspicious" in page
    assert "What is not measured" in page
    assert "What a shift would cost" not in page


def test_a_folder_of_something_else_is_refused(request_of: PocRequest, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StorageError, match="is there already and is no proof of concept: choose another folder"):
        run_poc(replace(request_of, out=tmp_path), Plant())


def test_the_command_takes_costs_and_names_a_wrong_one(
    report: Report,
    request_of: PocRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: list[str | Path] = ["--data", request_of.data, "--out", request_of.out, "--minutes", "0.1"]
    (tmp_path / "plant.toml").write_text("escape_price = 3\n", encoding="utf-8")
    answer = call(app, capsys, monkeypatch, "poc", *options, "--plant", tmp_path / "plant.toml")
    assert answer.status == 2
    assert "plant.toml: unknown key escape_price" in answer.error
    answer = call(app, capsys, monkeypatch, "poc", *options, "--init", tmp_path / "none.pth")
    assert answer.status == 2
    assert "none.pth: no such file: name a weights file or 'none'" in answer.error
