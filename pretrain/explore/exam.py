"""The exam: how well a frozen encoder finds flaws in images it never trained on. No labeled image is looked at.

Every candidate gets the same bank images, the same held-out images, the same flaws in the same places and the same
light: candidates are compared pair by pair, so that what the images differ in cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inspection.calibration.metrics import image_auroc
from inspection.errors import DatasetError
from inspection.images.illumination import Illumination
from inspection.terminal import track
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.nearest_normal import local_excess
from pretrain.evaluate.normality import learn_normality
from pretrain.evaluate.treatment import treat_all
from pretrain.explore.exam_flaws import draw_exam_flaw

_BANK_SIZE = 2048
_GAINS = (0.85, 1.15)
_RESAMPLES = 2000
_CHANGED_SHARE = 0.1
"""Of a cell's pixels, from which the flaw counts as being there."""


@dataclass(frozen=True)
class Exam:
    """Images treated as in training: `fitted` for the bank, `clean` [H, S, S, 3] and `flawed` [F, S, S, 3] to judge.

    `owners` [F] says which clean image each flawed one is a copy of, `changed` bool [F, S, S] where it was changed.
    """

    fitted: Tensor
    clean: Tensor
    flawed: Tensor
    changed: np.ndarray
    owners: np.ndarray


@dataclass(frozen=True)
class Marks:
    """What an encoder made of an exam: the peak of each clean and each flawed image over its own level, and how well
    the map of each flawed image shows where the flaw is (AUROC over its cells)."""

    clean: tuple[float, ...]
    flawed: tuple[float, ...]
    placed: tuple[float, ...]
    owners: tuple[int, ...]

    @property
    def found(self) -> float:
        """AUROC of flawed against clean images."""
        return float(self.wins.mean())

    @property
    def located(self) -> float:
        """Mean AUROC of flawed cells against the others of the same image."""
        return float(np.mean(self.placed))

    @property
    def grade(self) -> float:
        """What candidates are ranked by: half finding, half locating."""
        return (self.found + self.located) / 2

    @cached_property
    def wins(self) -> np.ndarray:
        """[F, H]: 1 where the flawed image scored above the clean one, 0.5 where alike."""
        above = np.subtract.outer(np.array(self.flawed), np.array(self.clean))
        wins: np.ndarray = (np.sign(above) + 1) / 2
        return wins

    def grades(self, weights: np.ndarray) -> np.ndarray:
        """The grade under weights [R, H] of the held-out images, each with its flawed copies: [R]."""
        of_flawed = weights[:, self.owners]
        found = np.einsum("rf,fh,rh->r", of_flawed, self.wins, weights) / (of_flawed.sum(1) * weights.sum(1))
        located = of_flawed @ np.array(self.placed) / of_flawed.sum(1)
        halves: np.ndarray = (found + located) / 2
        return halves


def compose_exam(fitted: Tensor, held_out: Tensor, illumination: Illumination, draws: int, seed: int) -> Exam:
    """An exam with `draws` flaws for each held-out image; all images untreated, uint8 [N, S, S, 3].

    Raises DatasetError where no flaw can be seen on any of them.
    """
    rng = np.random.default_rng(seed)
    flaws = [
        (owner, draw_exam_flaw(held_out[owner].numpy(), rng)) for owner in range(len(held_out)) for _ in range(draws)
    ]
    seen = [(owner, flaw) for owner, flaw in flaws if flaw is not None]
    if not seen:
        raise DatasetError(
            "the held-out images show no synthetic flaw", "give images that are not plain black or white"
        )
    flawed = torch.from_numpy(np.stack([flaw.pixels for _, flaw in seen]))
    return Exam(
        fitted=treat_all(fitted, illumination),
        clean=treat_all(_relight(held_out, rng), illumination),
        flawed=treat_all(_relight(flawed, rng), illumination),
        changed=np.stack([flaw.changed for _, flaw in seen]),
        owners=np.array([owner for owner, _ in seen]),
    )


def examine(encoder: Encoder, exam: Exam, seed: int) -> Marks:
    """Score the exam with a memory bank of its fitted images."""
    normality = learn_normality(encoder, exam.fitted, _BANK_SIZE, torch.Generator().manual_seed(seed))
    of_clean, of_flawed = (
        normality.map_anomalies(pixels)[0] for pixels in track((exam.clean, exam.flawed), "examining", 2)
    )
    return Marks(
        clean=tuple(local_excess(of_clean).tolist()),
        flawed=tuple(local_excess(of_flawed).tolist()),
        placed=_placed(of_flawed, exam.changed),
        owners=tuple(exam.owners.tolist()),
    )


@dataclass(frozen=True)
class Difference:
    """In grade, with its 95 % interval."""

    value: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.interval[0]:+.3f} to {self.interval[1]:+.3f})"


def difference(one: Marks, other: Marks) -> Difference:
    """`one` less `other` on the same exam; bootstrap over the held-out images, of which both lose the same ones."""
    count = len(one.clean)
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES).astype(float)
    low, high = np.quantile(one.grades(weights) - other.grades(weights), (0.025, 0.975))
    return Difference(one.grade - other.grade, (float(low), float(high)))


def _placed(maps: Tensor, changed: np.ndarray) -> tuple[float, ...]:
    shares = F.adaptive_avg_pool2d(torch.from_numpy(changed)[:, None].float(), (maps.shape[-2], maps.shape[-1]))[
        :, 0
    ].numpy()
    figures: Sequence[float | None] = [
        image_auroc(one.numpy().ravel(), (share >= min(_CHANGED_SHARE, share.max())).ravel())
        for one, share in zip(maps, shares, strict=True)
    ]
    return tuple(0.5 if figure is None else figure for figure in figures)


def _relight(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    gains = torch.from_numpy(rng.uniform(*_GAINS, (len(pixels), 1, 1, 1)))
    return (pixels * gains).clamp(0, 255).to(torch.uint8)
