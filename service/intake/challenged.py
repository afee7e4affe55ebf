"""What challenge parts mean for an image: the gate holds others, and a challenge part's own verdict is noted."""

from collections.abc import Sequence
from dataclasses import replace

from anyio.to_thread import run_sync

from inspection.verdict import Judgement, Verdict
from service.challenge.operations import ShownImage, note_shown
from service.intake.answers import worst_of
from service.intake.findings import Finding
from service.intake.recording import Recorded
from service.intake.schemas import Trigger
from service.runtime import Runtime


def hold_where_shut(runtime: Runtime, trigger: Trigger, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """HOLD for every image of a station whose gate is shut; its scores stay, for whoever decides about it."""
    shut = runtime.challenge.shut(trigger.station, trigger.part_id)
    if shut is None:
        return tuple(findings)
    held = Judgement(Verdict.HOLD, shut.reason)
    return tuple(
        finding
        if finding.inspection.verdict is Verdict.HOLD
        else replace(finding, inspection=replace(finding.inspection, judgement=held, detail=shut.detail))
        for finding in findings
    )


async def note_challenge(runtime: Runtime, trigger: Trigger, recorded: Recorded) -> None:
    """After the record: were this a crash's place, the part would count as not shown, and the gate stay shut."""
    part_id = runtime.challenge.known_part_id(trigger.station, trigger.part_id)
    if part_id is None or not recorded.was_first:
        return
    images = [ShownImage(one.id, one.verdict, one.part_score is not None) for one in recorded.answers]
    verdict = worst_of(recorded.answers).verdict
    await run_sync(lambda: note_shown(runtime.database, part_id, images, verdict))
    await runtime.challenge.refresh()
