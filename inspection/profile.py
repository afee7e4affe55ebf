"""The station profile: what one station changes of the bundle it runs. Not a recipe, which is of training."""

from typing import Annotated

from pydantic import Field, model_validator

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.config import Settings
from inspection.images.quality import Side, StationQuality

Share = Annotated[float, Field(ge=0, le=1)]


class CropRegion(Settings):
    """The part of the view that is judged, in pixels of the camera's image."""

    x_px: Annotated[int, Field(ge=0, le=100_000)]
    y_px: Annotated[int, Field(ge=0, le=100_000)]
    width_px: Side
    height_px: Side


class SpotChecks(Settings):
    """Which share of a station's parts comes before a person who does not know what the machine said.

    From parts that passed follows the escape rate; failed and held ones among them, so that being asked blind says
    nothing; parts that come again, how far people agree.
    """

    passed_rate: Share = 0.0
    """Of the parts that pass, drawn at their arrival."""
    blind_flagged_rate: Share = 0.0
    """Of the held and failed parts, which wait anyway."""
    repeat_rate: Share = 0.0
    """For each held or failed part, how likely a decided one comes again."""
    repeat_after_h: Annotated[float, Field(ge=0, le=10_000)] = 24.0
    """How long ago that one must have been decided."""


class StationProfile(Settings):
    """What a station runs. The empty profile is the champion bundle as it was calibrated."""

    bundle_id: Annotated[str, Field(pattern=r"^bundle-[0-9a-f]{16}$")] | None = None
    """None runs the champion, and follows it."""
    crop: CropRegion | None = None
    thresholds: Thresholds | None = None
    """In force instead of the calibrated ones. Scores of two bundles are not comparable, so these need `bundle_id`."""
    hold_band_scale: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    """Width of the hold band in widths of the bundle's own: 2 passes less and fails less, the band's middle stays."""
    global_fails: bool = True
    """Whether the view as a whole may fail a part. False holds it: for a view that the calibration never saw."""
    quality: StationQuality = StationQuality()
    spot_checks: SpotChecks = SpotChecks()
    line: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    """The line that the station is part of."""

    @model_validator(mode="after")
    def _thresholds_belong_to_a_bundle(self) -> "StationProfile":
        if self.thresholds is not None and self.bundle_id is None:
            raise ValueError("thresholds hold for one bundle only: name it as bundle_id")
        return self

    def thresholds_in_force(self, calibrated: Thresholds) -> Thresholds:
        """The limits a verdict of this station goes by."""
        chosen = self.thresholds or calibrated
        if self.hold_band_scale == 1.0:
            return chosen
        return Thresholds(local_score=self._scaled(chosen.local_score), global_score=self._scaled(chosen.global_score))

    def _scaled(self, limits: Limits) -> Limits:
        middle = (limits.pass_limit + limits.fail_limit) / 2
        half = (limits.fail_limit - limits.pass_limit) / 2 * self.hold_band_scale
        return Limits(pass_limit=middle - half, fail_limit=middle + half)
