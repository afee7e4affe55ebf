"""Golden images: a few pictures that travel with the bundle and must be judged everywhere as they were here."""

from pathlib import Path

from torch import Tensor

from inspection.bundle.manifest import GOLDEN_FOLDER, GoldenImage
from inspection.images.decode import encode_png
from inspection.inspector import Inspector

_CLEAN_COUNT, _FLAWED_COUNT = 2, 2


def write_golden_files(staging: Path, clean: Tensor, flawed: Tensor) -> list[str]:
    """PNGs of the first few of untreated uint8 [N, S, S, 3]; returns their names within the bundle."""
    (staging / GOLDEN_FOLDER).mkdir()
    chosen = [("clean", image) for image in clean[:_CLEAN_COUNT]] + [
        ("flawed", image) for image in flawed[:_FLAWED_COUNT]
    ]
    names = []
    for number, (kind, image) in enumerate(chosen, 1):
        name = f"{GOLDEN_FOLDER}/{number}-{kind}.png"
        (staging / name).write_bytes(encode_png(image.numpy()))
        names.append(name)
    return names


def judge_golden_files(staging: Path, names: list[str], inspector: Inspector) -> tuple[GoldenImage, ...]:
    """The answer of `inspector` to each golden file; files it holds for their quality are no use and left out."""
    golden = []
    for name in names:
        answer = inspector.inspect((staging / name).read_bytes(), name=name)
        if answer.local_score is None or answer.global_score is None:
            (staging / name).unlink()
            continue
        golden.append(
            GoldenImage(
                file=name, local_score=answer.local_score, global_score=answer.global_score, verdict=answer.verdict
            )
        )
    return tuple(golden)
