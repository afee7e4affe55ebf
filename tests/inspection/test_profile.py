"""What a station changes of its bundle: where it looks, by which limits, and what is not fit to be judged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inspection.bundle.reader import open_bundle
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.config import read_toml, validate
from inspection.errors import ConfigError
from inspection.images.decode import encode_png
from inspection.images.quality import StationQuality, measure_clipped_rate, measure_sharpness
from inspection.inspector import Inspector
from inspection.profile import CropRegion, StationProfile
from inspection.verdict import Reason, Verdict
from tests.bundles import THRESHOLDS, make_bundle, part_picture, part_png

TIGHT = Thresholds(
    local_score=Limits(pass_limit=0.001, fail_limit=0.002), global_score=Limits(pass_limit=0.06, fail_limit=0.12)
)


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    directory = tmp_path_factory.mktemp("bundles") / "tiny"
    make_bundle(directory)
    return open_bundle(directory, threads=1)


def test_the_empty_profile_changes_nothing(inspector: Inspector) -> None:
    image = part_png(3, spot=0.36)
    assert inspector.for_station(StationProfile()).inspect(image) == inspector.inspect(image)


def test_thresholds_of_a_station_are_the_ones_in_force(inspector: Inspector) -> None:
    strict = inspector.for_station(StationProfile(bundle_id=inspector.bundle_id, thresholds=TIGHT))
    good = part_png(3)
    assert (inspector.inspect(good).verdict, strict.inspect(good).verdict) == (Verdict.PASS, Verdict.FAIL)
    assert inspector.thresholds == THRESHOLDS


def test_thresholds_need_the_bundle_they_hold_for() -> None:
    with pytest.raises(ConfigError, match="name it as bundle_id"):
        validate({"thresholds": TIGHT.model_dump()}, StationProfile, source="profile")


def test_a_wider_hold_band_keeps_its_middle() -> None:
    wide = StationProfile(hold_band_scale=2.0).thresholds_in_force(THRESHOLDS).local_score
    assert (wide.pass_limit, wide.fail_limit) == pytest.approx((0.06, 0.30))


def test_a_crop_judges_only_what_lies_in_it(inspector: Inspector) -> None:
    picture = np.full((200, 300, 1), 20, np.uint8)
    picture[50:146, 120:216] = part_picture(5, spot=0.9)
    region = CropRegion(x_px=120, y_px=50, width_px=96, height_px=96)
    cropped = inspector.for_station(StationProfile(crop=region)).inspect(encode_png(picture))
    alone = inspector.inspect(part_png(5, spot=0.9))
    assert (cropped.local_score, cropped.verdict) == (alone.local_score, Verdict.FAIL)
    assert (cropped.width_px, cropped.height_px) == (300, 200)
    assert [(box.x_px - 120, box.y_px - 50, box.width_px) for box in cropped.regions] == [
        (box.x_px, box.y_px, box.width_px) for box in alone.regions
    ]


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (StationProfile(crop=CropRegion(x_px=50, y_px=0, width_px=64, height_px=64)), Reason.WRONG_SIZE),
        (StationProfile(quality=StationQuality(width_px=128)), Reason.WRONG_SIZE),
        (StationProfile(quality=StationQuality(min_mean=150)), Reason.TOO_DARK),
        (StationProfile(quality=StationQuality(max_mean=100)), Reason.TOO_BRIGHT),
        (StationProfile(quality=StationQuality(min_deviation=60)), Reason.FLAT),
        (StationProfile(quality=StationQuality(min_sharpness=1e6)), Reason.BLURRED),
        (StationProfile(quality=StationQuality(max_clipped_rate=0.0)), Reason.CLIPPED),
    ],
    ids=lambda value: str(value) if isinstance(value, Reason) else "",
)
def test_an_unfit_image_is_held(inspector: Inspector, profile: StationProfile, reason: Reason) -> None:
    picture = part_picture(3)
    picture[0, 0] = 255
    answer = inspector.for_station(profile).inspect(encode_png(picture))
    assert (answer.verdict, answer.reason) == (Verdict.HOLD, reason)
    assert answer.local_score is None


def test_blur_lowers_sharpness() -> None:
    sharp = part_picture(3, spot=0.5)
    blurred = cv2.GaussianBlur(sharp, (9, 9), 0)[:, :, None]
    assert measure_sharpness(blurred) < 0.2 * measure_sharpness(sharp)
    colour = np.repeat(sharp, 3, axis=2)
    assert measure_sharpness(colour) == pytest.approx(measure_sharpness(sharp), rel=0.02)


def test_clipped_pixels_are_counted() -> None:
    picture = np.full((20, 50, 1), 128, np.uint8)
    picture[:2], picture[2:4] = 0, 255
    assert measure_clipped_rate(picture) == pytest.approx(0.2)


def test_a_profile_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "press.toml"
    path.write_text("hold_band_scale = 2.0\n[quality]\nmin_sharpnes = 5\n")
    with pytest.raises(ConfigError, match=r"unknown key quality\.min_sharpnes"):
        read_toml(path, StationProfile)
