"""Command line of distillation: `python -m distill`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from distill.bench.benchmark import BATCHES, BenchRequest, run_benchmark
from distill.build import BuildRequest
from distill.build import build as run_build
from distill.evaluate import evaluate_bundle
from distill.flaw_pictures import draw_flaw_pictures
from distill.names_check import check_names
from distill.peers.comparison import SHOWN, compare
from distill.poc.conduct import PocRequest
from distill.poc.plant import Plant
from distill.poc.run import run_poc, show_report
from distill.quantise import quantise as run_quantisation
from distill.recalibrate import RecalibrationRequest
from distill.recalibrate import recalibrate as run_recalibration
from distill.recipe import DEFAULT_RECIPE, load_recipe
from distill.verify import verify_bundle
from inspection.calibration.thresholds import CalibrationTarget
from inspection.config import read_toml
from inspection.naming import LEAST_EXAMPLES
from inspection.start_weights import find_start_weights
from inspection.terminal import emit_figures, run_command_line, say, show_table

_NOT_PROVEN_STATUS = 1

SuspectedShare = Annotated[
    float | None, typer.Option(min=0, max=0.5, help="Of the unlabeled pictures, believed to show a defect.")
]

app = typer.Typer(help="Distill a teacher into a bundle.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def build(
    teacher: Annotated[Path, typer.Option(help="Directory of a finished pretraining run.")],
    images: Annotated[Path, typer.Option(help="Folder the teacher was trained from.")],
    out: Annotated[Path, typer.Option(help="The bundle's directory.")],
    recipe: Annotated[str, typer.Option(help="Name of a shipped recipe, or path of a .toml file.")] = DEFAULT_RECIPE,
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="Length of the student's schedule instead of the recipe's steps.")
    ] = None,
    suspected_share: SuspectedShare = None,
) -> None:
    """Distill, export, calibrate, prove and package."""
    began = time.monotonic()
    manifest = run_build(BuildRequest(load_recipe(recipe).suspecting(suspected_share), teacher, images, out, minutes))
    rows = [(stage, figures["synthetic_flaw_auroc"]) for stage, figures in manifest.metrics.items()]
    show_table(f"{manifest.bundle_id}", ["stage", "AUROC of synthetic flaws, held-out images"], rows)
    if manifest.calibration.warning:
        say(f"note: {manifest.calibration.warning}")
    emit_figures(
        {
            "bundle": str(out),
            "bundle_id": manifest.bundle_id,
            "metrics": manifest.metrics,
            "parity": manifest.parity.model_dump(),
            "seconds": round(time.monotonic() - began, 1),
        }
    )


@app.command()
def evaluate(
    bundle: Annotated[Path, typer.Argument(help="The bundle's directory.")],
    images: Annotated[Path, typer.Option(help="Folder with test/good, test/<defect> and, if known, ground_truth.")],
) -> None:
    """Judge labeled pictures with a bundle and compare with the truth."""
    evaluation = evaluate_bundle(bundle, images)
    show_table(f"{bundle} on {images}/test", ["figure", "value"], list(evaluation.figures.items()))
    show_table("image AUROC by defect", ["defect", "AUROC"], list(evaluation.by_defect.items()))
    emit_figures({**evaluation.figures, "by_defect": evaluation.by_defect})


@app.command()
def names(
    bundle: Annotated[Path, typer.Argument(help="The bundle's directory.")],
    images: Annotated[
        Path, typer.Option(help="Folder with test/good and two or more test/<defect>; one picture a part.")
    ],
    examples: Annotated[int, typer.Option(min=LEAST_EXAMPLES, help="Of each defect; the others are to be named.")] = 5,
) -> None:
    """How well a few named examples of each defect name the others."""
    found = check_names(bundle, images, examples)
    rows = [(kind, *shares.values()) for kind, shares in found.by_defect.items()]
    rows.append(("all", found.right, found.wrong, found.unknown))
    show_table(f"{examples} examples of each", ["defect", "right", "wrong", "unknown"], rows)
    emit_figures(asdict(found))


@app.command()
def poc(
    data: Annotated[Path, typer.Option(help="Folder with train/good (unlabeled) and, if known, test/*, ground_truth.")],
    minutes: Annotated[float, typer.Option(min=0.05, help="Training time in all; reading and scoring come on top.")],
    out: Annotated[Path, typer.Option(help="Where bundle, poc.json and poc.html go; a stopped one goes on there.")],
    init: Annotated[
        str | None, typer.Option(help="Weights to begin from, or `none`. Default: the optional package's.")
    ] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Do not look at test/*.")] = False,
    plant: Annotated[Path | None, typer.Option(help="TOML file of costs, volumes and goals.")] = None,
    pretraining_recipe: Annotated[str | None, typer.Option(help="Default: by the start weights.")] = None,
    recipe: Annotated[str, typer.Option(help="The student's recipe.")] = DEFAULT_RECIPE,
    suspected_share: SuspectedShare = None,
) -> None:
    """The plant's proof of concept: from a folder of pictures to a bundle, its figures and go or no-go."""
    request = PocRequest(
        data, out, minutes, find_start_weights(init), not no_labels, pretraining_recipe, recipe, suspected_share
    )
    report = run_poc(request, read_toml(plant, Plant) if plant else Plant())
    show_report(report)
    say(f"the page: {out / 'poc.html'}")
    emit_figures(report.document)


@app.command()
def verify(bundle: Annotated[Path, typer.Argument(help="The bundle's directory.")]) -> None:
    """Compute a bundle's proofs again from its golden images and its ledger; exit status 1 where one fails."""
    checks = verify_bundle(bundle)
    rows = [(check.name, "pass" if check.passed else "FAIL", check.detail) for check in checks]
    show_table(str(bundle), ["proof", "result", "figure"], rows)
    passed = all(check.passed for check in checks)
    emit_figures(
        {
            "bundle": str(bundle),
            "passed": passed,
            "checks": {check.name: check.passed for check in checks},
            "details": {check.name: check.detail for check in checks},
        }
    )
    if not passed:
        raise typer.Exit(_NOT_PROVEN_STATUS)


@app.command()
def recalibrate(
    bundle: Annotated[Path, typer.Argument(help="The bundle to start from; it stays as it is.")],
    images: Annotated[Path, typer.Option(help="Folder of normal images that training did not use.")],
    out: Annotated[Path, typer.Option(help="The renewed bundle's directory.")],
    dispositions: Annotated[
        Path | None, typer.Option(help="CSV of decisions (image or part_id, decision): confirmed defects stay out.")
    ] = None,
    keep_bank: Annotated[bool, typer.Option("--keep-bank", help="Set only scales and thresholds anew.")] = False,
    flagged_rate: Annotated[
        float | None,
        typer.Option(min=0.0001, max=0.9999, help="What both limits promise; default: as before."),
    ] = None,
    failed_rate: Annotated[
        float | None,
        typer.Option(min=0.0001, max=0.9999, help="What both fail limits promise, with --flagged-rate."),
    ] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.9999, help="How sure, with --flagged-rate.")] = 0.95,
    local_share: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Of those rates, the local score's part, with --flagged-rate.")
    ] = 0.5,
) -> None:
    """Refresh bank, scales and thresholds from normal images, without training."""
    target = None
    if flagged_rate:
        target = CalibrationTarget(
            flagged_rate=flagged_rate, failed_rate=failed_rate, confidence=confidence, local_share=local_share
        )
    request = RecalibrationRequest(bundle, images, out, dispositions, keep_bank, target)
    done = run_recalibration(request)
    calibration = done.manifest.calibration
    show_table(f"{done.manifest.bundle_id}", ["figure", "value"], list(done.decided.items()))
    for path in done.left_out:
        say(f"left out of calibration as a likely defect: {path}")
    if calibration.warning:
        say(f"note: {calibration.warning}")
    emit_figures(
        {
            "bundle": str(out),
            "bundle_id": done.manifest.bundle_id,
            "bank_is_new": done.bank_is_new,
            "scales_are_new": done.scales_are_new,
            "calibration": calibration.model_dump(mode="json"),
            "thresholds": done.manifest.thresholds.model_dump(mode="json"),
            "left_out": list(done.left_out),
            **done.decided,
        }
    )


@app.command()
def flaw(
    images: Annotated[Path, typer.Option(help="Folder of normal images.")],
    out: Annotated[Path, typer.Option(help="Folder for the same images with a drawn flaw each.")],
    input_px: Annotated[int, typer.Option(min=32, max=2048, help="Side of the pictures that are written.")] = 256,
    seed: Annotated[int, typer.Option(help="Another seed draws other flaws.")] = 0,
) -> None:
    """Draw a synthetic flaw on every image: what a gate judges by beside real defects."""
    names = draw_flaw_pictures(images, out, input_px, seed)
    emit_figures({"pictures": len(names), "out": str(out)})


@app.command()
def quantise(
    bundle: Annotated[Path, typer.Argument(help="The bundle whose student is tried in 8-bit integers.")],
    teacher: Annotated[Path, typer.Option(help="The pretraining run it was built from.")],
    images: Annotated[Path, typer.Option(help="Folder the teacher was trained from.")],
    out: Annotated[Path, typer.Option(help="The int8 bundle's directory; written only where int8 is worth it.")],
) -> None:
    """Try the student in 8-bit integers; kept where the ledger allows it and it is faster."""
    tried = run_quantisation(bundle, teacher, images, out)
    say(f"int8: {'kept' if tried.manifest else 'not kept'}: {tried.reason}")
    emit_figures(
        {
            "bundle": str(out) if tried.manifest else None,
            "bundle_id": tried.manifest.bundle_id if tried.manifest else None,
            "reason": tried.reason,
            "latency_ms": tried.latency_ms,
        }
    )


@app.command()
def bench(
    bundle: Annotated[Path | None, typer.Option(help="Whose student is timed; default: one of drawn pictures.")] = None,
    int8: Annotated[Path | None, typer.Option(help="Its int8 bundle, if any.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each batch size is measured.")] = 20.0,
    threads: Annotated[int, typer.Option(min=0, help="Threads of each; 0: as many as there are cores.")] = 0,
    recipe: Annotated[str, typer.Option(help="Of the student that is timed without --bundle.")] = DEFAULT_RECIPE,
) -> None:
    """Time the student beside its teacher, its peers' networks and the bare convolutions, in turns."""
    found = run_benchmark(BenchRequest(bundle, int8, seconds, threads, recipe))
    rows = [(row.name, *(row.ms[batch] for batch in BATCHES), row.peak_rss_mb, row.size_mb) for row in found.rows]
    columns = ["network", *(f"ms an image, batch {batch}" for batch in BATCHES), "peak memory, MB", "file, MB"]
    show_table(f"{found.figures['input_px']} px, {found.figures['threads']} threads", columns, rows)
    emit_figures(found.figures)


@app.command()
def peers(
    data: Annotated[Path, typer.Option(help="Folder with train/good, test/* and, if known, ground_truth.")],
    out: Annotated[Path, typer.Option(help="Folder of our proof of concept; one that stands is reused.")],
    minutes: Annotated[float, typer.Option(min=0.05, help="Training time of ours, and of the trained peer.")] = 10.0,
    init: Annotated[str | None, typer.Option(help="Start weights of all, or `none`; default as in poc.")] = None,
    environment: Annotated[Path, typer.Option(help="Where anomalib is installed.")] = Path(".kensa/peers"),
) -> None:
    """PatchCore, PaDiM and an EfficientAD-style student beside ours: same weights, same split, same figures."""
    compared = compare(PocRequest(data, out, minutes, find_start_weights(init)), environment)
    rows = [
        (name, *(figures[figure] for figure in SHOWN), figures["latency_ms"])
        for name, figures in compared.figures.items()
    ]
    names = ("detector", "image AUROC", "pixel AUROC", "AUPRO", "escapes at 1 %", "at 5 % overkill", "ms an image")
    show_table(f"{data}", names, rows)
    for name, note in compared.notes.items():
        say(f"{name}: {note}")
    emit_figures({"figures": compared.figures, "notes": compared.notes})


if __name__ == "__main__":
    run_command_line(app)
