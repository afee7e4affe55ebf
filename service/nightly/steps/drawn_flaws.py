"""Golden good parts with a drawn flaw each: made once for a golden set, and the same for every challenger after."""

import shutil
from pathlib import Path

import numpy as np
import structlog

from inspection.errors import ImageError
from inspection.images.decode import decode_image, encode_png
from inspection.inspector import Inspector
from inspection.profile import StationProfile
from service.errors import NotFound
from service.nightly.endings import NightEnded
from service.nightly.gate.evidence import JudgedPart
from service.nightly.record import find_rows
from service.nightly.workshop import Bench
from service.profiles.operations import find_in_force

log = structlog.get_logger("kensa.nightly")
FLAW = "drawn flaw"
_LEAST = 8
DONE = "done"
FLAWS_FOLDER = "drawn-flaws"


def judge_drawn_flaws(
    bench: Bench, golden_sha256: str, good_ids: list[int], champion: Inspector, challenger: Inspector
) -> tuple[JudgedPart, ...]:
    """Both models' verdicts on them; none where there are too few golden parts, or the trainer cannot draw."""
    folder = _prepare(bench, golden_sha256, good_ids, champion)
    if folder is None:
        return ()
    # Crop and quality were the camera's matter: these pictures are cut already.
    judged = []
    for path in sorted(folder.glob("*.png")):
        data = path.read_bytes()
        answers = champion.for_station(StationProfile()).inspect(data), challenger.inspect(data)
        judged.append(
            JudgedPart(image=path.stem, defect=FLAW, champion=answers[0].verdict, challenger=answers[1].verdict)
        )
    return tuple(judged)


def _prepare(bench: Bench, golden_sha256: str, good_ids: list[int], champion: Inspector) -> Path | None:
    input_px = champion.manifest.preprocessing.input_px
    folder = bench.workshop.nights_folder / FLAWS_FOLDER / f"{golden_sha256[:16]}-{input_px}"
    if (folder / DONE).is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    good = bench.folder.root / "golden-good"
    if _lay_out(bench, good_ids, good, champion) < _LEAST:
        return None
    try:
        words = ("flaw", "--images", good, "--out", folder, "--input-px", str(input_px))
        bench.trainer.distill(*words, deadline=bench.deadline)
    except NightEnded as ending:
        # They stand beside real defects: without them the gate still judges.
        log.warning("no_drawn_flaws", night=bench.night.name, detail=ending.detail)
        return None
    finally:
        shutil.rmtree(good, ignore_errors=True)
    (folder / DONE).touch()
    return folder


def _lay_out(bench: Bench, good_ids: list[int], folder: Path, champion: Inspector) -> int:
    """What of each picture the station judges; returns how many there are."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with bench.workshop.database.reading() as session:
        rows = find_rows(session, good_ids)
        profiles = {one.station: one.profile for one in find_in_force(session)}
    count = 0
    bits = champion.manifest.preprocessing.significant_bits
    for row in rows:
        try:
            data = bench.workshop.image_store.get(str(row.image_sha256))
            image = decode_image(data, significant_bits=bits)
        except (NotFound, ImageError):
            continue
        profile = profiles.get(row.station.name)
        if profile is not None and profile.crop is not None:
            crop = profile.crop
            image = np.ascontiguousarray(image[crop.y_px :, crop.x_px :][: crop.height_px, : crop.width_px])
        (folder / f"{row.image_sha256}.png").write_bytes(encode_png(image))
        count += 1
    return count
