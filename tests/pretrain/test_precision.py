"""Only the networks run in half precision: losses, places and pictures are the same with autocast on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pretrain.flaws import add_flaws
from pretrain.losses.dense_contrast import dense_contrast
from pretrain.losses.flaw_contrast import flaw_contrast
from pretrain.losses.global_contrast import global_contrast, nt_xent
from pretrain.losses.local_contrast import info_nce, local_contrast
from pretrain.losses.preservation import preservation
from pretrain.networks.neighbour_queue import NeighbourQueue
from pretrain.recipe import ViewsRecipe
from pretrain.views.sampler import draw_views
from tests.pretrain.tiny import some_images, tiny_networks, tiny_recipe


def rows(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def fresh() -> torch.Generator:
    return torch.Generator().manual_seed(0)


CROPS = (torch.tensor([[[0.7, 0, 0.1], [0, 0.6, 0.2]]] * 2), torch.tensor([[[-0.6, 0, 0.2], [0, 0.9, 0.1]]] * 2))
MAPS = rows(1, 2, 8, 6, 6), rows(2, 2, 8, 6, 6)
CHANGED = torch.zeros(2, 6, 6, dtype=torch.bool).index_fill(1, torch.tensor([2]), True)
CASES: dict[str, Callable[[], Tensor]] = {
    "nt_xent": lambda: nt_xent(rows(1, 6, 8), rows(2, 6, 8), 0.1),
    "global": lambda: global_contrast(rows(1, 6, 8), rows(2, 6, 8), rows(3, 6, 8), rows(4, 6, 8), 0.1),
    "info_nce": lambda: info_nce(rows(1, 6, 8), rows(2, 6, 8), 0.1),
    "local": lambda: local_contrast(rows(1, 6, 8), rows(2, 6, 8), rows(3, 4, 6, 8), rows(4, 4, 6, 8), 0.1),
    "dense": lambda: dense_contrast(*MAPS, CROPS, 0.1, fresh()),
    "flaw": lambda: flaw_contrast(*MAPS, CHANGED, 0.1, fresh()),
    "preservation": lambda: preservation(*MAPS),
    "nearest": lambda: NeighbourQueue(64, 8, fresh()).nearest(rows(1, 6, 8)),
    "views": lambda: draw_views(some_images(), ViewsRecipe(view_px=64), fresh()).pixels,
    "flaws": lambda: add_flaws(some_images(), fresh()).pixels,
}


@pytest.mark.parametrize("name", CASES)
def test_losses_and_views_do_not_know_autocast(name: str) -> None:
    plain = CASES[name]()
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = CASES[name]()
    assert under_autocast.dtype == torch.float32
    assert torch.equal(plain, under_autocast)


def test_losses_take_embeddings_of_half_precision() -> None:
    half = MAPS[0].bfloat16(), MAPS[1].bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        losses = [dense_contrast(*half, CROPS, 0.1, fresh()), flaw_contrast(*half, CHANGED, 0.1, fresh())]
    assert all(loss.dtype == torch.float32 for loss in losses)
    assert [loss.item() for loss in losses] == pytest.approx(
        [CASES["dense"]().item(), CASES["flaw"]().item()], rel=0.05
    )


def test_the_networks_do_run_in_half_precision() -> None:
    networks = tiny_networks(tiny_recipe())
    with torch.autocast("cpu", torch.bfloat16):
        assert networks.momentum_projector[0](networks.momentum_encoder.pooled(some_images())).dtype == torch.bfloat16
