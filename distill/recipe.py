"""The recipe of a student: its size, how it learns, its memory bank and what its thresholds shall promise."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inspection.calibration.thresholds import CalibrationTarget
from inspection.config import Settings, read_shipped_toml
from inspection.images.quality import QualityLimits

SHIPPED = Path(__file__).parent / "recipes"
DEFAULT_RECIPE = "base"

STUDENT_STRIDES = (2, 4, 8, 16, 32)
Width = Annotated[int, Field(ge=4, le=1024)]


class StudentRecipe(Settings):
    """A plain convolutional network that mimics its teacher, or the teacher's own trunk."""

    body: Literal["plain", "trunk"] = "plain"
    """`trunk` keeps the teacher's encoder and learns to name flaws alone; widths and blocks are of `plain`."""
    widths: tuple[Width, Width, Width, Width, Width] = (24, 48, 96, 128, 192)
    """One for each stride 2, 4, 8, 16 and 32, as far as the teacher is tapped."""
    blocks: Annotated[int, Field(ge=1, le=8)] = 1
    """Residual blocks at each stride at which the teacher is tapped."""
    embedding_width: Annotated[int, Field(ge=8, le=512)] = 512
    """At most so many directions of each tap."""


class LearningRecipe(Settings):
    """How the student learns to mimic its teacher."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    crop_px: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 128
    """The student learns on crops: it has no view of the whole, and small images train faster."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the student's forward pass in training."""
    steps: Annotated[int, Field(ge=1)] = 2000
    """Length of the schedule, unless --minutes gives it."""
    flawed_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Part of every batch that carries a synthetic flaw."""
    flaw_weight: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Of learning to name the flawed cells, beside mimicking the teacher."""


class BankRecipe(Settings):
    """The memory bank inside the graph."""

    size: Annotated[int, Field(ge=16, le=65536)] = 1024
    neighbours: Annotated[int, Field(ge=1, le=64)] = 1
    suspected_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Of the unlabeled images, believed to show a defect: so many of those that stand out most stay out of the bank."""


class DistillRecipe(Settings):
    """All of a build that the teacher's own recipe does not say."""

    name: str
    seed: int = 0
    student: StudentRecipe = StudentRecipe()
    learning: LearningRecipe = LearningRecipe()
    bank: BankRecipe = BankRecipe()
    calibration: CalibrationTarget = CalibrationTarget()
    quality_limits: QualityLimits = QualityLimits()

    def suspecting(self, share: float | None) -> "DistillRecipe":
        """The recipe with another bank.suspected_share; None leaves its own."""
        if share is None:
            return self
        return self.model_copy(update={"bank": self.bank.model_copy(update={"suspected_share": share})})


def load_recipe(name_or_path: str) -> DistillRecipe:
    """A shipped recipe by name, or any by path. Raises ConfigError."""
    return read_shipped_toml(name_or_path, SHIPPED, DistillRecipe)
