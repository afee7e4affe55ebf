"""What the nights of each line do, from one TOML file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from inspection.config import Settings, read_toml
from inspection.errors import ConfigError
from service.callers import lies_within
from service.costs import CostInputs
from service.labels import Label
from service.nightly.cron import check_cron
from service.nightly.gate.policy import GatePolicy
from service.nightly.guard.policy import GuardPolicy
from service.registry.operations import PLANT, Scope, Scopes

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Minutes = Annotated[float, Field(gt=0, le=24 * 60)]


class TrainingPlan(Settings):
    """How the trainer is called. It is a program of its own, maybe of another environment."""

    python: tuple[str, ...] = ()
    """The interpreter that has torch, with its options; empty is the one that runs the night."""
    processes: Count = 1
    """More than one: torchrun, one process a GPU."""
    recipe: str = "line"
    student_recipe: str = "base"
    start_weights: Path | None = None
    """What the first night starts from; later ones go on from the champion's teacher."""
    teacher: Path | None = None
    """The run that the first champion came from, where it came from no night."""
    pretrain_share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Of the budget that is left."""
    distill_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Of the budget that is left then; the rest is for calibration, the gate and reading pictures."""


class SnapshotPlan(Settings):
    """Which pictures a night looks at."""

    least_new: Count = 64
    """Fewer new ones than this, and nothing is trained."""
    most_new: Count = 20_000
    replay_share: Share = 0.5
    """Part of the training pictures that come from earlier days, so that nothing is forgotten."""
    calibration_share: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    """Part of the pictures, whole lots or days, that only set the limits."""
    draws_golden: bool = False
    """Each night decided parts that chance has chosen join the golden set: see `service.nightly.golden_draw`."""


class PromotionPlan(Settings):
    """What follows when the gate has let a challenger through."""

    mode: Literal["approval", "automatic"] = "approval"
    shadow_parts: Annotated[int, Field(ge=0)] = 0
    """Live parts that the challenger scores beside the champion before it may take over; 0 asks for none."""
    most_flips: Share = 0.02
    """In automatic mode: share of shadowed parts whose verdict may differ. Beyond it a person decides."""


class LineCosts(CostInputs):
    """What mistakes cost here: a night's limits are chosen by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HealingPlan(Settings):
    """The guard's proof, on top of the night's budget: defects are mixed into copies of the training pictures."""

    minutes: Annotated[float, Field(ge=0, le=24 * 60)] | None = None
    """For all shares together; 0 leaves it out. Without a word a tenth of the night's budget, where that is enough."""
    shares: Annotated[tuple[Annotated[float, Field(gt=0, le=0.5)], ...], Field(min_length=1)] = (0.01, 0.05, 0.10)

    def minutes_of(self, night_minutes: float) -> float:
        """Of a night with that budget; 0 where each copy, of which one stays clean, would get less than a minute."""
        if self.minutes is not None:
            return self.minutes
        tenth = night_minutes / 10
        return tenth if tenth >= 1 + len(self.shares) else 0.0


class LinePlan(Settings):
    """One line: its stations share a champion and a night."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] = "line"
    stations: Annotated[tuple[Label, ...], Field(min_length=1)] = ("*",)
    """Names, or beginnings that end in *."""
    schedule: str | None = None
    """When its nights begin, as cron has it, in the machine's time: `30 22 * * *`."""
    minutes: Minutes = 120.0
    snapshot: SnapshotPlan = SnapshotPlan()
    guard: GuardPolicy = GuardPolicy()
    training: TrainingPlan = TrainingPlan()
    gate: GatePolicy = GatePolicy()
    promotion: PromotionPlan = PromotionPlan()
    costs: LineCosts = LineCosts()
    healing: HealingPlan = HealingPlan()

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        return None if schedule is None else check_cron(schedule)

    @property
    def scope(self) -> Scope:
        """Whose champion its nights work on: a line of all stations is the plant."""
        return PLANT if "*" in self.stations else self.name

    def covers(self, station: str) -> bool:
        """Is it a station of this line?"""
        return any(lies_within(station, name) for name in self.stations)


class KeepingPlan(Settings):
    """How long nights keep their folders. Champions, anchors and what a rollback needs keep theirs anyway."""

    nights_days: Annotated[int, Field(ge=1)] = 31
    prunes: bool = True
    """After every night; without it only `python -m service nights prune` does."""


class NightPlan(Settings):
    """All lines of a plant that share one trainer."""

    lines: Annotated[tuple[LinePlan, ...], Field(min_length=1)] = (LinePlan(),)
    keeping: KeepingPlan = KeepingPlan()

    @model_validator(mode="after")
    def _names_differ(self) -> "NightPlan":
        names = [line.name for line in self.lines]
        if len(set(names)) < len(names):
            raise ValueError("two lines have one name")
        return self

    @property
    def scopes(self) -> Scopes:
        """Lines with a champion of their own."""
        return Scopes({line.name: line.stations for line in self.lines if line.scope is not PLANT})

    def scope_of(self, name: str | None) -> Scope:
        """Whose champion is meant: of that line, or of the plant where none is named. Raises ConfigError."""
        return PLANT if name is None else self.line(name).scope

    def line(self, name: str | None) -> LinePlan:
        """The line of that name; without one, the only line there is. Raises ConfigError."""
        if name is None and len(self.lines) == 1:
            return self.lines[0]
        known = ", ".join(line.name for line in self.lines)
        if name is None:
            raise ConfigError("line: not given, and there are several", f"give --line, one of {known}")
        found = next((line for line in self.lines if line.name == name), None)
        if found is None:
            raise ConfigError(f"line {name}: is not in the plan of nights", f"give one of {known}")
        return found


def read_plan(path: Path | None) -> NightPlan:
    """The plan at `path`; without one, a single line of all stations, without a schedule. Raises ConfigError."""
    return NightPlan() if path is None else read_toml(path, NightPlan)
