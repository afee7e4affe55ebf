"""The golden set of the simulated plant: parts drawn by chance, by which the gate judges. Nothing learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deploy.sim.production import Part
from deploy.sim.student import Judged, Student, conclude
from service.nightly.gate.evidence import Evidence, JudgedPart, Proofs

_PROOFS = Proofs(verdict_flip_count=0, largest_score_difference=0.0, tolerance=1e-4)


@dataclass(frozen=True)
class Decided:
    """A part that a person has decided about: what the person says of it (None is good), and its features."""

    image: str
    label: str | None
    features: np.ndarray


@dataclass
class Golden:
    """Reviewed parts that no training sees, with what people say of them: None is good."""

    images: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)
    scores: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    """Local and global scores [n] by the student's name, of as many parts as there were: a score does not change."""

    def add(self, part: Part, features: np.ndarray, label: str | None) -> None:
        """One more."""
        self.images.append(part.image)
        self.labels.append(label)
        self.features.append(features)

    def mislabel(self) -> None:
        """A good part becomes a dent, and a defective one good."""
        good = self.labels.index(None)
        defective = next(place for place, label in enumerate(self.labels) if label is not None)
        self.labels[good], self.labels[defective] = "dent", None

    def evidence(
        self, champion: Student, anchor: Student, challenger: Student, recent: Sequence[Decided] = ()
    ) -> Evidence:
        """What all of them say of all of these, and champion and challenger of what was flagged lately."""
        answers = self._judge(challenger)
        return Evidence(
            golden=_pair(self.images, self.labels, self._judge(champion), answers),
            anchored=() if anchor is champion else _pair(self.images, self.labels, self._judge(anchor), answers),
            replay=_replay(recent, champion, challenger),
            proofs=_PROOFS,
            champion_latency_ms=1.0,
            challenger_latency_ms=1.0,
        )

    def _judge(self, student: Student) -> list[Judged]:
        known = self.scores.get(student.name, (np.empty(0), np.empty(0)))
        if len(known[0]) < len(self.features):
            added = student.score(np.stack(self.features[len(known[0]) :]))
            known = np.concatenate([known[0], added[0]]), np.concatenate([known[1], added[1]])
            self.scores[student.name] = known
        return [conclude(one, other, student.thresholds) for one, other in zip(*known, strict=True)]


def _replay(recent: Sequence[Decided], champion: Student, challenger: Student) -> tuple[JudgedPart, ...]:
    if not recent:
        return ()
    features = np.stack([one.features for one in recent])
    images, labels = [one.image for one in recent], [one.label for one in recent]
    return _pair(images, labels, champion.judge(features), challenger.judge(features))


def _pair(
    images: Sequence[str], labels: Sequence[str | None], first: Sequence[Judged], second: Sequence[Judged]
) -> tuple[JudgedPart, ...]:
    return tuple(
        JudgedPart(image=image, defect=label, champion=one.verdict, challenger=other.verdict)
        for image, label, one, other in zip(images, labels, first, second, strict=True)
    )
