"""The manifest: what a bundle is, where it comes from and what it promises. Legible without code."""

import hashlib
import json
from datetime import datetime
from typing import Literal

from pydantic import Field

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Promise
from inspection.config import Settings
from inspection.images.preprocess import Preprocessing
from inspection.images.quality import QualityLimits
from inspection.verdict import Verdict

SCHEMA_VERSION = 1


class Calibration(Settings):
    """Where the thresholds come from."""

    split: str
    """How calibration images were kept apart from training: by lot, or by image where no lots are known."""
    warning: str | None
    """What the split cannot vouch for, in a sentence for a person."""
    images_sha256: str
    image_count: int
    local_promise: Promise
    global_promise: Promise


class Provenance(Settings):
    """What the student was made from."""

    kensa_version: str
    recipe: str
    recipe_sha256: str
    run: str
    training_images_sha256: str
    training_image_count: int
    seed: int
    libraries: dict[str, str]


class Parity(Settings):
    """The parity certificate: torch and ONNX Runtime on the same images."""

    image_count: int
    largest_score_difference: float
    largest_map_difference: float
    tolerance: float
    verdict_flip_count: int


class GoldenImage(Settings):
    """An image of the bundle and the answer it must get before the bundle may serve."""

    file: str
    local_score: float
    global_score: float
    verdict: Verdict


class Manifest(Settings):
    """The bundle's own description, written as manifest.json beside student.onnx."""

    schema_version: Literal[1]
    bundle_id: str
    created_at: datetime
    files_sha256: dict[str, str]
    preprocessing: Preprocessing
    quality_limits: QualityLimits
    thresholds: Thresholds
    calibration: Calibration
    provenance: Provenance
    metrics: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    """Figures by stage (teacher, student, onnx), on the split each names."""
    parity: Parity
    golden_images: tuple[GoldenImage, ...]

    def expected_bundle_id(self) -> str:
        """The name that follows from the content: any edit of the manifest or of a file it lists changes it."""
        content = self.model_dump(mode="json", exclude={"bundle_id"})
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"bundle-{digest[:16]}"


MANIFEST_FILE = "manifest.json"
STUDENT_FILE = "student.onnx"
GOLDEN_FOLDER = "golden"
