"""Peers get our split and our start weights, and are measured by our figures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import distill.peers.comparison
from distill.peers.comparison import PEERS, compare
from distill.peers.environment import ANOMALIB, peers_python
from distill.poc.conduct import PocRequest
from distill.poc.report import Report
from inspection.errors import DatasetError, StorageError, TrainingError
from pretrain.run_directory import RunDirectory
from tests.pretrain.command_line import ROOT

FAKE = ROOT / "tests" / "distill" / "fake_peer.py"


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distill.peers.comparison, "_DRIVER", FAKE)
    monkeypatch.setattr(distill.peers.comparison, "peers_python", lambda _: Path(sys.executable))


@pytest.mark.usefixtures("faked", "report")
def test_one_table_of_ours_and_theirs(request_of: PocRequest, tmp_path: Path) -> None:
    compared = compare(request_of, tmp_path)
    assert [name for name in compared.figures if not name.startswith("kensa")] == list(PEERS)
    assert {"kensa teacher", "kensa student", "kensa onnx"} <= set(compared.figures)
    # The darkest pixel finds every blot; upside down it finds none.
    assert compared.figures["patchcore"]["image_auroc"] == 1.0
    assert compared.figures["padim"]["image_auroc"] == 0.0
    assert compared.figures["patchcore"]["pixel_auroc"] == pytest.approx(1.0, abs=0.1)
    told = json.loads((request_of.out / "peers.json").read_text(encoding="utf-8"))
    assert list(told["figures"]) == list(compared.figures)
    assert told["notes"]["start"].startswith("all start from random weights, on the pictures our run trained on")


@pytest.mark.usefixtures("faked")
def test_the_peers_get_our_split_and_the_weights_we_started_from(
    report: Report, request_of: PocRequest, tmp_path: Path
) -> None:
    compare(request_of, tmp_path)
    folder = request_of.out / "peers"
    with np.load(folder / "exchange.npz") as arrays:
        assert [len(arrays[name]) for name in ("train", "held_out", "test")] == [24, 8, 14]
        assert arrays["train"].shape[1:] == (64, 64, 3)
    encoder = RunDirectory(request_of.out / "run").load_encoder(as_started=True)
    expected, given = encoder.backbone.state_dict(), load_file(folder / "backbone.safetensors")
    assert set(given) == set(expected)
    assert all(np.array_equal(given[name], expected[name]) for name in given)
    assert report.manifest.provenance.training_image_count == 24


@pytest.mark.usefixtures("faked", "report")
def test_what_cannot_be_compared_is_one_line(
    request_of: PocRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError, match="has no test folder: give a folder with test/good and test/<defect>"):
        compare(replace(request_of, uses_labels=False), tmp_path)
    monkeypatch.setattr(distill.peers.comparison, "_DRIVER", tmp_path / "none.py")
    with pytest.raises(TrainingError, match="patchcore: ended with status 2: its own message above says why"):
        compare(request_of, tmp_path)


def test_the_environment_is_made_once_and_a_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"anomalib-{ANOMALIB}.installed").touch()
    assert peers_python(tmp_path) == tmp_path / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(StorageError, match="the peers' environment was not made"):
        peers_python(tmp_path / "fresh")
