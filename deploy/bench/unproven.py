"""The manifest of a bundle that nobody trained: what it runs on is said, and what a real one proves is empty."""

from collections.abc import Mapping
from datetime import UTC, datetime

from inspection import __version__
from inspection.bundle.manifest import SCHEMA_VERSION, Calibration, Manifest, Parity, Provenance
from inspection.calibration.policy import Thresholds
from inspection.images.digest import sha256_of_bytes
from inspection.images.preprocess import Preprocessing
from inspection.images.quality import QualityLimits

NOTHING = sha256_of_bytes(b"")


def unproven_manifest(
    recipe: str,
    files_sha256: Mapping[str, str],
    *,
    preprocessing: Preprocessing,
    thresholds: Thresholds,
    quality_limits: QualityLimits,
    calibration: Calibration,
    seed: int = 0,
) -> Manifest:
    """Without golden images: they are scored by what it describes, and come last."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        bundle_id="",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        files_sha256=dict(files_sha256),
        preprocessing=preprocessing,
        quality_limits=quality_limits,
        thresholds=thresholds,
        calibration=calibration,
        provenance=Provenance(
            kensa_version=__version__,
            recipe=recipe,
            recipe_sha256=sha256_of_bytes(recipe.encode()),
            run="none",
            training_images_sha256=NOTHING,
            training_image_count=0,
            seed=seed,
            libraries={},
        ),
        parity=Parity(
            image_count=0,
            largest_score_difference=0.0,
            largest_map_difference=0.0,
            tolerance=0.0,
            verdict_flip_count=0,
        ),
        golden_images=(),
    )
