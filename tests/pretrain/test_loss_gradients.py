"""Every term's gradient against differences of its formula in loops: what moves is what the formula says, and how much.

The losses are written twice, once for tensors and once in plain Python with double precision (tests of each loss). Here
the slow one is nudged along a random direction in all that may move, with all that is stopped held where it was.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pretrain.losses.dense_contrast import dense_contrast
from pretrain.losses.flaw_contrast import flaw_contrast
from pretrain.losses.global_contrast import global_contrast, small_contrast
from pretrain.losses.local_contrast import local_contrast
from pretrain.losses.preservation import preservation
from tests.pretrain.test_dense_contrast import WHOLE, dense_by_loops, placement
from tests.pretrain.test_flaw_contrast import flaw_by_loops
from tests.pretrain.test_global_contrast import cosine, nt_xent_by_loops, small_by_loops
from tests.pretrain.test_local_contrast import local_by_loops

Loss = Callable[..., Tensor]
Slow = Callable[..., float]
CROPS = (placement((0.6, 0.5, 0.1, -0.2), WHOLE), placement((-0.5, 0.8, 0.3, 0.1), (0.6, 0.6, -0.35, 0.35)))
CHANGED = torch.zeros(2, 4, 4, dtype=torch.bool)
CHANGED[0, 0, 1] = CHANGED[1, 2, 3] = True


def global_by_loops(j1: Tensor, j3: Tensor, p1: Tensor, p3: Tensor) -> float:
    return (nt_xent_by_loops(j3, p1, 0.2) + nt_xent_by_loops(j1, p3, 0.2)) / 2


def preservation_by_loops(now: Tensor, then: Tensor) -> float:
    cells = [part.permute(0, 2, 3, 1).flatten(0, 2).tolist() for part in (now, then)]
    return sum(1 - cosine(a, b) for a, b in zip(*cells, strict=True)) / len(cells[0])


# Shapes of the inputs, which of them may move, the loss, and the same in loops.
TERMS: dict[str, tuple[list[tuple[int, ...]], set[int], Loss, Slow]] = {
    "global": (
        [(4, 5)] * 4,
        {2, 3},
        lambda *inputs: global_contrast(*inputs, temperature=0.2),
        global_by_loops,
    ),
    "small": (
        [(4, 5), (4, 5), (2, 4, 5)],
        {2},
        lambda *inputs: small_contrast(*inputs, temperature=0.2),
        lambda *inputs: small_by_loops(*inputs, temperature=0.2),
    ),
    "local": (
        [(4, 5), (4, 5), (3, 4, 5), (3, 4, 5)],
        {0, 1},
        lambda *inputs: local_contrast(*inputs, temperature=0.2),
        lambda *inputs: local_by_loops(*inputs, temperature=0.2),
    ),
    "dense": (
        [(2, 5, 3, 4), (2, 5, 3, 4)],
        {0},
        lambda *inputs: dense_contrast(*inputs, CROPS, 0.2, torch.Generator().manual_seed(0)),
        lambda *inputs: dense_by_loops(*inputs, CROPS, 0.2),
    ),
    "flaw": (
        [(2, 5, 4, 4), (2, 5, 4, 4)],
        {1},
        lambda *inputs: flaw_contrast(*inputs, CHANGED, 0.2, torch.Generator().manual_seed(0)),
        lambda *inputs: flaw_by_loops(*inputs, CHANGED, 0.2),
    ),
    "preserve": ([(2, 5, 3, 4), (2, 5, 3, 4)], {0}, preservation, preservation_by_loops),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("term", TERMS)
def test_a_terms_gradient_is_that_of_its_formula(term: str, seed: int) -> None:
    shapes, moving, loss, slow = TERMS[term]
    generator = torch.Generator().manual_seed(seed)
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    along = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    leaves = [part.float().requires_grad_() for part in inputs]
    loss(*leaves).backward()
    assert {number for number, leaf in enumerate(leaves) if leaf.grad is not None} == moving
    slope = sum(float((leaves[number].grad * along[number]).sum()) for number in moving)  # type: ignore[operator]
    step = 1e-5

    def nudged(by: float) -> float:
        return slow(*[part + by * along[n] if n in moving else part for n, part in enumerate(inputs)])

    expected = (nudged(step) - nudged(-step)) / (2 * step)
    assert abs(expected) > 1e-3
    assert slope == pytest.approx(expected, rel=2e-3, abs=1e-4)
