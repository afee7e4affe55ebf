"""Day after day and night after night, for three plants at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.sim.golden import Golden
from deploy.sim.happenings import Course
from deploy.sim.kensa import Kensa
from deploy.sim.plants import AlwaysPromotes, Mistakes, NeverRetrains, Plant, Replay, learn
from deploy.sim.production import Batch, Line, join
from deploy.sim.student import Student
from inspection.errors import ConfigError
from inspection.verdict import Verdict
from service.nightly.gate.policy import GatePolicy

_TRUTH_DAYS = 3
"""Days by which a promotion is judged against the truth."""


@dataclass(frozen=True)
class SimPlan:
    """How much is simulated. The defaults suit the gate's own defaults."""

    night_count: int = 30
    part_count: int = 72
    golden_good: int = 170
    golden_defective: int = 64
    setup_days: int = 5
    seed: int = 20
    has_engineer: bool = True
    """Whether somebody recalibrates after days of trouble, as the runbook asks."""
    policy: GatePolicy = field(default_factory=GatePolicy)


@dataclass(frozen=True)
class NightReport:
    """One line of the table: what happened, what Kensa did, and each plant's mistakes of that day."""

    number: int
    told: str
    done: str
    drift: str
    mistakes: dict[str, Mistakes]


@dataclass
class Outcome:
    """All of it."""

    mistakes: dict[str, Mistakes]
    promotion_count: int = 0
    recalibration_count: int = 0
    worse_recalibration_count: int = 0
    worse_nights: list[int] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """As a script reads them."""
        counts = {name: {"escapes": one.escapes, "overkill": one.overkill} for name, one in self.mistakes.items()}
        return {**counts, "nights_worse_than_champion": len(self.worse_nights)}


def simulate(plan: SimPlan, tell: Callable[[NightReport], None] = lambda _report: None) -> Outcome:
    """Set all three plants up alike, and let them live. Raises ConfigError for a plan that is too small."""
    line = Line(Course(plan.night_count), plan.part_count, plan.seed)
    kensa, others = _set_up(line, plan)
    plants: list[Plant] = [kensa, *others]
    outcome = Outcome({plant.name: Mistakes() for plant in plants})
    days: list[Batch] = []
    for number in range(1, plan.night_count + 1):
        day = line.make_day(number)
        days.append(day)
        has_gpu = number != line.course.lost_gpu
        if number == line.course.wrong_label:
            kensa.golden.mislabel()
        done, drift, todays = "", "", {}
        for plant in plants:
            judged = plant.judge(day)
            todays[plant.name] = Mistakes()
            todays[plant.name].add(day, judged)
            outcome.mistakes[plant.name].add(day, judged)
            if plant is kensa:
                drift = ", ".join(sorted(kind.value for kind in kensa.drifted))
                done = kensa.spend_night(number, day, judged, has_gpu=has_gpu)
            else:
                plant.spend_night(number, day, judged, has_gpu=has_gpu)
        tell(NightReport(number, line.course.told(number), done, drift, todays))
    outcome.promotion_count = len(kensa.promotions)
    outcome.recalibration_count = len(kensa.recalibrations)
    outcome.worse_nights = _worse(kensa.promotions, days, plan.policy)
    outcome.worse_recalibration_count = len(_worse(kensa.recalibrations, days, plan.policy))
    return outcome


def _worse(changes: list[tuple[int, Student, Student]], days: list[Batch], policy: GatePolicy) -> list[int]:
    return [
        night
        for night, before, after in changes
        if (following := days[night : night + _TRUTH_DAYS]) and is_worse(before, after, following, policy)
    ]


def is_worse(before: Student, after: Student, following: list[Batch], policy: GatePolicy) -> bool:
    """Does the new model let more defective parts of the next days pass than the old one, beyond the gate's margin?"""
    truth = join(following)
    defective = truth.only([n for n, part in enumerate(truth.parts) if part.kind is not None])
    if not defective.parts:
        return False
    passed = [
        sum(one.verdict is Verdict.PASS for one in student.judge(defective.features)) for student in (before, after)
    ]
    return passed[1] - passed[0] > policy.escape_margin * len(defective.parts)


def _set_up(line: Line, plan: SimPlan) -> tuple[Kensa, list[Plant]]:
    past = [line.make_day(day) for day in range(1 - plan.setup_days, 1)]
    # Whoever sets a plant up looks at the pictures once, and knows the defects among them from then on.
    sound = [day.only([n for n, part in enumerate(day.parts) if part.kind is None]) for day in past]
    defects = [day.features[n] for day in past for n, part in enumerate(day.parts) if part.kind is not None]
    champion = learn("set-up", join(sound))
    if champion is None:
        raise ConfigError(f"parts: {plan.part_count} a day are too few to begin with", "give more with --parts")
    golden = Golden()
    reviewed = line.make_golden(plan.golden_good, plan.golden_defective)
    for part, features in zip(reviewed.parts, reviewed.features, strict=True):
        golden.add(part, features, part.kind)
    replay = Replay(count=3 * plan.part_count, seed=plan.seed, kept=list(sound))
    kensa = Kensa(champion, golden, replay, plan.policy, plan.seed, has_engineer=plan.has_engineer, defects=defects)
    return kensa, [NeverRetrains(champion), AlwaysPromotes(champion, list(sound))]
