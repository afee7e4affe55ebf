"""The golden-image gate: a bundle must judge its own golden images as it did when it was built."""

from pathlib import Path

from inspection.calibration.policy import judge
from inspection.errors import BundleSelfTestFailed
from inspection.inspector import Inspector

SCORE_TOLERANCE = 0.02
"""In widths of the hold band: wide enough for another processor's rounding, far too narrow to change a verdict."""


def run_self_test(directory: Path, inspector: Inspector) -> None:
    """Score every golden image; raises BundleSelfTestFailed naming the first that gets another answer."""
    thresholds = inspector.manifest.thresholds
    for golden in inspector.manifest.golden_images:
        # From the recorded scores, not the new ones: rounding must not fail a score that lies on a limit.
        verdict = judge(golden.local_score, golden.global_score, thresholds).verdict
        if verdict != golden.verdict:
            raise BundleSelfTestFailed(
                f"{golden.file}: {golden.verdict} when built, {verdict} by the thresholds of the manifest",
                "restore the bundle or build it again",
            )
        answer = inspector.inspect((directory / golden.file).read_bytes(), name=golden.file)
        if answer.local_score is None or answer.global_score is None:
            raise BundleSelfTestFailed(f"{golden.file}: {answer.detail}", "build the bundle again")
        for name, got, expected, limits in (
            ("local score", answer.local_score, golden.local_score, thresholds.local_score),
            ("global score", answer.global_score, golden.global_score, thresholds.global_score),
        ):
            if not abs(got - expected) <= SCORE_TOLERANCE * (limits.fail_limit - limits.pass_limit):
                raise BundleSelfTestFailed(
                    f"{golden.file}: {name} is {got:.5g} here, {expected:.5g} when built",
                    "ONNX Runtime answers differently on this machine: build the bundle here",
                )
