"""The exception tree of Kensa: every error a user can cause, or can mend.

KensaError
├── ConfigError                a recipe, profile or policy that cannot be used
├── ImageError                 one image that cannot be judged
│   ├── UndecodableImage
│   └── ImageSizeError
├── DatasetError               a folder of images that cannot be used
├── BundleError                a bundle that must not serve
│   ├── BundleMissing
│   ├── BundleTampered
│   └── BundleSelfTestFailed
├── CalibrationError           thresholds that cannot be promised
├── TrainingError              a training run that cannot start or go on
├── ParityError                a student whose ONNX form does not answer as it did in training
└── StorageError               a disk or store that did not take what it was given

An error's text is one line: what is wrong, with the name of the file or field, then the remedy.
"""


class KensaError(Exception):
    """Base of all errors told to a user: `problem` names the file or field, `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.problem = problem
        self.remedy = remedy


class ConfigError(KensaError):
    """A recipe, profile or policy names an unknown key, or a value out of its limits."""


class ImageError(KensaError):
    """One image cannot be judged."""


class UndecodableImage(ImageError):
    """The bytes are no whole PNG, JPEG, BMP or TIFF image."""


class ImageSizeError(ImageError):
    """The image is too small to judge, or too large to decode safely."""


class DatasetError(KensaError):
    """A folder holds no usable images, or not enough of them."""


class BundleError(KensaError):
    """A bundle must not serve."""


class BundleMissing(BundleError):
    """The directory is not there, or is not a bundle."""


class BundleTampered(BundleError):
    """A file of the bundle is not the one its manifest names."""


class BundleSelfTestFailed(BundleError):
    """The bundle's golden images do not get the scores recorded in it."""


class CalibrationError(KensaError):
    """Thresholds cannot be set from what is there."""


class TrainingError(KensaError):
    """A training run cannot start or go on."""


class ParityError(KensaError):
    """The exported student does not answer as the student in training."""


class StorageError(KensaError):
    """A disk or store did not take what it was given."""
