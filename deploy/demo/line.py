"""The simulated line: unlabeled pictures of past lots to learn from, and a stream of parts from new lots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.demo.defects import KINDS
from deploy.demo.lots import STREAM_LOTS, TRAINING_LOTS, Lot
from deploy.demo.parts import Part, render_part
from deploy.demo.shots import Material, Shot
from inspection.errors import StorageError
from inspection.images.decode import encode_png
from inspection.images.folders import GOOD
from inspection.terminal import progress_bar

TRUTH = "truth.json"


@dataclass(frozen=True)
class LinePlan:
    """How many parts the line makes. Nobody sorts the training pictures, so a few of them are defective."""

    seed: int = 20
    training_count: int = 300
    training_defect_rate: float = 0.01
    stream_count: int = 140
    stream_defect_rate: float = 0.25


def part_sequence(
    lots: Sequence[Lot], count: int, defect_rate: float, first_serial: int, seed: int
) -> Iterator[tuple[Lot, int, str | None]]:
    """(lot, serial, kind of defect or None) of `count` parts: lot after lot, defects at random places.

    The number of defective parts is exact and every kind has its turn, so that short runs can be compared.
    """
    rng = np.random.default_rng([seed, first_serial])
    defective = rng.permutation(count)[: round(count * defect_rate)]
    kind_of = {int(place): KINDS[turn % len(KINDS)] for turn, place in enumerate(defective)}
    for place in range(count):
        yield lots[place * len(lots) // count], first_serial + place, kind_of.get(place)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write RGB [H, W, 3] or grey [H, W, 1] as PNG; raises StorageError when the disk does not take it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(image))
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", "free space there or name another --data") from None


def write_part(folder: Path, part: Part) -> dict[str, object]:
    """Write a part's picture, and its mask when it is defective; gives back its line of the truth file."""
    name = f"{part.lot}/{part.serial:04d}.png"
    write_picture(folder / name, part.image)
    if part.kind is not None:
        write_picture(folder.parent / "ground_truth" / name, part.mask[:, :, None])
    return {"file": f"{folder.name}/{name}", "lot": part.lot, "serial": part.serial, "kind": part.kind}


def write_line(folder: Path, plan: LinePlan) -> None:
    """Render the whole line below `folder`: train/LOT, stream/LOT, ground_truth/LOT and truth.json."""
    training = part_sequence(TRAINING_LOTS, plan.training_count, plan.training_defect_rate, 1, plan.seed)
    stream = part_sequence(STREAM_LOTS, plan.stream_count, plan.stream_defect_rate, 5001, plan.seed)
    truth = []
    with progress_bar("rendering the line", plan.training_count + plan.stream_count, unit="parts") as advance:
        for name, sequence in (("train", training), ("stream", stream)):
            for lot, serial, kind in sequence:
                truth.append(write_part(folder / name, render_part(lot, serial, plan.seed, kind)))
                advance()
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n")


def read_line(folder: Path) -> Material:
    """What `write_line` left there: the training folder, and the stream in order of serial number."""
    entries = json.loads((folder / TRUTH).read_text())
    shots = [
        Shot(folder / entry["file"], f"KN40-{entry['serial']:04d}", entry["lot"], entry["kind"] or GOOD)
        for entry in entries
        if entry["file"].startswith("stream/")
    ]
    return Material(folder / "train", shots)
