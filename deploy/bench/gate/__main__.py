"""`python -m deploy.bench.gate`, or `make bench-gate`: how often the gate errs, over many simulated nights."""

import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.bench.gate.plant import Case
from deploy.bench.gate.tally import Tally
from inspection.calibration.intervals import interval_of_rate
from inspection.terminal import emit_figures, run_command_line, show_table, track
from service.nightly.gate.policy import GatePolicy

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
SIZES = ((60, 200), (120, 400), (300, 1000))
_GOAL = 0.05
_SEEDS_OF_A_CASE = 100_000


def cases(policy: GatePolicy) -> list[tuple[str, Case]]:
    """What is asked of the gate (`worse` must not pass, `equal` and `better` should), for each size of golden set."""
    margin, overkill = policy.escape_margin, policy.overkill_margin
    found = []
    for defective, good in SIZES:
        found += [
            ("worse", Case("escapes up by the margin", defective, good, escape_change=margin)),
            ("worse", Case("escapes up by twice the margin", defective, good, escape_change=2 * margin)),
            ("worse", Case("escapes up by half the margin", defective, good, escape_change=margin / 2)),
            ("worse", Case("overkill at 2.5 times its budget", defective, good, overkill_change=2 * overkill)),
            ("worse", Case("blind for one kind in five", defective, good, escape_rate=0.25, blind_kind=True)),
            ("equal", Case("equal", defective, good)),
            ("better", Case("escapes down by the margin", defective, good, escape_change=-margin)),
            ("better", Case("half the escapes of 20 %", defective, good, escape_rate=0.20, escape_change=-0.10)),
        ]
    return found


@app.command()
def bench_gate(
    seeds: Annotated[int, typer.Option(min=10, help="Simulated nights of each case.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="The first of them.")] = 0,
    out: Annotated[Path, typer.Option(help="Where nights are kept that were counted already.")] = Path(
        ".kensa/bench/gate"
    ),
) -> None:
    """Of truly worse models, how many pass? Of equal and better ones, how many are kept out? A stopped run goes on."""
    began, policy = time.monotonic(), GatePolicy()
    tally = Tally(out, policy)
    rows: list[tuple[object, ...]] = []
    figures: list[dict[str, object]] = []
    worst = 0.0
    asked = cases(policy)
    for number, (kind, case) in enumerate(track(asked, "simulated nights", len(asked))):
        passed = tally.count_passed(case, seeds, seed + number * _SEEDS_OF_A_CASE)
        low, high = interval_of_rate(passed, seeds)
        # Half a margin lies within what the policy allows: it is told, and not held against the goal.
        if kind == "worse" and abs(case.escape_change) != policy.escape_margin / 2:
            worst = max(worst, passed / seeds)
        rows.append(
            (case.name, kind, case.defective_count, case.good_count, f"{passed / seeds:.3f}", f"{low:.3f}-{high:.3f}")
        )
        counted = {"passed_rate": passed / seeds, "interval": [round(low, 4), round(high, 4)]}
        figures.append({"case": case.name, "is": kind, "defective": case.defective_count, **counted})
    columns = ("the challenger in truth", "is", "defective", "good", "passes", "95 % interval")
    show_table("What passes the gate", columns, rows)
    emit_figures(
        {
            "seeds": seeds,
            "worst_passed_rate_of_worse": worst,
            "goal": _GOAL,
            "seconds": round(time.monotonic() - began, 1),
            "cases": figures,
        }
    )


if __name__ == "__main__":
    run_command_line(app)
