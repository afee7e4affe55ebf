"""The confirmation: the best candidate on flaws that have ranked nobody, beside the recipe itself and the start.

Whoever comes first among many is partly lucky; new flaws take the luck away.
"""

from dataclasses import dataclass

from inspection.errors import TrainingError
from pretrain.explore.begin import Search, start_encoder
from pretrain.explore.candidates import ITSELF
from pretrain.explore.exam import Marks, difference, examine
from pretrain.explore.ledger import Result
from pretrain.processes.device import device
from pretrain.run_directory import RunDirectory

_OTHER_SEED = 1_000_003
"""Added to the recipe's, for the flaws that confirm."""


@dataclass(frozen=True)
class Confirmed:
    """Marks on flaws that took no part in the ranking; without the recipe itself where its training failed."""

    start: Marks
    best: Marks
    itself: Marks | None


def confirm(search: Search, best: Result) -> Confirmed:
    """Examine once more. Raises TrainingError where the best training is gone."""
    seed = search.start.seed + _OTHER_SEED
    exam = search.samples.exam(search.ledger.illumination, seed)

    def of_run(name: str) -> Marks | None:
        run = RunDirectory(search.directory.run_of(best.round, name))
        return examine(run.load_encoder().to(device()), exam, seed) if run.is_finished else None

    of_best, itself = of_run(best.name), of_run(ITSELF)
    if of_best is None:
        missing = search.directory.run_of(best.round, best.name)
        raise TrainingError(f"{missing}: the best training is not there any more", "start the search anew")
    return Confirmed(examine(start_encoder(search.request), exam, seed), of_best, itself)


def sentences(search: Search, best: Result, confirmed: Confirmed) -> list[str]:
    """What the confirmation says, and what it cannot say."""
    told = [
        f"Judged by {len(confirmed.best.flawed)} synthetic flaws on {len(confirmed.best.clean)} held-out images, split "
        f"{search.samples.split}: a stand-in for real defects, without any label.",
        "Intervals cover the choice of images, not the luck that one training has over another.",
    ]
    if best.name == ITSELF:
        told.append("No change was better than the recipe itself.")
    elif confirmed.itself is not None:
        gain = difference(confirmed.best, confirmed.itself)
        place = "better than the recipe itself" if gain.interval[0] > 0 else "not told apart from the recipe itself"
        told.append(f"On flaws that ranked nobody, {best.name} is {place}: {gain}.")
    gain = difference(confirmed.best, confirmed.start)
    effect = "did no harm and no good that can be told"
    if gain.interval[0] > 0:
        effect = "helped"
    elif gain.interval[1] < 0:
        effect = "did harm"
    return [*told, f"Training {effect}, against the encoder as it started: {gain}, 95 % interval."]
