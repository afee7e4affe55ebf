"""`python -m deploy.sim`: thirty nights of a simulated plant, and what came of them."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.sim.plants import Mistakes
from deploy.sim.simulation import NightReport, Outcome, SimPlan, simulate
from inspection.terminal import emit_figures, run_command_line, say, show_table
from service.nightly.gate.policy import GatePolicy

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def plant_sim(
    nights: Annotated[int, typer.Option(min=1, max=365, help="How many.")] = 30,
    parts: Annotated[int, typer.Option(min=1, max=2000, help="Parts a day.")] = 72,
    engineer: Annotated[
        bool, typer.Option(help="Does somebody recalibrate after two days of trouble, as the runbook asks?")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another plant.")] = 20,
    flagged_budget: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="Good parts that may be failed or held: what people have time for.")
    ] = GatePolicy().flagged_budget,
) -> None:
    """Wear, an ageing lamp, a new supplier, a new defect, bad data, a lost GPU, wrong labels: who errs less?"""
    reports: list[NightReport] = []

    def tell(report: NightReport) -> None:
        reports.append(report)
        said = f"night {report.number:>3}: {report.done}"
        say(said + (f" | {report.told}" if report.told else "") + (f" | drift: {report.drift}" if report.drift else ""))

    policy = GatePolicy(flagged_budget=flagged_budget)
    plan = SimPlan(night_count=nights, part_count=parts, seed=seed, has_engineer=engineer, policy=policy)
    outcome = simulate(plan, tell)
    _show(reports, outcome)
    emit_figures(outcome.figures())


def _show(reports: list[NightReport], outcome: Outcome) -> None:
    names = list(outcome.mistakes)
    show_table(
        "Nights: escapes / overkill of each day",
        ("night", "what happened", "drift noticed", "what Kensa did", *names),
        [
            (one.number, one.told, one.drift, one.done, *(_short(one.mistakes[name]) for name in names))
            for one in reports
        ],
    )
    show_table(
        "All days",
        ("plant", "escapes", "of defective", "overkill", "of good", "held for a person"),
        [
            (name, one.escapes, one.defective, one.overkill, one.good, one.held)
            for name, one in outcome.mistakes.items()
        ],
    )
    say(f"{outcome.promotion_count} promotions by the gate, {len(outcome.worse_nights)} of them to a worse model")
    say(
        f"{outcome.recalibration_count} recalibrations by the engineer, "
        f"{outcome.worse_recalibration_count} of them let more defects pass than before"
    )


def _short(one: Mistakes) -> str:
    return f"{one.escapes} / {one.overkill}"


if __name__ == "__main__":
    run_command_line(app)
