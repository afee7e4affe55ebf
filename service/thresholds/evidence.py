"""What is known of a station's parts under one bundle: their scores, and for some of them the truth."""

from dataclasses import dataclass, replace

import numpy as np

from inspection.calibration.policy import Thresholds


@dataclass(frozen=True, slots=True)
class Scores:
    """`local` and `global_` are float [n]; `is_judging` is bool [n], the half each part lies in; `ids` int [n]."""

    ids: np.ndarray
    local: np.ndarray
    global_: np.ndarray
    is_judging: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def chosen(self, wanted: np.ndarray) -> "Scores":
        """Those where bool [n] `wanted` is set."""
        return Scores(self.ids[wanted], self.local[wanted], self.global_[wanted], self.is_judging[wanted])

    def passes(self, limits: Thresholds) -> np.ndarray:
        """bool [n]: what the policy of `inspection.calibration.policy.judge` passes."""
        return (self.local <= limits.local_score.pass_limit) & (self.global_ <= limits.global_score.pass_limit)

    def fails(self, limits: Thresholds) -> np.ndarray:
        """bool [n]: what it fails; what is neither is held."""
        return (self.local > limits.local_score.fail_limit) | (self.global_ > limits.global_score.fail_limit)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one station and bundle.

    `stream` are the newest parts, whatever is known of them; `stream_truth` is int8 [n]: 0 unknown, 1 good, 2
    defective. `decided` are parts that a person called defective or good: flagged ones, and ones that passed and were
    drawn by chance. `was_flagged` and `is_defective` are bool [m]. `flagged_share` is the flagged share of all parts.
    """

    stream: Scores
    stream_truth: np.ndarray
    decided: Scores
    was_flagged: np.ndarray
    is_defective: np.ndarray
    flagged_share: float

    def half(self, *, is_judging: bool) -> "Evidence":
        """One half of it."""
        of_stream = self.stream.is_judging == is_judging
        of_decided = self.decided.is_judging == is_judging
        return replace(
            self,
            stream=self.stream.chosen(of_stream),
            stream_truth=self.stream_truth[of_stream],
            decided=self.decided.chosen(of_decided),
            was_flagged=self.was_flagged[of_decided],
            is_defective=self.is_defective[of_decided],
        )

    @property
    def weights(self) -> np.ndarray:
        """float [m]: the share of all parts that each decided part stands for.

        Flagged ones together stand for the flagged share, drawn ones for the rest. Where nobody looked at parts that
        passed, the flagged ones stand for themselves only: what passed is then unknown.
        """
        weights = np.zeros(len(self.decided))
        for is_flagged, share in ((True, self.flagged_share), (False, 1 - self.flagged_share)):
            mine = self.was_flagged == is_flagged
            if mine.any():
                weights[mine] = share / mine.sum()
        return weights

    @property
    def drawn_count(self) -> int:
        """Parts that passed, were drawn by chance and decided."""
        return int((~self.was_flagged).sum())

    @property
    def defect_count(self) -> int:
        return int(self.is_defective.sum())
