"""Both scores: the local one is the map's peak, the global one its mean; an offset of all cells moves the latter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from distill.recipe import BankRecipe
from distill.scoring_graph import Scales, ScoringGraph, measure_scales
from distill.stages import flaw_auroc, score_in_torch, with_banks
from inspection.scoring.session import OUTPUTS, Scores
from pretrain.evaluate.nearest_normal import smooth_map, view_level
from tests.distill.small import random_graph, random_student, washer_pixels


class Fixed(nn.Module):
    """Stands for the memory banks: gives the map it was made with, smoothed as theirs is."""

    def __init__(self, distances: Tensor, usual_level: float = 0.0) -> None:
        super().__init__()
        self.distances = distances
        self.usual_level = torch.tensor(usual_level)

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        return smooth_map(self.distances)


def graph_of(distances: Tensor, usual_level: float = 0.0) -> ScoringGraph:
    return ScoringGraph(random_student(), Fixed(distances, usual_level)).eval()  # type: ignore[arg-type]


@torch.no_grad()
def test_the_local_score_is_the_maps_peak() -> None:
    outputs = dict(zip(OUTPUTS, random_graph()(washer_pixels(5)), strict=True))
    assert outputs["anomaly_map"].shape == (5, 8, 8)
    assert torch.equal(outputs["local_score"], outputs["anomaly_map"].flatten(1).max(1).values)
    assert outputs["global_score"].shape == (5,)
    # At the resolution of the middle tap, with the cells of all.
    assert outputs["patch_embeddings"].shape == (5, 4, 4, 16 + 16 + 16)
    assert torch.allclose(outputs["view_embedding"], outputs["patch_embeddings"].mean(dim=(1, 2)), atol=1e-5)


@pytest.mark.parametrize("cells", [16, 15])
@torch.no_grad()
def test_the_global_score_is_the_mean_and_the_map_what_is_beyond_the_lower_quartile(cells: int) -> None:
    distances = torch.rand(3, 1, cells, generator=torch.Generator().manual_seed(0))
    anomaly_map, _, global_score, *_ = graph_of(distances)(washer_pixels(3))
    smooth = smooth_map(distances)
    assert torch.allclose(global_score, smooth.mean(dim=(1, 2)))
    level = torch.from_numpy(np.sort(smooth.flatten(1).numpy())[:, cells // 4])
    assert torch.allclose(anomaly_map + level[:, None, None], smooth)


@torch.no_grad()
def test_a_level_within_the_usual_is_part_of_the_score_and_what_is_above_is_not() -> None:
    distances = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    lifts = torch.tensor([0.0, 0.5, 1.0, 5.0, 9.0])
    level = float(view_level(smooth_map(distances)))
    graph = graph_of(distances + lifts[:, None, None], usual_level=level + 1.0)
    local = graph(washer_pixels(5))[1]
    # As the lifts, until the usual level is reached; and then a stronger lamp changes nothing.
    assert torch.allclose(local - local[0], torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0]), atol=1e-5)
    assert float(local[3]) == pytest.approx(float(graph_of(distances)(washer_pixels(1))[1]), abs=1e-5)


@torch.no_grad()
def test_a_defect_that_covers_half_of_the_view_does_not_hide_itself() -> None:
    distances = torch.full((1, 8, 8), 0.5)
    distances[:, :, :4] = 9.0
    assert graph_of(distances)(washer_pixels(1))[1].item() == pytest.approx(8.5)


@torch.no_grad()
def test_an_offset_of_all_distances_moves_the_global_score_only() -> None:
    distances = torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(0))
    offset = torch.tensor([0.0, 1.0, 5.0, 50.0])
    plain = graph_of(distances)(washer_pixels(4))
    lifted = graph_of(distances + offset[:, None, None])(washer_pixels(4))
    assert torch.allclose(lifted[0], plain[0], atol=1e-4)
    assert torch.allclose(lifted[1], plain[1], atol=1e-4)
    assert torch.allclose(lifted[2], plain[2] + offset, atol=1e-4)


@torch.no_grad()
def test_a_small_defect_moves_the_local_score_far_more_than_the_global() -> None:
    distances = torch.full((1, 8, 8), 0.5)
    marked = distances.clone()
    marked[0, 3, 3] = 9.0
    plain, harmed = graph_of(distances)(washer_pixels(1)), graph_of(marked)(washer_pixels(1))
    assert harmed[2].item() - plain[2].item() == pytest.approx(8.5 / 64, rel=1e-4)
    assert harmed[1].item() == pytest.approx(8.5 / 9, rel=1e-5)
    assert int(harmed[0].argmax()) in {8 * r + c for r in (2, 3, 4) for c in (2, 3, 4)}


class TwoHeads(nn.Module):
    """Stands for a student: gives the logits it was made with."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def answer(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        return (torch.zeros(len(images), 4, *self.logits.shape[1:]),), self.logits


def two_maps(distances: Tensor, logits: Tensor, scales: Scales | None = None) -> ScoringGraph:
    return ScoringGraph(TwoHeads(logits), Fixed(distances), scales).eval()  # type: ignore[arg-type]


@torch.no_grad()
def test_with_scales_the_map_is_the_sum_of_both_in_their_units() -> None:
    generator = torch.Generator().manual_seed(0)
    distances, logits = torch.rand(3, 8, 8, generator=generator), torch.randn(3, 8, 8, generator=generator)
    anomaly_map, local, global_score, *_ = two_maps(distances, logits, Scales(bank=2.0, flaw=0.5))(washer_pixels(3))
    excesses = []
    for values in (distances, logits):
        smooth = smooth_map(values)
        excesses.append(smooth - smooth.flatten(1).sort(1).values[:, 16, None, None])
    assert torch.allclose(anomaly_map, excesses[0] / 2.0 + excesses[1] / 0.5, atol=1e-5)
    assert torch.equal(local, anomaly_map.flatten(1).max(1).values)
    # The global score is the bank's alone.
    assert torch.allclose(global_score, smooth_map(distances).mean(dim=(1, 2)))
    lifted = two_maps(distances + 3, logits - 7, Scales(bank=2.0, flaw=0.5))(washer_pixels(3))
    assert torch.allclose(lifted[0], anomaly_map, atol=1e-4)


def test_scales_are_the_mean_peaks_of_normal_images() -> None:
    generator = torch.Generator().manual_seed(0)
    distances, logits = torch.rand(4, 8, 8, generator=generator), torch.randn(4, 8, 8, generator=generator)
    graph = two_maps(distances, logits)
    images = torch.rand(4, 3, 64, 64)
    expected = []
    for values in (distances, logits):
        smooth = smooth_map(values)
        peaks = [float(part.max() - part.flatten().sort().values[16]) for part in smooth]
        expected.append(sum(peaks) / 4)
    scales = measure_scales(graph, (images, images))
    assert [scales.bank, scales.flaw] == pytest.approx(expected, rel=1e-5)
    flat = measure_scales(two_maps(torch.ones(4, 8, 8), torch.zeros(4, 8, 8)), (images,))
    assert min(flat.bank, flat.flaw) > 0


def test_scores_do_not_depend_on_who_else_is_in_the_batch() -> None:
    graph, pixels = random_graph(), washer_pixels(37)
    together = score_in_torch(graph, pixels)
    assert len(together) == 37
    for place in (0, 15, 16, 36):
        alone = score_in_torch(graph, pixels[place : place + 1])
        assert alone.local_score[0] == pytest.approx(together.local_score[place], rel=1e-4, abs=1e-5)
        assert alone.global_score[0] == pytest.approx(together.global_score[place], rel=1e-4, abs=1e-5)


def test_images_of_the_bank_lie_nearer_to_it_than_others() -> None:
    pixels = washer_pixels(12)
    graph = with_banks(random_student(), pixels, BankRecipe(size=4096), torch.Generator().manual_seed(0))
    known = score_in_torch(graph, pixels)
    flawed = score_in_torch(graph, washer_pixels(12, 100, flaw=True))
    # All cells are in the bank, but for the rounding of embeddings to float16.
    assert float(known.global_score.max()) < 0.05
    assert float(flawed.local_score.min()) > float(known.local_score.max())
    both = Scores(
        *(
            torch.cat([torch.from_numpy(getattr(part, name)) for part in (known, flawed)]).numpy()
            for name in OUTPUTS[:3]
        )
    )
    assert flaw_auroc(both, 12) == 1.0
