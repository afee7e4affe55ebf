"""What pretraining gave: figures of the encoder as it started, and as it ended."""

from dataclasses import dataclass
from pathlib import Path

from inspection.errors import DatasetError
from inspection.images.folders import find_pictures
from inspection.terminal import say
from pretrain.data.image_set import load_images
from pretrain.evaluate.anomaly import check_encoder, load_test_images
from pretrain.evaluate.classes import check_classes
from pretrain.evaluate.labeled_images import find_labeled_files, load_labeled_images
from pretrain.run_directory import RunDirectory


@dataclass(frozen=True)
class Gain:
    """Figures of `check_encoder`, of `check_classes`, or of both, before and after."""

    init: dict[str, object]
    pretrained: dict[str, object]

    @property
    def figures(self) -> dict[str, object]:
        """What `python -m pretrain evaluate` ends with: `gain` in image AUROC, where defects were looked for; and top-1
        of the pretrained encoder with `linear_top1_gain` in points, where classes were."""
        figures: dict[str, object] = {"init": self.init, "pretrained": self.pretrained}
        if "image_auroc" in self.init:
            figures["gain"] = self.of("image_auroc")
        if "linear_top1" in self.init:
            figures |= {name: self.pretrained[name] for name in ("linear_top1", "knn_top1")}
            figures["linear_top1_gain"] = self.of("linear_top1")
        return figures

    def of(self, figure: str) -> float | None:
        """After less before; None where it was not measured, as image AUROC without good or defective pictures."""
        before, after = self.init.get(figure), self.pretrained.get(figure)
        return after - before if isinstance(before, float) and isinstance(after, float) else None

    def joined(self, other: "Gain") -> "Gain":
        """The figures of both."""
        return Gain(self.init | other.init, self.pretrained | other.pretrained)


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


def measure_class_gain(run: RunDirectory, labeled: Path) -> Gain:
    """Probe both encoders of a finished run on a labeled folder or pack. Raises DatasetError, ImageError."""
    record = run.read_record()
    encoders = [run.load_encoder(as_started=as_started) for as_started in (True, False)]
    images = load_labeled_images(find_labeled_files(labeled, record.recipe.seed), record.recipe.preprocessing)
    say(f"{len(images.train.labels)} images fit, {len(images.test.labels)} judge; the split is {images.split}")
    seen = run.read_trained_digests()
    if count := sum(digest in seen for digest in images.test.digests):
        say(f"{count} of the images that judge were pretrained on, without their class: the figures may flatter")
    before, after = (check_classes(encoder, images) for encoder in encoders)
    return Gain(before, after)
