"""The search: successive halving over short real trainings, each from the same start, within a budget of time.

Every round gives all its candidates the same time, and each later round more to fewer of them (Jamieson and Talwalkar
2016). The recipe itself stays to the end, so that what a change is worth is always measured beside it.
"""

import math
import shutil
import time
from itertools import takewhile

from inspection.errors import ConfigError, TrainingError
from inspection.terminal import say
from pretrain.explore.begin import ExploreRequest, Search, begin
from pretrain.explore.candidates import ITSELF, Candidate, candidates_for, joined
from pretrain.explore.exam import Exam, examine
from pretrain.explore.ledger import Result, Round
from pretrain.explore.report import conclude
from pretrain.processes.device import device
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train

_LEAST_TRAINING_S = 30.0
"""A shorter training tells nothing: candidates are left out rather than starved."""
_FINAL_COUNT = 3
_PLANNED_SHARE = 0.95
"""Of the time left: what takes longer than it took before shall not cost the last candidate of a round."""
_CONFIRMING_EXAMS = 3
"""As started, the recipe itself and the best, on flaws that have ranked nobody."""


def explore(request: ExploreRequest) -> dict[str, object]:
    """Search within the budget, or go on with a search that was stopped; returns its figures. Raises KensaError."""
    search = begin(request)
    run_rounds(search)
    return conclude(search)


def run_rounds(search: Search) -> None:
    """Run or go on with all rounds. Raises KensaError where the budget is too small or every candidate fails."""
    exam = search.samples.exam(search.ledger.illumination, search.start.seed)
    number = 0
    while plan := _plan(search, number):
        for candidate in plan.candidates:
            if candidate.name in {result.name for result in search.ledger.results if result.round == number}:
                continue
            if search.clock.left_s < 60 * plan.minutes:
                say(f"the time is up: {candidate.name} and what would follow is not tried in round {number + 1}")
                return
            _try(search, exam, number, plan, candidate)
            _sweep(search)
        number += 1


def round_sizes(count: int) -> list[int]:
    """How many candidates each round has: half of the round before, until few are left."""
    sizes = [count]
    while sizes[-1] > _FINAL_COUNT:
        sizes.append(max(sizes[-1] // 2, 2))
    return sizes


def _plan(search: Search, number: int) -> Round | None:
    """The round of that number, from the ledger or newly planned; None where there is none any more."""
    rounds = search.ledger.rounds
    if number < len(rounds):
        return rounds[number]
    wished = _survivors(search, number - 1) if number else candidates_for(search.start)
    each_s = _LEAST_TRAINING_S + search.ledger.overhead_s
    left_s = _PLANNED_SHARE * search.clock.left_s - _CONFIRMING_EXAMS * search.ledger.exam_s
    fitting = [count for count in range(2, len(wished) + 1) if count * each_s <= left_s / len(round_sizes(count))]
    if not fitting:
        if number == 0:
            spent_s = search.clock.spent_s + _CONFIRMING_EXAMS * search.ledger.exam_s
            needed = math.ceil((spent_s + 2 * each_s) / _PLANNED_SHARE / 60)
            raise ConfigError(
                f"--minutes {search.request.minutes:g} is too short to try anything",
                f"give at least {needed} or fewer images",
            )
        return None
    chosen = wished[: fitting[-1]]
    for candidate in wished[len(chosen) :]:
        say(f"left out for lack of time: {candidate.name}")
    share_s = left_s / len(round_sizes(len(chosen)))
    minutes = round((share_s / len(chosen) - search.ledger.overhead_s) / 60, 3)
    planned = Round(minutes=minutes, candidates=tuple(chosen))
    search.record(rounds=(*rounds, planned))
    say(f"round {number + 1}: {len(chosen)} candidates, {minutes:.1f} minutes of training each")
    return planned


def _survivors(search: Search, number: int) -> list[Candidate]:
    """The recipe itself and the best others of a round; after the first, the two best changes in one beside them."""
    sizes = round_sizes(len(search.ledger.rounds[number].candidates))
    ranked = search.ledger.of_round(number)
    names = [result.name for result in ranked if result.name != ITSELF]
    if len(sizes) < 2 or not names:
        return []
    better = list(takewhile(lambda name: name != ITSELF, (result.name for result in ranked)))
    others = [search.ledger.candidate(name) for name in names[: sizes[1] - 1]]
    both = joined([search.ledger.candidate(name) for name in better[:2]], search.start) if number == 0 else None
    itself = [one for one in search.ledger.rounds[number].candidates if one.name == ITSELF]
    return [*itself, *others, *([both] if both else [])]


def _try(search: Search, exam: Exam, number: int, plan: Round, candidate: Candidate) -> None:
    """Train a candidate, examine it and record how it fared. Its failure is its own; a full disk ends the search."""
    ledger, began = search.ledger, time.monotonic()
    place = 1 + sum(result.round == number for result in ledger.results)
    say(f"round {number + 1}, {place} of {len(plan.candidates)}: {candidate.name}")
    result = Result(round=number, name=candidate.name, took_s=0.0)
    try:
        run = _train(search, number, plan, candidate)
        marks = examine(run.load_encoder().to(device()), exam, search.start.seed)
        steps = int(run.last_metrics()["step"])
        result = result.model_copy(update={"marks": marks, "step_count": steps})
    except (TrainingError, ConfigError, RuntimeError, ValueError, MemoryError) as error:
        failure = str(error).partition("\n")[0] or type(error).__name__
        say(f"failed, the search goes on: {candidate.name}: {failure}")
        result = result.model_copy(update={"failure": failure})
    took_s = time.monotonic() - began
    beside_s = max(ledger.overhead_s, took_s - 60 * plan.minutes) if result.marks else ledger.overhead_s
    search.record(results=(*ledger.results, result.model_copy(update={"took_s": took_s})), overhead_s=beside_s)


def _train(search: Search, number: int, plan: Round, candidate: Candidate) -> RunDirectory:
    return train(
        TrainingRequest(
            recipe=candidate.recipe(search.start),
            images=search.request.images,
            out=search.directory.run_of(number, candidate.name),
            minutes=plan.minutes,
            start_weights=search.request.start_weights,
            # A training that a stop cut short goes on where it was; where there is none, this starts one.
            resume=True,
        )
    )


def _sweep(search: Search) -> None:
    """Remove every finished training that cannot win any more: each is a few hundred megabytes."""
    ledger = search.ledger
    newest = max(result.round for result in ledger.results)
    kept = set()
    for number in {newest, ledger.decisive_round} - {None}:
        assert number is not None
        names = {result.name for result in ledger.of_round(number)[:1]} | {ITSELF}
        kept |= {search.directory.run_of(number, name) for name in names}
    for result in ledger.results:
        run = search.directory.run_of(result.round, result.name)
        if run not in kept:
            shutil.rmtree(run, ignore_errors=True)
