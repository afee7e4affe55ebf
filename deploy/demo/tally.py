"""The count of one demonstration: verdicts against the truth, as far as it is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from deploy.demo.shots import Shot
from inspection.calibration.metrics import auroc_by_defect, image_auroc
from inspection.images.folders import GOOD
from inspection.verdict import Verdict


@dataclass(frozen=True)
class Answer:
    """What the service said of one part. `part_score` is None where the image could not be scored."""

    inspection_id: str
    verdict: Verdict
    part_score: float | None
    seconds: float


@dataclass
class Tally:
    """Every part that got a verdict, in the order of posting."""

    entries: list[tuple[Shot, Answer]] = field(default_factory=list)
    refused: list[tuple[Shot, str]] = field(default_factory=list)
    """Parts for which the service gave no verdict, with what it said."""

    def count(self, verdict: Verdict) -> int:
        """Parts with this verdict."""
        return sum(answer.verdict is verdict for _, answer in self.entries)

    def escapes(self, truth: str | None = None) -> tuple[int, int]:
        """(defective parts passed, defective parts), of one kind of defect or of all."""
        verdicts = [a.verdict for s, a in self.entries if s.is_defective and truth in (None, s.truth)]
        return verdicts.count(Verdict.PASS), len(verdicts)

    def overkill(self) -> tuple[int, int]:
        """(good parts failed, good parts)."""
        verdicts = [a.verdict for s, a in self.entries if s.truth == GOOD]
        return verdicts.count(Verdict.FAIL), len(verdicts)

    def milliseconds(self) -> tuple[float, float] | None:
        """(median, 95th percentile) from post to stored verdict; None before the first."""
        if not self.entries:
            return None
        middle, slow = np.percentile([1000 * answer.seconds for _, answer in self.entries], (50, 95))
        return float(middle), float(slow)

    def scored(self) -> tuple[np.ndarray, list[str]]:
        """Part scores and truths of the parts that have both."""
        known = [(a.part_score, s.truth) for s, a in self.entries if a.part_score is not None and s.truth]
        return np.array([score for score, _ in known], float), [truth for _, truth in known]

    def image_auroc(self) -> float | None:
        """Of the part score against the truth; None where one of the two classes is missing."""
        scores, truths = self.scored()
        return image_auroc(scores, np.array([truth != GOOD for truth in truths], bool))

    def by_truth(self) -> list[tuple[str, Counter[Verdict], float | None]]:
        """(truth, verdicts, AUROC against the good parts) for good parts first, then each kind of defect."""
        scores, truths = self.scored()
        aurocs = auroc_by_defect(scores, truths, GOOD)
        verdicts: dict[str, Counter[Verdict]] = {}
        for shot, answer in self.entries:
            if shot.truth is not None:
                verdicts.setdefault(shot.truth, Counter())[answer.verdict] += 1
        kinds = sorted(verdicts, key=lambda kind: (kind != GOOD, kind))
        return [(kind, verdicts[kind], aurocs.get(kind)) for kind in kinds]
