"""Strips at the service: images of several sizes in one batch, each with its own tiles, verdict and heat map."""

from __future__ import annotations

import asyncio

import cv2
import numpy as np
import pytest

from inspection.bundle.reader import open_bundle
from inspection.images.decode import decode_image, encode_png
from inspection.images.preprocess import Preprocessing
from inspection.images.tiles import Tiling
from inspection.inspector import Inspector
from inspection.verdict import Verdict
from service.scoring.job import Judged
from service.scoring.pool import PoolLimits, ScoringPool
from tests.bundles import INPUT_PX, make_bundle


@pytest.fixture(scope="module")
def cutting(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    """A bundle that cuts in tiles."""
    directory = tmp_path_factory.mktemp("cutting") / "bundle"
    make_bundle(directory, preprocessing=Preprocessing(input_px=INPUT_PX, tiles=Tiling(tile_px=128)))
    return open_bundle(directory, threads=1)


def strip_png(width_px: int, spot: tuple[int, int] | None = None) -> bytes:
    picture = 128 + 4 * np.random.default_rng(width_px).normal(0, 1, (192, width_px))
    if spot is not None:
        shade = np.zeros(picture.shape, np.float32)
        cv2.circle(shade, spot, 14, 1.0, -1)
        picture -= 100 * shade
    return encode_png(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None])


async def judge_all(inspector: Inspector, images: list[bytes]) -> list[Judged]:
    async with ScoringPool(PoolLimits(batch_limit=8)) as pool:
        waiting = [pool.judge(image, inspector, name=str(number)) for number, image in enumerate(images)]
        return list(await asyncio.gather(*waiting))


def test_strips_of_several_sizes_share_a_batch(cutting: Inspector) -> None:
    images = [strip_png(900), strip_png(1200, (1000, 100)), strip_png(128), strip_png(700, (30, 30))]
    judged = asyncio.run(judge_all(cutting, images))
    inspections = [one.inspection for one in judged]
    assert [one.verdict for one in inspections] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS, Verdict.FAIL]
    assert [one.width_px for one in inspections] == [900, 1200, 128, 700]
    region = inspections[1].regions[0]
    assert region.x_px <= 1000 <= region.x_px + region.width_px
    for one, image in zip(inspections, images, strict=True):
        alone = cutting.inspect(image)
        assert (one.local_score, one.global_score, one.regions) == (
            alone.local_score,
            alone.global_score,
            alone.regions,
        )


def test_the_heat_map_has_the_proportions_of_the_strip(cutting: Inspector) -> None:
    [judged] = asyncio.run(judge_all(cutting, [strip_png(1200, (1000, 100))]))
    assert judged.heat_map_png is not None
    height_px, width_px = decode_image(judged.heat_map_png).shape[:2]
    assert width_px / height_px == pytest.approx(1200 / 192, rel=0.02)
