"""What pretraining gave: the anomaly check of the encoder as it started, and as it ended."""

from dataclasses import dataclass
from pathlib import Path

from inspection.errors import DatasetError
from inspection.images.folders import find_pictures
from pretrain.evaluate.anomaly import check_encoder, load_test_images
from pretrain.image_set import load_images
from pretrain.run_directory import RunDirectory


@dataclass(frozen=True)
class Gain:
    """Figures of `check_encoder` before and after, and the difference in image AUROC."""

    init: dict[str, object]
    pretrained: dict[str, object]

    @property
    def image_auroc(self) -> float | None:
        """After less before; None where only good or only defective pictures are known."""
        before, after = self.init["image_auroc"], self.pretrained["image_auroc"]
        return after - before if isinstance(before, float) and isinstance(after, float) else None


def measure_gain(run: RunDirectory, root: Path) -> Gain:
    """Check both encoders of a finished run on root/test, with a bank of the images the run trained on.

    Raises DatasetError where `root` holds none of those, or no test folder.
    """
    record = run.read_record()
    preprocessing = record.recipe.preprocessing
    test = load_test_images(root, preprocessing)
    images = load_images(find_pictures(root), preprocessing)
    seen = run.read_trained_digests()
    trained = [place for place, digest in enumerate(images.digests) if digest in seen]
    if not trained:
        raise DatasetError(f"{root}: holds no image that {run.root} trained on", "give the folder it was trained from")
    normal = images.pixels[trained]
    before, after = (
        check_encoder(run.load_encoder(as_started=as_started), normal, test, record.recipe.seed)
        for as_started in (True, False)
    )
    return Gain(before, after)
