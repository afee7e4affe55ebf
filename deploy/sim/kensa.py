"""The plant that lives with Kensa: people decide about flagged parts, and its nights go by Kensa's guard and gate.

Guard, gate, thresholds, policy and drift are the product's own code. What is simulated is the encoder, the people, and
the steps between, which `service.nightly` runs on real bundles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from deploy.sim.golden import Decided, Golden
from deploy.sim.plants import Replay, divide, learn
from deploy.sim.production import STATION, Batch
from deploy.sim.student import TARGET, Judged, Student, conclude
from inspection.calibration.both_limits import set_both_limits
from inspection.profile import StationProfile
from inspection.verdict import Verdict
from service.costs import CostInputs
from service.drift.blocks import ScoredPart, StationState
from service.drift.tables import DriftKind
from service.in_force import WIDENED
from service.nightly.gate.decision import GateReport, decide
from service.nightly.gate.policy import GatePolicy
from service.nightly.guard.candidate import Candidate, Said
from service.nightly.guard.policy import GuardPolicy
from service.nightly.guard.selection import select
from service.nightly.limits import Budgets, Scored, choose_target

GUARD = GuardPolicy(false_alarms_come_in=True)
_DRIFT_RATE = 0.1
_DAYS_TO_ACT = 2
"""Days of trouble until the engineer has accepted the new look as normal, and recalibrated."""
_DRAWN_SHARE = 1 / 12
"""Parts that are drawn at their arrival for a person to look at, whatever the verdict: these become golden."""
_REPLAYED = 200
"""Flagged parts, the newest, that the gate asks about again."""


@dataclass
class Kensa:
    """`promotions` are (night, champion before, challenger that took its place)."""

    champion: Student
    golden: Golden
    replay: Replay
    policy: GatePolicy = field(default_factory=GatePolicy)
    seed: int = 0
    name: str = "kensa"
    promotions: list[tuple[int, Student, Student]] = field(default_factory=list)
    drift: StationState = field(default_factory=StationState)
    drifted: set[DriftKind] = field(default_factory=set)
    has_engineer: bool = True
    trouble_days: int = 0
    """Days in a row on which the view had drifted, or people had to clear too many false alarms."""
    recalibrations: list[tuple[int, Student, Student]] = field(default_factory=list)
    """By the engineer, as the runbook asks after such days; no gate is asked."""
    defects: list[np.ndarray] = field(default_factory=list)
    """Features of confirmed defects that are not golden: by them the limits are chosen."""
    flagged: list[Decided] = field(default_factory=list)
    """What people have said of flagged parts, the newest last."""
    cleared: set[str] = field(default_factory=set)
    """Good by a person's word."""
    anchor: Student | None = None
    """None is the first champion, as long as it judges."""
    strays: Batch | None = None
    """What last night has left out of its limits, and nobody has looked at yet."""
    looked_count: int = 0
    confirmed_count: int = 0
    """Of the day's parts, by people."""
    part_count: int = 0

    def judge(self, day: Batch) -> list[Judged]:
        """Part by part: from the block on in which drift of the view is noticed, the hold band is wider."""
        wide = StationProfile(hold_band_scale=WIDENED).thresholds_in_force(self.champion.thresholds)
        judged: list[Judged] = []
        for part, local_score, global_score in zip(day.parts, *self.champion.score(day.features), strict=True):
            has_moved = DriftKind.GLOBAL in self.drifted
            limits = wide if has_moved else self.champion.thresholds
            judged.append(conclude(local_score, global_score, limits, global_fails=not has_moved))
            is_beyond = float(global_score) > limits.global_score.fail_limit
            scored = ScoredPart(part.serial, part.at, part.lot, float(local_score), float(global_score), is_beyond)
            for _, reached in self.drift.take([scored], rate=_DRIFT_RATE):
                self.drifted.update(reached)
        return judged

    def spend_night(self, number: int, day: Batch, judged: Sequence[Judged], *, has_gpu: bool) -> str:
        """Review, guard, train, gate; promote or keep."""
        self._look_again()
        said = self._review(day, judged)
        selection = select(self._candidates(day, judged, said), GUARD)
        places = {part.image: place for place, part in enumerate(day.parts)}
        self.replay.add(day.only([places[one.image] for one in selection.kept]))
        told = f"learned from {len(selection.kept)} of {len(day.parts)}"
        if not has_gpu:
            return f"kept: no GPU ({told})"
        challenger = self._train(f"night-{number}")
        if challenger is None:
            return f"kept: too few pictures ({told})"
        is_trouble = DriftKind.GLOBAL in self.drifted or _false_alarm_rate(day, judged) > self.policy.flagged_capacity
        self.trouble_days = self.trouble_days + 1 if is_trouble else 0
        if self.has_engineer and self.trouble_days >= _DAYS_TO_ACT:
            self.recalibrations.append((number, self.champion, challenger))
            self._install(challenger)
            # Whoever says that the new look is normal says so of the anchor too.
            self.anchor = challenger
            return f"recalibrated by the engineer ({told})"
        evidence = self.golden.evidence(self.champion, self.anchor or self.champion, challenger, self.flagged)
        report = decide(evidence, self.policy)
        if not report.passed:
            return f"kept: {_why(report)} ({told})"
        self.anchor = self.anchor or self.champion
        self.promotions.append((number, self.champion, challenger))
        self._install(challenger)
        return f"promoted ({told})"

    def _train(self, name: str) -> Student | None:
        """Fit, and set the limits on other lots as a night does; people see the strays in the morning."""
        batch = self.replay.draw()
        student = learn(name, batch)
        if student is None:
            return None
        others = divide(batch)[1]
        cleared = np.array([part.image in self.cleared for part in others.parts], dtype=bool)
        good = Scored(*student.score(others.features))
        known = Scored(*student.score(np.stack(self.defects))) if self.defects else Scored(np.empty(0), np.empty(0))
        target = choose_target(
            good,
            cleared,
            known,
            base=TARGET,
            budgets=Budgets(flagged=self.policy.flagged_capacity, failed=self.policy.overkill_budget),
            defect_rate=(self.confirmed_count + 0.5) / (self.part_count + 1),
            costs=CostInputs(),
        )
        limits = set_both_limits(good.local_scores, good.global_scores, target, is_cleared=cleared)
        self.strays = others.only(np.flatnonzero(limits.is_stray).tolist())
        return replace(student, thresholds=limits.thresholds)

    def _look_again(self) -> None:
        """In the morning people decide about the parts that were left out of the limits: none is shown twice."""
        if self.strays is None:
            return
        self.looked_count += len(self.strays.parts)
        for part, features in zip(self.strays.parts, self.strays.features, strict=True):
            if part.kind is None:
                self.cleared.add(part.image)
            else:
                self.defects.append(features)
        self.replay.drop({part.image for part in self.strays.parts if part.kind is not None})
        self.strays = None

    def _install(self, challenger: Student) -> None:
        self.champion, self.drift, self.drifted, self.trouble_days = challenger, StationState(), set(), 0

    def _review(self, day: Batch, judged: Sequence[Judged]) -> dict[int, Said]:
        """People see what was flagged, and what was drawn by chance; of both only the latter becomes golden.

        Parts that were chosen because a model flagged them would tell nothing of how many good parts one flags.
        """
        count = len(day.parts)
        rng = np.random.default_rng([self.seed, day.parts[0].day + 1000])
        drawn = {int(place) for place in rng.permutation(count)[: max(round(_DRAWN_SHARE * count), 1)]}
        seen = sorted({place for place, one in enumerate(judged) if one.verdict is not Verdict.PASS} | drawn)
        for place in seen:
            part, features = day.parts[place], day.features[place]
            if place in drawn:
                self.golden.add(part, features, part.kind)
                continue
            self.flagged = [*self.flagged, Decided(part.image, part.kind, features)][-_REPLAYED:]
            if part.kind is None:
                self.cleared.add(part.image)
            else:
                self.defects.append(features)
        self.part_count, self.confirmed_count = count, sum(day.parts[place].kind is not None for place in seen)
        return {n: Said.FALSE_ALARM if day.parts[n].kind is None else Said.CONFIRMED_DEFECT for n in seen}

    def _candidates(self, day: Batch, judged: Sequence[Judged], said: dict[int, Said]) -> list[Candidate]:
        golden = set(self.golden.images)
        return [
            Candidate(
                image=part.image,
                inspection_id=part.serial,
                part=str(part.serial),
                lot=part.lot,
                station=STATION,
                image_number=1,
                verdict=one.verdict,
                part_score=one.part_score,
                said=said.get(place, Said.NOTHING),
                look=part.look,
                is_golden=part.image in golden,
            )
            for place, (part, one) in enumerate(zip(day.parts, judged, strict=True))
        ]


def _false_alarm_rate(day: Batch, judged: Sequence[Judged]) -> float:
    """Good parts that were held or failed, over good parts: people have cleared each of them."""
    good = [one for part, one in zip(day.parts, judged, strict=True) if part.kind is None]
    return sum(one.verdict is not Verdict.PASS for one in good) / max(len(good), 1)


def _why(report: GateReport) -> str:
    """Which questions kept the champion."""
    failed = [check.question.value for check in report.failures]
    return (
        ", ".join(failed) if failed else "undecided " + ", ".join(one.question.value for one in report.open_questions)
    )
