"""Two models judge the same parts of the record, each picture as its station runs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inspection.calibration.metrics import image_auroc
from inspection.inspector import Inspector
from inspection.profile import StationProfile
from inspection.verdict import Inspection
from service.errors import NotFound
from service.nightly.gate.evidence import JudgedPart
from service.nightly.record import find_rows
from service.nightly.workshop import Bench
from service.profiles.operations import find_in_force


@dataclass(frozen=True)
class Judged:
    """A part with the larger score that each model gives it, None where one could not judge."""

    part: JudgedPart
    champion_score: float | None
    challenger_score: float | None


def judge_with(
    bench: Bench, champion: Inspector, challenger: Inspector
) -> Callable[[Sequence[tuple[int, str | None]]], list[Judged]]:
    """Judge (inspection id, defect or None) with both, each picture as its station runs it."""
    with bench.workshop.database.reading() as session:
        profiles = {one.station: one.profile for one in find_in_force(session)}

    def judge(wanted: Sequence[tuple[int, str | None]]) -> list[Judged]:
        with bench.workshop.database.reading() as session:
            rows = {row.id: row for row in find_rows(session, [number for number, _ in wanted])}
        judged = []
        for number, defect in wanted:
            row = rows.get(number)
            if row is None or row.image_sha256 is None:
                continue
            try:
                data = bench.workshop.image_store.get(row.image_sha256)
            except NotFound:
                continue
            profile = profiles.get(row.station.name) or StationProfile()
            # Limits that a person has set hold for one bundle; crop and quality are the station's own.
            bare = profile.model_copy(update={"bundle_id": None, "thresholds": None})
            own = profile if profile.bundle_id in (None, champion.bundle_id) else bare
            answers = champion.for_station(own).inspect(data), challenger.for_station(bare).inspect(data)
            judged.append(_pair(row.image_sha256, defect, *answers))
        return judged

    return judge


def _pair(image: str, defect: str | None, champion: Inspection, challenger: Inspection) -> Judged:
    part = JudgedPart(image=image, defect=defect, champion=champion.verdict, challenger=challenger.verdict)
    return Judged(part, champion.part_score, challenger.part_score)


def auroc(golden: Sequence[Judged], score_of: Callable[[Judged], float | None]) -> float | None:
    """Of one model's scores; None where only one class is there."""
    scored = [(score, one.part.defect is not None) for one in golden if (score := score_of(one)) is not None]
    if not scored:
        return None
    return image_auroc(np.array([score for score, _ in scored]), np.array([is_defect for _, is_defect in scored]))
