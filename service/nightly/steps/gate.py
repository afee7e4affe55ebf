"""Step 7: the gate. Both bundles judge the golden set and the replay; what they say decides."""

import time

import numpy as np

from inspection.bundle.reader import open_bundle
from inspection.errors import BundleError
from inspection.inspector import Inspector
from service.nightly.bundles import open_bundle_of
from service.nightly.endings import NightEnded
from service.nightly.gate.check import Answer, Check
from service.nightly.gate.decision import GateReport, decide
from service.nightly.gate.evidence import Evidence, Proofs
from service.nightly.golden import UNNAMED
from service.nightly.guard.candidate import Said
from service.nightly.steps.drawn_flaws import judge_drawn_flaws
from service.nightly.steps.findings import Figures, Findings
from service.nightly.steps.judging import Judged, auroc, judge_with
from service.nightly.tables import Reason
from service.nightly.workshop import Bench
from service.registry.operations import Origin, record_lineage

_TIMED = 25


def judge_challenger(bench: Bench, found: Findings) -> Figures:
    """Raises NightEnded, with the report, where the challenger does not pass."""
    snapshot = bench.folder.read(bench.folder.snapshot_file, found["freeze"]["snapshot_sha256"])
    champion = open_bundle_of(bench.workshop.settings, snapshot["champion_id"])
    challenger = open_bundle(bench.folder.challenger)
    judge = judge_with(bench, champion, challenger)
    truths = [(number, defect) for _, number, defect in snapshot["golden"]]
    golden = judge(truths)
    anchored = _judge_beside_anchor(bench, snapshot, challenger, truths)
    replay = judge(
        [(number, UNNAMED if said == Said.CONFIRMED_DEFECT else None) for number, said in snapshot["replay"]]
    )
    good_ids = [number for _, number, defect in snapshot["golden"] if defect is None]
    golden_sha256 = found["freeze"]["golden_sha256"]
    synthetic = judge_drawn_flaws(bench, golden_sha256, good_ids, champion, challenger)
    proofs = Proofs(**{name: found["prove"][name] for name in Proofs.model_fields})
    champion_ms, challenger_ms = measure_latencies(champion, challenger)
    evidence = Evidence(
        golden=tuple(one.part for one in golden),
        replay=tuple(one.part for one in replay),
        synthetic=synthetic,
        anchored=tuple(one.part for one in anchored),
        proofs=proofs,
        champion_latency_ms=champion_ms,
        challenger_latency_ms=challenger_ms,
    )
    report = decide(evidence, bench.line.gate)
    figures = {
        "challenger_id": challenger.bundle_id,
        "anchor_id": snapshot["anchor_id"],
        "report": report.model_dump(mode="json"),
        "champion_auroc": auroc(golden, lambda one: one.champion_score),
        "challenger_auroc": auroc(golden, lambda one: one.challenger_score),
    }
    _record_origin(bench, found, challenger, report)
    if not report.passed:
        reason = Reason.GATE_FAILED if report.failures else Reason.GATE_UNDECIDED
        raise NightEnded(reason, explain(report), figures)
    return figures


def _judge_beside_anchor(
    bench: Bench, snapshot: Figures, challenger: Inspector, truths: list[tuple[int, str | None]]
) -> list[Judged]:
    """Nothing where the anchor is the champion itself. Raises NightEnded where it is not here any more."""
    if snapshot["anchor_id"] in (None, snapshot["champion_id"]):
        return []
    try:
        anchor = open_bundle_of(bench.workshop.settings, snapshot["anchor_id"])
    except BundleError as error:
        detail = f"the anchor {error.problem}; add it again, or choose another with `bundles anchor`"
        raise NightEnded(Reason.STORE_FAILING, detail) from None
    return judge_with(bench, anchor, challenger)([truth for truth in truths if truth[1] is not None])


def explain(report: GateReport) -> str:
    """One line for the log: what failed, or what is missing."""
    if report.failures:
        return "; ".join(f"{check.question}: {_brief(check)}" for check in report.failures)
    return "; ".join(
        f"{check.question}: too few parts to tell"
        + (f", {check.further_count} more reviewed parts would settle it" if check.further_count else "")
        for check in report.open_questions
    )


def measure_latencies(champion: Inspector, challenger: Inspector) -> tuple[float, float]:
    """Median ms for one grey image of the champion's input size, in turns: what slows the machine slows both."""
    side = champion.manifest.preprocessing.input_px
    other = challenger.manifest.preprocessing.input_px
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(_TIMED + 1):
        for model, px, spent in ((champion, side, times[0]), (challenger, other, times[1])):
            begin = time.perf_counter()
            model.session.score(np.full((1, px, px, 3), 128, np.uint8))
            # The first of each prepares its memory.
            if turn:
                spent.append((time.perf_counter() - begin) * 1e3)
    return float(np.median(times[0])), float(np.median(times[1]))


def _record_origin(bench: Bench, found: Findings, challenger: Inspector, report: GateReport) -> None:
    provenance = challenger.manifest.provenance
    origin = Origin(
        bundle_id=challenger.bundle_id,
        parent_id=found["freeze"]["champion_id"],
        night=bench.night.name,
        images_sha256=found["screen"]["learned_sha256"],
        image_count=found["screen"]["learned_count"],
        recipe=provenance.recipe,
        teacher=str(bench.folder.teacher.resolve()),
        gate=report.model_dump(mode="json"),
    )
    record_lineage(bench.workshop.database, origin)


def _brief(check: Check) -> str:
    """The two counts or names that a person asks for first."""
    figures = check.figures
    assert check.answer is Answer.FAILED
    if check.names and "champion" not in figures:
        return ", ".join(check.names)
    if "champion" in figures:
        return f"{figures['challenger']} of {figures['count']}, {figures['champion']} with the champion"
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
