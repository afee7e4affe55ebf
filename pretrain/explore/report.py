"""The report of a search: the best recipe written ready for use, the figures, and a table of all that was tried."""

import json

import tomli_w

from inspection.errors import TrainingError
from inspection.images.folders import find_labeled_pictures
from inspection.terminal import say, show_table
from pretrain.evaluate.gain import measure_gain
from pretrain.explore.begin import Search
from pretrain.explore.candidates import ITSELF
from pretrain.explore.confirm import Confirmed, confirm, sentences
from pretrain.explore.exam import Marks, difference
from pretrain.explore.ledger import Result
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory
from pretrain.whole_files import replace_text, told_of_the_disk

_HEADINGS = ("candidate", "round", "minutes", "steps", "grade", "found", "located", "against the recipe itself (95 %)")
_AS_STARTED = "as started, no training"


def conclude(search: Search) -> dict[str, object]:
    """Confirm the best candidate, write OUT/best.toml and OUT/explore.json, show the table; returns the figures.

    Raises TrainingError where no candidate could be trained.
    """
    number = search.ledger.decisive_round
    if number is None:
        failure = next((result.failure for result in search.ledger.results if result.failure), "the time was up")
        raise TrainingError(f"{search.request.out}: no candidate was trained ({failure})", "try the recipe alone first")
    ranked = search.ledger.of_round(number)
    best = ranked[0]
    confirmed = confirm(search, best)
    _write_recipe(search, best, confirmed)
    figures = _figures(search, ranked, confirmed) | {"test": _check_labeled(search, best)}
    with told_of_the_disk(search.request.out):
        replace_text(search.request.out / "explore.json", json.dumps(figures, indent=2, allow_nan=False) + "\n")
    _show(search, ranked)
    for sentence in sentences(search, best, confirmed):
        say(sentence)
    return figures


def _best_recipe(search: Search, best: Result) -> Recipe:
    """The recipe as it was given, with the best change: it still chooses the light where that was its way."""
    given = search.request.recipe
    name = given.name if best.name == ITSELF else f"{given.name}-explored"
    return search.ledger.candidate(best.name).recipe(given).model_copy(update={"name": name})


def _write_recipe(search: Search, best: Result, confirmed: Confirmed) -> None:
    comments = [
        f"Found by `python -m pretrain explore` in {search.request.minutes:g} minutes: {best.name}.",
        *sentences(search, best, confirmed),
    ]
    values = _best_recipe(search, best).model_dump(mode="json", exclude_none=True)
    text = "".join(f"# {comment}\n" for comment in comments) + tomli_w.dumps(values)
    with told_of_the_disk(search.request.out):
        replace_text(search.request.out / "best.toml", text)


def _check_labeled(search: Search, best: Result) -> dict[str, object] | None:
    """The check on test/* for the winner, where there is one; it has had no part in the ranking."""
    if not find_labeled_pictures(search.request.images):
        return None
    say("for the record only: the winner on the labeled pictures of test/*, which ranked nobody")
    gain = measure_gain(RunDirectory(search.directory.run_of(best.round, best.name)), search.request.images)
    names = [name for name, value in gain.init.items() if isinstance(value, float)]
    show_table(
        f"{best.name} on {search.request.images}/test, not used for ranking",
        ["figure", "as started", "pretrained"],
        [(name, gain.init[name], gain.pretrained[name]) for name in names],
    )
    return gain.figures


def _figures(search: Search, ranked: list[Result], confirmed: Confirmed) -> dict[str, object]:
    best, itself = ranked[0], confirmed.itself
    return {
        "best": best.name,
        "recipe": str(search.request.out / "best.toml"),
        "change": search.ledger.candidate(best.name).change,
        "minutes": round(search.clock.spent_s / 60, 2),
        "split": search.samples.split,
        "illumination": search.ledger.illumination.value,
        "held_out_count": len(confirmed.best.clean),
        "flaw_count": len(confirmed.best.flawed),
        "confirmed": {
            "init": _marks(confirmed.start),
            "itself": _marks(itself) if itself else None,
            "best": _marks(confirmed.best),
            "gain_interval": difference(confirmed.best, confirmed.start).interval,
            "gain_over_itself_interval": difference(confirmed.best, itself).interval if itself else None,
        },
        "ranking": [
            {"name": result.name, "steps": result.step_count, **_marks(result.marks)}
            for result in ranked
            if result.marks
        ],
        "failed": {result.name: result.failure for result in search.ledger.results if result.failure},
    }


def _marks(marks: Marks) -> dict[str, float]:
    return {"grade": marks.grade, "found": marks.found, "located": marks.located}


def _show(search: Search, ranked: list[Result]) -> None:
    ledger, start = search.ledger, search.ledger.start
    rows: list[tuple[object, ...]] = [_row(search, result) for result in ranked]
    shown = {result.name for result in ranked}
    for number in reversed(range(len(ledger.rounds))):
        earlier = [result for result in ledger.of_round(number) if result.name not in shown]
        rows += [_row(search, result) for result in earlier]
        shown |= {result.name for result in earlier}
    rows.append((_AS_STARTED, None, None, None, *_marks(start).values(), None))
    rows += [
        (result.name, result.round + 1, None, None, None, None, None, "failed")
        for result in ledger.results
        if result.failure and result.name not in shown
    ]
    title = f"{search.request.recipe.name} on {search.request.images}: flaws told from clean held-out images"
    show_table(title, _HEADINGS, rows)


def _row(search: Search, result: Result) -> tuple[object, ...]:
    assert result.marks is not None
    itself = next((one.marks for one in search.ledger.of_round(result.round) if one.name == ITSELF), None)
    against = str(difference(result.marks, itself)) if itself is not None and result.name != ITSELF else None
    minutes = search.ledger.rounds[result.round].minutes
    return (result.name, result.round + 1, minutes, result.step_count, *_marks(result.marks).values(), against)
