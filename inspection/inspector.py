"""The Inspector: bytes in, an Inspection out, whatever the bytes are."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from inspection.bundle.manifest import Manifest
from inspection.calibration.policy import Thresholds, judge, score_part
from inspection.errors import ImageSizeError, UndecodableImage
from inspection.images.decode import Image, decode_image
from inspection.images.preprocess import prepare, prepare_tiles
from inspection.images.quality import find_blur_or_clipping, find_quality_fault, find_size_fault
from inspection.images.tiles import TileLayout
from inspection.profile import StationProfile
from inspection.scoring.regions import DefectRegion, find_regions
from inspection.scoring.session import Scores, StudentSession
from inspection.scoring.tiled import score_tiled
from inspection.verdict import Inspection, Reason


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """The student's input, uint8 [input_px, input_px, 3], with the size of the image it came from.

    Where the bundle cuts images in tiles, `pixels` has all of them, uint8 [T, input_px, input_px, 3], and `layout` says
    where they lie.
    """

    pixels: np.ndarray
    width_px: int
    height_px: int
    timings_ms: dict[str, float]
    layout: TileLayout | None = None

    @property
    def inputs(self) -> np.ndarray:
        """As a batch for the student: the tiles, or the one whole image."""
        return self.pixels[None] if self.layout is None else self.pixels


class Inspector:
    """A student with its manifest. The steps are separate so that a service can batch the one in the middle."""

    def __init__(self, session: StudentSession, manifest: Manifest, profile: StationProfile | None = None) -> None:
        self.session = session
        self.manifest = manifest
        self._judge_as(profile or StationProfile())

    def for_station(self, profile: StationProfile) -> Self:
        """The same student, judging as `profile` has it."""
        mine = copy.copy(self)
        mine._judge_as(profile)
        return mine

    def _judge_as(self, profile: StationProfile) -> None:
        self.profile = profile
        self.thresholds: Thresholds = profile.thresholds_in_force(self.manifest.thresholds)
        """The limits in force: the profile's, else the calibrated ones."""

    @property
    def bundle_id(self) -> str:
        return self.manifest.bundle_id

    def inspect(self, data: bytes, *, name: str = "image") -> Inspection:
        """Judge one image. An image that cannot be judged is held with its reason; nothing is raised for it.

        Raises BundleError where the student itself fails: that is no fault of the part, and holds every part.
        """
        prepared = self.prepare(data, name=name)
        if isinstance(prepared, Inspection):
            return prepared
        return self.conclude([prepared], self.score([prepared]))[0]

    def prepare(self, data: bytes, *, name: str = "image") -> PreparedImage | Inspection:
        """Decode, check and preprocess; a held Inspection where the image cannot be judged."""
        start = time.perf_counter()
        preprocessing = self.manifest.preprocessing
        try:
            image = decode_image(data, name=name, significant_bits=preprocessing.significant_bits)
        except UndecodableImage as error:
            return Inspection.held(Reason.UNDECODABLE, str(error), bundle_id=self.bundle_id)
        except ImageSizeError as error:
            return Inspection.held(Reason.WRONG_SIZE, str(error), bundle_id=self.bundle_id)
        return self._prepare_decoded(image, start)

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        """Run the student on a batch of prepared images."""
        layouts = [image.layout for image in prepared if image.layout is not None]
        if layouts:
            return score_tiled(self.session, [image.pixels for image in prepared], layouts)
        return self.session.score(np.stack([image.pixels for image in prepared]))

    def conclude(
        self, prepared: Sequence[PreparedImage], scores: Scores, *, inference_ms: float | None = None
    ) -> list[Inspection]:
        """Verdict and defect regions of each image of a scored batch."""
        return [self._conclude_one(image, scores, index, inference_ms) for index, image in enumerate(prepared)]

    def _prepare_decoded(self, image: Image, start: float) -> PreparedImage | Inspection:
        decoded = time.perf_counter()
        fault, view = self._find_view(image)
        if fault is not None:
            return Inspection.held(*fault, bundle_id=self.bundle_id)
        preprocessing = self.manifest.preprocessing
        layout = preprocessing.lay_tiles(view.shape[1], view.shape[0])
        pixels = prepare(view, preprocessing) if layout is None else prepare_tiles(view, layout, preprocessing)
        timings = {"decode": (decoded - start) * 1e3, "preprocess": (time.perf_counter() - decoded) * 1e3}
        return PreparedImage(pixels, image.shape[1], image.shape[0], timings, layout)

    def _find_view(self, image: Image) -> tuple[tuple[Reason, str] | None, Image]:
        """(why it cannot be judged or None, what of the image is judged)."""
        crop, quality = self.profile.crop, self.profile.quality
        if fault := find_size_fault(image, quality):
            return (Reason.WRONG_SIZE, fault), image
        if crop is not None:
            height_px, width_px = image.shape[:2]
            if crop.x_px + crop.width_px > width_px or crop.y_px + crop.height_px > height_px:
                return (Reason.WRONG_SIZE, f"{width_px}x{height_px} pixels do not hold the station's crop"), image
            image = np.ascontiguousarray(image[crop.y_px :, crop.x_px :][: crop.height_px, : crop.width_px])
        limits = quality.adapt(self.manifest.quality_limits)
        return find_quality_fault(image, limits) or find_blur_or_clipping(image, quality), image

    def _find_regions(self, image: PreparedImage, anomaly_map: np.ndarray) -> tuple[DefectRegion, ...]:
        """In pixels of the whole image, wherever the crop lies."""
        limit, crop = self.thresholds.local_score.pass_limit, self.profile.crop
        if crop is None:
            return find_regions(anomaly_map, limit, width_px=image.width_px, height_px=image.height_px)
        found = find_regions(anomaly_map, limit, width_px=crop.width_px, height_px=crop.height_px)
        return tuple(replace(region, x_px=region.x_px + crop.x_px, y_px=region.y_px + crop.y_px) for region in found)

    def _conclude_one(self, image: PreparedImage, scores: Scores, index: int, inference_ms: float | None) -> Inspection:
        local_score, global_score = float(scores.local_score[index]), float(scores.global_score[index])
        if not (math.isfinite(local_score) and math.isfinite(global_score)):
            return Inspection.held(Reason.INTERNAL, "the student's scores are not numbers", bundle_id=self.bundle_id)
        judgement = judge(local_score, global_score, self.thresholds, global_fails=self.profile.global_fails)
        anomaly_map = scores.anomaly_map[index]
        regions = self._find_regions(image, anomaly_map)
        timings = image.timings_ms if inference_ms is None else {**image.timings_ms, "inference": inference_ms}
        return Inspection(
            judgement=judgement,
            detail=explain(local_score, global_score, self.thresholds),
            bundle_id=self.bundle_id,
            local_score=local_score,
            global_score=global_score,
            part_score=score_part(local_score, global_score, self.thresholds),
            width_px=image.width_px,
            height_px=image.height_px,
            anomaly_map=anomaly_map,
            regions=regions,
            timings_ms=timings,
        )


def explain(local_score: float, global_score: float, thresholds: Thresholds) -> str:
    """One sentence for a person: which score stands where between its limits."""
    parts = []
    for name, score, limits in (
        ("local", local_score, thresholds.local_score),
        ("global", global_score, thresholds.global_score),
    ):
        place = "above" if score > limits.pass_limit else "within"
        parts.append(f"{name} score {score:.4g} is {place} its pass limit {limits.pass_limit:.4g}")
    return "; ".join(parts)
