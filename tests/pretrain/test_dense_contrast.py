"""Cells are matched by the place they show: tried on pictures whose colours are coordinates, and against loops."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.losses.dense_contrast import carry, cell_centres, dense_contrast
from pretrain.recipe import ViewsRecipe
from pretrain.views.sampler import draw_views, render
from tests.pretrain.test_global_contrast import cosine

SIDE_PX = 64
WHOLE = (1.0, 1.0, 0.0, 0.0)


def placement(*crops: tuple[float, float, float, float]) -> Tensor:
    """Placements [B, 2, 3] of crops (half width, half height, centre x, centre y); a negative width is a flip."""
    return torch.tensor([[[width, 0.0, x], [0.0, height, y]] for width, height, x, y in crops])


def coordinate_picture(count: int) -> Tensor:
    """Red is x and green is y, both 0 to 1 from edge to edge: [B, 3, 64, 64]."""
    axis = (torch.arange(SIDE_PX) + 0.5) / SIDE_PX
    x, y = axis.expand(SIDE_PX, SIDE_PX), axis[:, None].expand(SIDE_PX, SIDE_PX)
    return torch.stack([x, y, torch.zeros_like(x)]).expand(count, 3, SIDE_PX, SIDE_PX).contiguous()


def read_at(views: Tensor, points: Tensor) -> Tensor:
    """Colours [B, N, 3] of views at points in -1..1."""
    read = F.grid_sample(views, points[:, None], align_corners=False, padding_mode="border")
    return read[:, :, 0].transpose(1, 2)


def test_cell_centres_are_in_reading_order() -> None:
    centres = cell_centres(2, 4, torch.device("cpu"))
    xs, ys = (-0.75, -0.25, 0.25, 0.75), (-0.5, 0.5)
    assert centres.tolist() == [[x, y] for y in ys for x in xs]


def test_a_cell_and_its_match_show_the_same_place() -> None:
    recipe = ViewsRecipe(view_px=SIDE_PX, min_area=0.3, jitter_rate=0, grey_rate=0, blur_rate=0)
    generator = torch.Generator().manual_seed(7)
    pictures = coordinate_picture(64)
    first, second = (draw_views(pictures, recipe, generator) for _ in range(2))
    flips = [bool((view.placement[:, 0, 0] < 0).any()) for view in (first, second)]
    assert flips == [True, True]
    centres = cell_centres(8, 8, torch.device("cpu")).expand(64, -1, -1)
    matches = carry(centres, first.placement, second.placement)
    # The outermost pixel is mirrored, not extrapolated: colours are linear inside of it only.
    inside = (matches.abs() < 1 - 2 / SIDE_PX).all(-1)
    assert 500 < int(inside.sum()) < inside.numel()
    here, there = read_at(first.pixels, centres)[inside], read_at(second.pixels, matches)[inside]
    assert (here - there).abs().max() < 1e-2
    # Not so by chance: the same cells of the other view without carrying show other places.
    assert (here - read_at(second.pixels, centres)[inside]).abs().mean() > 0.05


def test_a_view_shows_the_part_of_the_image_that_its_placement_names() -> None:
    crop = placement((-0.5, 0.25, 0.2, -0.4))
    view = render(coordinate_picture(1), crop, SIDE_PX)
    centre = view[0, :2, SIDE_PX // 2 - 1 : SIDE_PX // 2 + 1, SIDE_PX // 2 - 1 : SIDE_PX // 2 + 1].mean(dim=(1, 2))
    assert centre.tolist() == pytest.approx([(1 + 0.2) / 2, (1 - 0.4) / 2], abs=1e-3)
    # Flipped: x falls from left to right.
    assert (view[0, 0, 0, 0] - view[0, 0, 0, -1]).item() == pytest.approx(0.5 * (SIDE_PX - 1) / SIDE_PX, abs=1e-3)
    assert (view[0, 1, -1, 0] - view[0, 1, 0, 0]).item() == pytest.approx(0.25 * (SIDE_PX - 1) / SIDE_PX, abs=1e-3)


def read_by_hand(cells: list[list[list[float]]], x: float, y: float) -> list[float]:
    """Bilinear between the centres of a map's cells [D][h][w], zero outside."""
    height, width = len(cells[0]), len(cells[0][0])
    column, row = (x + 1) * width / 2 - 0.5, (y + 1) * height / 2 - 0.5
    answer = [0.0] * len(cells)
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            if 0 <= r < height and 0 <= c < width:
                weight = (1 - abs(row - r)) * (1 - abs(column - c))
                answer = [a + weight * part[r][c] for a, part in zip(answer, cells, strict=True)]
    return answer


def dense_by_loops(first: Tensor, second: Tensor, crops: tuple[Tensor, Tensor], temperature: float) -> float:
    queries: list[list[float]] = []
    keys: list[list[float]] = []
    count, _, height, width = first.shape
    for image in range(count):
        (w1, _, x1), (_, h1, y1) = crops[0][image].tolist()
        (w2, _, x2), (_, h2, y2) = crops[1][image].tolist()
        for row in range(height):
            for column in range(width):
                x = (w1 * ((column + 0.5) * 2 / width - 1) + x1 - x2) / w2
                y = (h1 * ((row + 0.5) * 2 / height - 1) + y1 - y2) / h2
                if abs(x) <= 1 and abs(y) <= 1:
                    queries.append(first[image, :, row, column].tolist())
                    keys.append(read_by_hand(second[image].tolist(), x, y))
    total = 0.0
    for number, query in enumerate(queries):
        weights = [math.exp(cosine(query, key) / temperature) for key in keys]
        total -= math.log(weights[number] / sum(weights))
    return total / len(queries)


def random_maps(seed: int = 0, width: int = 6) -> tuple[Tensor, Tensor]:
    # Fewer cells than are drawn from a view: all take part, so loops can follow.
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(3, width, 4, 5, generator=generator) for _ in range(2))
    return first, second


def test_dense_contrast_is_info_nce_over_matched_cells() -> None:
    first, second = random_maps()
    crops = (
        placement((0.6, 0.5, 0.1, -0.2), (-0.7, 0.9, 0.2, 0.0), WHOLE),
        placement((-0.5, 0.8, 0.3, 0.1), (0.8, 0.6, -0.1, 0.3), (0.6, 0.6, -0.35, 0.35)),
    )
    expected = dense_by_loops(first, second, crops, 0.2)
    got = dense_contrast(first, second, crops, 0.2, torch.Generator().manual_seed(0))
    assert got.item() == pytest.approx(expected, rel=1e-4)


def test_order_within_the_batch_does_not_count() -> None:
    first, second = random_maps()
    crops = (
        placement((0.6, 0.5, 0.1, -0.2), (-0.7, 0.9, 0.2, 0.0), WHOLE),
        placement((-0.5, 0.8, 0.3, 0.1), (0.8, 0.6, -0.1, 0.3), (0.6, 0.6, -0.35, 0.35)),
    )
    turned = torch.tensor([2, 0, 1])
    got = [
        dense_contrast(first[o], second[o], (crops[0][o], crops[1][o]), 0.2, torch.Generator().manual_seed(0)).item()
        for o in (slice(None), turned)
    ]
    assert got[0] == pytest.approx(got[1], rel=1e-5)


def test_identical_views_match_cell_by_cell() -> None:
    cells = torch.eye(20).reshape(20, 4, 5)[None]
    crop = placement((-0.5, 0.4, 0.3, 0.2))
    got = dense_contrast(cells, cells, (crop, crop), 0.05, torch.Generator().manual_seed(0))
    assert got.item() == pytest.approx(math.log(1 + 19 * math.exp(-20)), abs=1e-6)


def test_no_cell_is_its_own_negative() -> None:
    # 64 cells of which some are drawn: one drawn twice would cost log 2, however good the embeddings.
    cells = torch.eye(64).reshape(64, 8, 8)[None]
    for seed in range(5):
        got = dense_contrast(cells, cells, (placement(WHOLE),) * 2, 0.05, torch.Generator().manual_seed(seed))
        assert got.item() < 1e-6


def test_views_without_a_common_place_cost_nothing() -> None:
    first, second = (part.requires_grad_() for part in random_maps())
    left, right = placement(*[(0.3, 0.3, -0.6, 0.0)] * 3), placement(*[(0.3, 0.3, 0.6, 0.0)] * 3)
    loss = dense_contrast(first, second, (left, right), 0.2, torch.Generator().manual_seed(0))
    loss.backward()
    assert loss.item() == 0
    assert first.grad is not None
    assert first.grad.abs().sum() == 0


def test_gradient_flows_through_the_first_view_alone() -> None:
    first, second = (part.requires_grad_() for part in random_maps())
    crops = (placement(WHOLE, WHOLE, WHOLE),) * 2
    dense_contrast(first, second, crops, 0.2, torch.Generator().manual_seed(0)).backward()
    assert second.grad is None
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
