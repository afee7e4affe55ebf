"""Steps 8 to 10: shadow where the policy asks for it, promote or leave it to a person, and sum up."""

import shutil

from service.errors import Outdated
from service.nightly.bundles import find_bundle
from service.nightly.endings import NightEnded
from service.nightly.promotion import promote_challenger
from service.nightly.steps.findings import Figures, Findings
from service.nightly.tables import NightState, Reason
from service.nightly.workshop import Bench
from service.registry.operations import shelve
from service.shadow import operations as shadows


def shadow(bench: Bench, found: Findings) -> Figures:
    """Begin to score live parts beside the champion, without effect. Who waits for it is `settle_shadows`."""
    plan, workshop = bench.line.promotion, bench.workshop
    challenger_id = found["gate"]["challenger_id"]
    shelve(bench.folder.challenger, workshop.settings.bundle_directory)
    if plan.shadow_parts == 0:
        return {"is_asked": False, "why": "not asked for"}
    shadows.start(
        workshop.database,
        challenger_id,
        stations=bench.line.stations,
        scope=bench.line.scope,
        author=f"night {bench.night.name}",
    )
    return {"is_asked": True, "part_count": plan.shadow_parts}


def promote(bench: Bench, found: Findings) -> Figures:
    """By policy at once, or later: after its shadow, or at an engineer's word. Raises NightEnded."""
    plan = bench.line.promotion
    challenger_id = found["gate"]["challenger_id"]
    find_bundle(bench.workshop.settings, challenger_id)
    if found["shadow"]["is_asked"]:
        return {"state": NightState.SHADOW.value}
    if plan.mode == "approval":
        return {"state": NightState.AWAITING.value}
    author = f"night {bench.night.name}"
    try:
        promote_challenger(
            bench.workshop.database,
            challenger_id,
            instead_of=found["freeze"]["champion_id"],
            author=author,
            note="automatic, after the gate",
            scope=bench.line.scope,
        )
    except Outdated as error:
        raise NightEnded(Reason.OUTDATED, str(error)) from None
    return {"state": NightState.PROMOTED.value, "author": author}


def report(bench: Bench, found: Findings) -> Figures:
    """What the list of nights shows; working copies of pictures are removed, the frozen lists stay."""
    folder = bench.folder
    folder.clear(folder.pictures, folder.calibration, folder.root / "prepared-images", folder.student)
    # Nobody goes on from the teacher of a challenger that will never judge, and its checkpoints are large.
    if "promote" not in found:
        shutil.rmtree(folder.teacher, ignore_errors=True)
    summary: Figures = {
        "new_count": found.get("freeze", {}).get("new_count"),
        "learned_count": found.get("screen", {}).get("learned_count"),
        "golden_count": _golden_count(found.get("freeze", {})),
        "champion_auroc": found.get("gate", {}).get("champion_auroc"),
        "challenger_auroc": found.get("gate", {}).get("challenger_auroc"),
    }
    for check in found.get("gate", {}).get("report", {}).get("checks", []):
        if check["question"] in ("escapes", "overkill"):
            summary |= {
                f"{check['question']}_{name}": check["figures"][name] for name in ("count", "champion", "challenger")
            }
    return summary


def _golden_count(freeze: Figures) -> int | None:
    if "golden_good_count" not in freeze:
        return None
    return int(freeze["golden_good_count"]) + int(freeze["golden_defective_count"])
