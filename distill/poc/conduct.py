"""The proof of concept from a folder to a bundle: each stage done once, so that a killed one goes on where it was."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from distill.build import BuildRequest, Forms, build
from distill.poc.budget import CURVE_SHARES, Budget
from distill.poc.curve import build_point, draw_share
from distill.poc.labeled import load_labeled
from distill.poc.stage_results import judge_in_all_forms, save_onnx_result
from distill.quantise import quantise
from distill.recipe import DEFAULT_RECIPE, DistillRecipe, load_recipe
from inspection import __version__
from inspection.bundle.manifest import STUDENT_FILE
from inspection.bundle.reader import open_bundle
from inspection.errors import ConfigError, StorageError
from inspection.images.folders import find_labeled_pictures, find_pictures
from inspection.scoring.session import StudentSession
from inspection.stage_book import Inputs, Stage, StageBook, listing_sha256
from inspection.start_weights import COLD_RECIPE, WARM_RECIPE
from inspection.terminal import say
from pretrain.recipe import load_recipe as load_pretraining_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train


@dataclass(frozen=True)
class PocRequest:
    """What a person asks for on the command line."""

    data: Path
    out: Path
    minutes: float
    start_weights: Path | None
    uses_labels: bool = True
    pretraining_recipe: str | None = None
    recipe: str = DEFAULT_RECIPE
    suspected_share: float | None = None

    @property
    def labels(self) -> Path | None:
        """The folder whose test/* is judged; None where there is none, or it shall not be looked at."""
        return self.data if self.uses_labels and find_labeled_pictures(self.data) else None


@dataclass(frozen=True)
class Place:
    """Where things lie below the proof of concept's folder."""

    out: Path

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def bundle(self) -> Path:
        return self.out / "bundle"

    @property
    def int8_bundle(self) -> Path:
        return self.out / "bundle-int8"

    @property
    def int8_file(self) -> Path:
        return self.out / "int8.json"

    @property
    def judged(self) -> Path:
        return self.out / "judged"

    def curve(self, share: float) -> Path:
        return self.out / "curve" / f"{round(share * 100)}"


@dataclass(frozen=True)
class Conducted:
    """Seconds each stage took when it was done, and the images at each point of the learning curve."""

    seconds: dict[str, float]
    curve_counts: dict[float, int]


def conduct(request: PocRequest) -> Conducted:
    """Do what is not done yet. Raises KensaError."""
    place, budget = Place(request.out), Budget(request.minutes)
    _refuse_foreign(request.out)
    pretraining = _pretrain_stage(request, place, budget.pretrain)
    recipe = load_recipe(request.recipe).suspecting(request.suspected_share)
    distilling = _distill_stage(request, place, recipe, budget.distill, pretraining.key)
    book = StageBook(request.out / "stages")
    seconds: dict[str, float] = {}
    for stage in (pretraining, distilling, _int8_stage(request, place, distilling.key)):
        say(f"{stage.name} ...")
        outcome = book.complete(stage)
        seconds[stage.name] = outcome.seconds
        if outcome.reused:
            say(f"{stage.name}: stands from before, {outcome.seconds:.0f} s")
    counts: dict[float, int] = {}
    for share in CURVE_SHARES:
        images = place.curve(share) / "images"
        counts[share] = draw_share(request.data, RunDirectory(place.run), share, images)
        if counts[share]:
            say(f"learning curve: {counts[share]} images ...")
            point = _curve_stage(request, place, recipe, share, budget.curve_point, pretraining.key)
            seconds[point.name] = book.complete(point).seconds
    return Conducted(seconds, counts)


def _pretrain_stage(request: PocRequest, place: Place, minutes: float) -> Stage:
    init = request.start_weights
    name = request.pretraining_recipe or (WARM_RECIPE if init else COLD_RECIPE)
    recipe = load_pretraining_recipe(name)
    if recipe.preprocessing.tiles is not None:
        raise ConfigError(
            f"recipe {name}: preprocessing.tiles: the proof of concept judges whole images",
            "use `python -m distill build` and `evaluate` for strips",
        )

    def work(resume: bool) -> None:
        if not resume:
            shutil.rmtree(place.run, ignore_errors=True)
        train(TrainingRequest(recipe, request.data, place.run, minutes=minutes, start_weights=init, resume=resume))

    inputs: Inputs = {
        "images": listing_sha256(request.data, [picture.path for picture in find_pictures(request.data)]),
        "recipe": recipe.sha256(),
        "minutes": minutes,
        "init": listing_sha256(init.parent, [init]) if init else None,
        "version": __version__,
    }
    return Stage("pretrain", inputs, place.run, work)


def _distill_stage(request: PocRequest, place: Place, recipe: DistillRecipe, minutes: float, teacher_key: str) -> Stage:
    def work(resume: bool) -> None:
        for folder in (place.bundle, place.judged):
            shutil.rmtree(folder, ignore_errors=True)

        def witness(forms: Forms) -> None:
            labels = load_labeled(request.labels, forms.inspector) if request.labels else None
            judge_in_all_forms(place.judged, labels, forms)

        build(BuildRequest(recipe, place.run, request.data, place.bundle, minutes), witness)

    inputs: Inputs = {
        "teacher": teacher_key,
        "recipe": recipe.sha256(),
        "minutes": minutes,
        "labels": _labels_sha256(request),
    }
    return Stage("distill", inputs, place.bundle, work)


def _int8_stage(request: PocRequest, place: Place, bundle_key: str) -> Stage:
    def work(resume: bool) -> None:
        shutil.rmtree(place.int8_bundle, ignore_errors=True)
        tried = quantise(place.bundle, place.run, request.data, place.int8_bundle)
        if tried.manifest is not None and request.labels is not None:
            session = StudentSession(place.int8_bundle / STUDENT_FILE)
            labeled = load_labeled(request.labels, open_bundle(place.int8_bundle))
            if labeled is not None:
                save_onnx_result(place.judged, "int8", session, tried.manifest.thresholds, labeled)
        told = {"kept": tried.manifest is not None, "reason": tried.reason, "latency_ms": tried.latency_ms}
        place.int8_file.write_text(json.dumps(told), encoding="utf-8")

    return Stage("int8", {"bundle": bundle_key}, place.int8_file, work)


def _curve_stage(
    request: PocRequest, place: Place, recipe: DistillRecipe, share: float, minutes: float, teacher_key: str
) -> Stage:
    folder = place.curve(share)

    def work(resume: bool) -> None:
        build_point(BuildRequest(recipe, place.run, folder / "images", folder / "bundle", minutes), request.labels)

    inputs: Inputs = {
        "teacher": teacher_key,
        "recipe": recipe.sha256(),
        "minutes": minutes,
        "labels": _labels_sha256(request),
    }
    return Stage(f"curve-{round(share * 100)}", inputs, folder / "bundle", work)


def _labels_sha256(request: PocRequest) -> str | None:
    if request.labels is None:
        return None
    pictures = find_labeled_pictures(request.labels)
    masks = [picture.mask for picture in pictures if picture.mask is not None]
    return listing_sha256(request.labels, [*(picture.path for picture in pictures), *masks])


def _refuse_foreign(out: Path) -> None:
    """Raise StorageError where `out` holds something else than a proof of concept."""
    if out.exists() and not (out / "stages").is_dir() and (not out.is_dir() or any(out.iterdir())):
        raise StorageError(f"{out}: is there already and is no proof of concept", "choose another folder")
