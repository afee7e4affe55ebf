"""The taps count by what finds synthetic flaws, and as the rule has it where that is not sure."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.tap_weights import weigh_taps
from pretrain.evaluate.memory_bank import fit_banks
from pretrain.evaluate.tap_banks import TapBanks, tap_weights
from pretrain.flaws import Flawed

RULE = tap_weights(2, 0.5)
GREYS = 1.5


class Eyes(nn.Module):
    """Two taps that see the mean colour of 8 x 8 and of 16 x 16 pixels, one of them through a noise of its own."""

    def __init__(self, blind: int | None) -> None:
        super().__init__()
        self._blind = blind

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        taps = [F.avg_pool2d(images, side) for side in (8, 16)]
        if self._blind is not None:
            # Of the picture, but of nothing that a person would see in it.
            taps[self._blind] = torch.frac(taps[self._blind] * torch.tensor([1e4, 3e4, 7e4]).view(3, 1, 1))
        return tuple(taps)


def plain_pixels(count: int) -> Tensor:
    """Grey surfaces of a little grain, uint8 [N, 64, 64, 3]."""
    generator = torch.Generator().manual_seed(0)
    return (120 + 4 * torch.randn(count, 64, 64, 1, generator=generator)).repeat(1, 1, 1, 3).to(torch.uint8)


def shade(images: Tensor, generator: torch.Generator, greys: float) -> Flawed:
    """A square of 32 x 32 pixels that is a little lighter."""
    lighter = images.clone()
    lighter[:, :, 16:48, 16:48] += greys / 255
    return Flawed(lighter, lighter[:, 0] != images[:, 0])


@pytest.fixture(autouse=True)
def faint_flaws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Just so faint that a look without noise tells them."""
    monkeypatch.setattr("distill.tap_weights.add_flaws", partial(shade, greys=GREYS))


def weights_found(blind: int | None, count: int = 48) -> Tensor:
    eyes, pixels = Eyes(blind), plain_pixels(2 * count)
    with torch.no_grad():
        taps = eyes(pixels[:count].permute(0, 3, 1, 2).float() / 255)
    banks: TapBanks = fit_banks(taps, 256, 1, torch.Generator().manual_seed(0)).banks
    weigh_taps(eyes, banks, pixels[count:], torch.Generator().manual_seed(1))
    return banks.weights


@pytest.mark.parametrize(("blind", "finest_share"), [(0, 1 / 3), (1, 3 / 4)])
def test_a_tap_that_finds_nothing_counts_for_less(blind: int, finest_share: float) -> None:
    assert torch.allclose(weights_found(blind), tap_weights(2, finest_share))


def test_of_few_images_the_rule_stays() -> None:
    assert torch.equal(weights_found(0, count=16), RULE)


def test_a_way_that_is_no_better_does_not_replace_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    # No weight finds flaws that change nothing.
    monkeypatch.setattr("distill.tap_weights.add_flaws", partial(shade, greys=0.0))
    assert torch.equal(weights_found(0), RULE)


def test_the_choice_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    weights_found(1)
    told = capsys.readouterr().err
    assert "finest tap: 75% of the weight" in told
    assert told.count("0.33") == told.count("0.50") == 1
