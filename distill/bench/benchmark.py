"""`make bench-student`: every form of the student beside its teacher and its peers, in turns on the same cores."""

import os
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from distill.bench.bare_convolutions import export_floor
from distill.bench.lone_process import peak_memory_mb
from distill.bench.subjects import Subject, open_subject
from distill.bench.tiny_build import build_forms
from distill.bench.torch_forms import export_peers, save_torch
from distill.interleave import time_in_turns
from distill.recipe import DEFAULT_RECIPE
from inspection.bundle.manifest import STUDENT_FILE
from inspection.terminal import say

BATCHES = (1, 16)


@dataclass(frozen=True)
class BenchRequest:
    """What a person asks for on the command line."""

    bundle: Path | None
    """None builds one from drawn pictures."""
    int8_bundle: Path | None
    seconds: float
    """How long each batch size is measured."""
    threads: int
    recipe: str = DEFAULT_RECIPE
    """Of the student, where none is given."""


@dataclass(frozen=True)
class Row:
    """One subject: milliseconds an image by batch size, peak memory of a process of its own, size on disk."""

    name: str
    ms: dict[int, float]
    peak_rss_mb: float
    size_mb: float


@dataclass(frozen=True)
class Benchmark:
    rows: list[Row]
    figures: dict[str, object]


def run_benchmark(request: BenchRequest) -> Benchmark:
    """Build what is missing, then measure. Raises KensaError."""
    with tempfile.TemporaryDirectory(prefix="kensa-bench-") as name:
        folder = Path(name)
        say("building the forms ...")
        built = build_forms(folder, request.recipe, request.bundle, request.int8_bundle or _sibling(request.bundle))
        subjects = []
        for stage, graph in built.graphs.items():
            path = folder / f"{stage}.pt2"
            save_torch(graph, path, built.input_px)
            subjects.append(Subject("teacher" if stage == "teacher" else "student_torch", path, in_torch=True))
        student = built.bundle / STUDENT_FILE
        subjects.append(Subject("student", student))
        if built.int8_bundle is not None:
            subjects.append(Subject("int8", built.int8_bundle / STUDENT_FILE))
        subjects += [export_floor(student, folder, built.input_px), *export_peers(folder, built.input_px)]
        say("measuring in turns ...")
        times = {batch: _time(subjects, built.input_px, batch, request) for batch in BATCHES}
        say("measuring memory, each in a process of its own ...")
        rows = [
            Row(
                subject.name,
                {batch: times[batch][subject.name] / batch for batch in BATCHES},
                peak_memory_mb(subject, built.input_px, max(BATCHES), request.threads),
                subject.file.stat().st_size / 1e6,
            )
            for subject in subjects
        ]
        bundle_mb = sum(path.stat().st_size for path in built.bundle.rglob("*") if path.is_file()) / 1e6
    return Benchmark(rows, _figures(rows, bundle_mb, request, built.input_px, built.int8_reason))


def _sibling(bundle: Path | None) -> Path | None:
    """The int8 bundle that a proof of concept leaves beside the other one."""
    beside = bundle.with_name(f"{bundle.name}-int8") if bundle is not None else None
    return beside if beside is not None and beside.is_dir() else None


def _time(subjects: list[Subject], input_px: int, batch: int, request: BenchRequest) -> dict[str, float]:
    images = np.random.default_rng(0).integers(0, 256, (batch, input_px, input_px, 3), np.uint8)
    calls = {subject.name: partial(open_subject(subject, request.threads), images) for subject in subjects}
    return time_in_turns(calls, request.seconds, least_rounds=3)


def _figures(
    rows: list[Row], bundle_mb: float, request: BenchRequest, input_px: int, int8_reason: str
) -> dict[str, object]:
    ms = {row.name: row.ms for row in rows}
    student = ms["student"][1]
    names = {
        "student_ms": "student",
        "student_torch_ms": "student_torch",
        "int8_ms": "int8",
        "teacher_ms": "teacher",
        "efficientad_s_ms": "efficientad_s",
        "patchcore_wrn50_ms": "patchcore_wrn50",
        "bare_convolutions_ms": "bare_convolutions",
    }
    figures: dict[str, object] = {key: round(ms[name][1], 3) if name in ms else None for key, name in names.items()}
    figures |= {
        "speedup_over_teacher": round(ms["teacher"][1] / student, 2),
        "speedup_over_efficientad_s": round(ms["efficientad_s"][1] / student, 2),
        "speedup_over_patchcore_wrn50": round(ms["patchcore_wrn50"][1] / student, 2),
        "peak_rss_mb": round(next(row.peak_rss_mb for row in rows if row.name == "student"), 1),
        "bundle_mb": round(bundle_mb, 2),
        "input_px": input_px,
        "threads": request.threads or os.cpu_count(),
        "int8": int8_reason,
        "rows": [
            {
                "name": row.name,
                **{f"batch_{batch}_ms": round(value, 3) for batch, value in row.ms.items()},
                "peak_rss_mb": round(row.peak_rss_mb, 1),
                "size_mb": round(row.size_mb, 2),
            }
            for row in rows
        ],
    }
    return figures
