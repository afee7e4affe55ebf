"""`make peers`: our proof of concept and anomalib's models on the same pictures, in one table."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from distill.peers.environment import peers_python
from distill.poc.conduct import Place, PocRequest
from distill.poc.curve import was_trained_on
from distill.poc.figures import Figures, label_figures
from distill.poc.labeled import LabeledImages, load_labeled
from distill.poc.plant import Plant
from distill.poc.report import Report
from distill.poc.run import run_poc
from inspection.bundle.reader import read_manifest
from inspection.errors import DatasetError, TrainingError
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession
from inspection.terminal import say
from pretrain.data.image_set import load_images
from pretrain.run_directory import RunDirectory

PEERS = ("patchcore", "padim", "efficient_ad")
SHOWN = ("image_auroc", "pixel_auroc", "aupro", "escape_rate_at_overkill_1pct", "escape_rate_at_overkill_5pct")
_DRIVER = Path(__file__).with_name("anomalib_driver.py")


@dataclass(frozen=True)
class Compared:
    """Figures by detector: ours by stage, then the peers. `notes` say what a reader must know."""

    figures: dict[str, Figures]
    notes: dict[str, str]


def compare(request: PocRequest, environment: Path) -> Compared:
    """Run our proof of concept where it is not done yet, then every peer on its split. Raises KensaError."""
    if request.labels is None:
        raise DatasetError(f"{request.data}: has no test folder", "give a folder with test/good and test/<defect>")
    python = peers_python(environment)
    report = run_poc(request, Plant())
    folder = request.out / "peers"
    folder.mkdir(exist_ok=True)
    labeled = _exchange(request, folder)
    found = _ours(report)
    for peer in PEERS:
        say(f"{peer} ...")
        _run(python, peer, folder)
        found[peer] = _figures_of(folder / f"{peer}.npz", labeled)
    compared = Compared(found, _notes(request))
    text = json.dumps({"figures": compared.figures, "notes": compared.notes}, indent=1, allow_nan=False)
    (request.out / "peers.json").write_text(text + "\n", encoding="utf-8")
    return compared


def _exchange(request: PocRequest, folder: Path) -> LabeledImages:
    """Write what the peers may know: untreated pictures of our own split, and the weights our run started from."""
    place = Place(request.out)
    run = RunDirectory(place.run)
    record = run.read_record()
    manifest = read_manifest(place.bundle)
    plain = record.recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE, "tiles": None})
    images = load_images(find_pictures(request.data), plain)
    seen = run.read_trained_digests()
    is_trained = np.array([was_trained_on(digest, seen) for digest in images.digests])
    session = StudentSession(place.bundle / "student.onnx")
    inspector = Inspector(session, manifest.model_copy(update={"preprocessing": plain}))
    labeled = load_labeled(request.data, inspector)
    assert labeled is not None, "a request with labels was checked for"
    encoder = run.load_encoder(as_started=True)
    pixels = images.pixels.numpy()
    np.savez(
        folder / "exchange.npz",
        train=pixels[is_trained],
        held_out=pixels[~is_trained],
        test=labeled.pixels.numpy(),
        mean=encoder.mean.flatten().numpy(),
        deviation=encoder.deviation.flatten().numpy(),
    )
    tensors = {name: value.contiguous() for name, value in encoder.backbone.state_dict().items()}
    save_file(tensors, folder / "backbone.safetensors")
    recipe = record.recipe.encoder
    settings = {"backbone": recipe.backbone, "strides": list(recipe.taps), "minutes": request.minutes}
    (folder / "exchange.json").write_text(json.dumps(settings), encoding="utf-8")
    return labeled


def _run(python: Path, peer: str, folder: Path) -> None:
    # The greedy coreset frees tens of megabytes each round. On the C library's heap small remains keep them from being
    # used again: 23 pictures took 20 GB. Mapped one by one, they are given back.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
    done = subprocess.run([str(python), str(_DRIVER), peer, str(folder)], check=False, env=environment)
    if done.returncode:
        raise TrainingError(f"{peer}: ended with status {done.returncode}", "its own message above says why")


def _figures_of(answers: Path, labeled: LabeledImages) -> Figures:
    with np.load(answers) as kept:
        count = len(labeled.pictures)
        scores = np.full(count, np.finfo(np.float32).max)
        maps = np.full((count, *kept["maps"].shape[1:]), np.nan, np.float32)
        scores[labeled.judgeable], maps[labeled.judgeable] = kept["scores"], kept["maps"]
        figures = label_figures(scores, maps, labeled)
        return figures | {"latency_ms": float(kept["latency_ms"]), "fitted_s": float(kept["fitted_s"])}


def _ours(report: Report) -> dict[str, Figures]:
    latency = report.document["latency_ms"]
    assert isinstance(latency, dict)
    return {
        f"kensa {stage}": {**figures, "latency_ms": latency[stage]}
        for stage, figures in report.figures.items()
        if figures is not None
    }


def _notes(request: PocRequest) -> dict[str, str]:
    start = request.start_weights.name if request.start_weights else "random weights"
    return {
        "start": f"all start from {start}, on the pictures our run trained on, untreated for the peers",
        "patchcore": "greedy coreset of 10 % of 40000 random patches; 9 neighbours",
        "padim": "100 random features, as for ResNet-18",
        "efficient_ad": f"its student, autoencoder and losses for {request.minutes:g} minutes on features of the same "
        "start weights; smooth noise in place of ImageNet pictures",
        "latency": "milliseconds an image: ours each as it runs, the peers in torch; not taken in turns",
    }
