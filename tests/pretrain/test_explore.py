"""The search: halving, failures, stopping and resuming, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from inspection.config import read_toml
from inspection.errors import ConfigError, DatasetError, TrainingError
from pretrain.__main__ import app
from pretrain.explore import begin as beginning
from pretrain.explore import search as searching
from pretrain.explore.begin import ExploreRequest, Search, begin
from pretrain.explore.candidates import ITSELF, Candidate
from pretrain.explore.exam import Exam, Marks
from pretrain.explore.ledger import Ledger, Round, SearchDirectory
from pretrain.explore.search import round_sizes, run_rounds
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest
from tests.pretrain.command_line import call
from tests.pretrain.tiny import RECIPE_TOML, tiny_recipe
from tests.pretrain.washers import write_washers

WORTH = {"patches 2 x 2, threes": 0.3, "no flaws": 0.2, "closer views": 0.1}
"""What the trainings of these tests are worth beyond the recipe itself; all others a little less than it."""


class FakeEncoder:
    """Stands for a trained encoder; all that is known of it is its worth."""

    def __init__(self, worth: float) -> None:
        self.worth = worth

    def to(self, _: object) -> FakeEncoder:
        return self


@dataclass
class Workshop:
    """Trains by writing down what was asked; `troubles` are raised instead, once each."""

    trained: list[tuple[int, str, float]] = field(default_factory=list)
    troubles: dict[str, BaseException] = field(default_factory=dict)

    def train(self, search: Search, number: int, plan: Round, candidate: Candidate) -> object:
        if trouble := self.troubles.pop(candidate.name, None):
            raise trouble
        self.trained.append((number, candidate.name, plan.minutes))
        search.directory.run_of(number, candidate.name).mkdir(parents=True)
        # As if the time had been spent.
        search.clock._began -= 60 * plan.minutes

        class Run:
            def load_encoder(self) -> FakeEncoder:
                worths = [WORTH.get(name, -0.05) for name in candidate.name.split(" + ")]
                return FakeEncoder(0.0 if candidate.name == ITSELF else sum(worths))

            def last_metrics(self) -> dict[str, float]:
                return {"step": 7.0}

        return Run()

    def names(self, number: int) -> list[str]:
        return [name for round_, name, _ in self.trained if round_ == number]


def fake_examine(encoder: object, exam: Exam, seed: int) -> Marks:
    worth = cast(FakeEncoder, encoder).worth if isinstance(encoder, FakeEncoder) else 0.0
    located = tuple(0.6 + worth / 10 for _ in exam.owners)
    return Marks((0.0,) * len(exam.clean), (1.0,) * len(exam.flawed), located, tuple(exam.owners.tolist()))


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = Workshop()
    monkeypatch.setattr(searching, "_train", made.train)
    for module in (searching, beginning):
        monkeypatch.setattr(module, "examine", fake_examine)
    return made


@pytest.fixture
def ask(washers: Path, tmp_path: Path) -> Callable[..., ExploreRequest]:
    def request(*, minutes: float = 60.0, resume: bool = False, recipe: Recipe | None = None) -> ExploreRequest:
        chosen = recipe or tiny_recipe(dense_weight=1.0, flaw_weight=1.0)
        return ExploreRequest(chosen, washers, tmp_path / "search", minutes, resume=resume)

    return request


def test_rounds_halve() -> None:
    assert round_sizes(14) == [14, 7, 3]
    assert round_sizes(4) == [4, 2]
    assert round_sizes(3) == [3]
    assert round_sizes(2) == [2]


def test_the_best_survive_with_the_recipe_itself_and_train_longer(
    workshop: Workshop, ask: Callable[..., ExploreRequest]
) -> None:
    search = begin(ask())
    run_rounds(search)
    sizes = [len(workshop.names(number)) for number in range(len(search.ledger.rounds))]
    assert sizes[0] > 10
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 3
    assert all(ITSELF in workshop.names(number) for number in range(len(sizes)))
    minutes = [round_.minutes for round_ in search.ledger.rounds]
    assert minutes == sorted(minutes)
    assert set(WORTH) <= set(workshop.names(1))
    assert "patches 2 x 2, threes + no flaws" in workshop.names(1)
    decisive = search.ledger.decisive_round
    assert decisive == len(sizes) - 1
    assert search.ledger.of_round(decisive)[0].name == "patches 2 x 2, threes + no flaws"


def test_the_rounds_fit_the_budget(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    search = begin(ask(minutes=30.0))
    run_rounds(search)
    assert 15 < sum(minutes for _, _, minutes in workshop.trained) <= 30


def test_a_small_budget_leaves_candidates_out_and_names_them(
    workshop: Workshop, ask: Callable[..., ExploreRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    search = begin(ask(minutes=4.0))
    run_rounds(search)
    assert 2 <= len(workshop.names(0)) < 8
    assert "left out for lack of time: " in capsys.readouterr().err
    assert all(minutes * 60 >= searching._LEAST_TRAINING_S - 1 for _, _, minutes in workshop.trained)


def test_a_budget_for_nothing_is_refused(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    with pytest.raises(ConfigError, match=r"--minutes 0\.1 is too short to try anything: give at least 2 "):
        run_rounds(begin(ask(minutes=0.1)))
    assert workshop.trained == []


@pytest.mark.parametrize(
    "trouble", [TrainingError("step 3: the loss is not finite", "lower it"), RuntimeError("out of memory")]
)
def test_a_candidate_that_fails_is_recorded_and_the_search_goes_on(
    trouble: Exception, workshop: Workshop, ask: Callable[..., ExploreRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.troubles["closer views"] = trouble
    search = begin(ask())
    run_rounds(search)
    failed = [result for result in search.ledger.results if result.failure]
    assert [result.name for result in failed] == ["closer views"]
    assert str(trouble).startswith(failed[0].failure or "-")
    assert "closer views" not in workshop.names(1)
    assert len(workshop.names(1)) > 2
    assert "failed, the search goes on: closer views" in capsys.readouterr().err


def test_what_is_wrong_with_the_images_ends_the_search(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    workshop.troubles["closer views"] = DatasetError("images: gone", "bring them back")
    with pytest.raises(DatasetError):
        run_rounds(begin(ask()))


def test_a_search_in_which_all_fails_says_why(
    workshop: Workshop, ask: Callable[..., ExploreRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise TrainingError("step 3: the loss is not finite", "lower it")

    monkeypatch.setattr(searching, "_train", fail)
    with pytest.raises(TrainingError, match="no candidate was trained"):
        searching.explore(ask())


def test_a_stopped_search_goes_on_where_it_was(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    workshop.troubles["no flaws"] = KeyboardInterrupt()
    stopped = begin(ask())
    with pytest.raises(KeyboardInterrupt):
        run_rounds(stopped)
    before = list(workshop.trained)
    assert before
    resumed = begin(ask(resume=True))
    assert resumed.ledger.results == stopped.ledger.results
    assert resumed.ledger.rounds == stopped.ledger.rounds
    assert resumed.clock.spent_s >= stopped.ledger.spent_s
    run_rounds(resumed)
    assert workshop.trained[: len(before)] == before
    assert len({(number, name) for number, name, _ in workshop.trained}) == len(workshop.trained)
    assert "no flaws" in workshop.names(0)


def test_a_finished_search_trains_nothing_more(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    run_rounds(begin(ask()))
    count = len(workshop.trained)
    run_rounds(begin(ask(resume=True)))
    assert len(workshop.trained) == count


def test_time_that_is_up_stops_before_the_next_training(
    workshop: Workshop, ask: Callable[..., ExploreRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    search = begin(ask())
    run_rounds(search)
    workshop.trained.clear()
    search.ledger = search.ledger.model_copy(update={"results": ()})
    run_rounds(search)
    assert workshop.trained == []
    assert "the time is up" in capsys.readouterr().err


def test_another_question_needs_another_place(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    begin(ask())
    with pytest.raises(TrainingError, match="holds a search already: add --resume"):
        begin(ask())
    with pytest.raises(TrainingError, match="was started with another recipe"):
        begin(ask(resume=True, minutes=61.0))
    (ask().out / "search.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"search.json: cannot be read"):
        begin(ask(resume=True))


def test_only_trainings_that_may_still_win_stay_on_disk(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    search = begin(ask())
    run_rounds(search)
    last = len(search.ledger.rounds) - 1
    best = search.ledger.of_round(last)[0].name
    kept = set((ask().out / "runs").iterdir())
    assert kept == {search.directory.run_of(last, best), search.directory.run_of(last, ITSELF)}


def test_an_encoder_that_adapts_weights_needs_some(workshop: Workshop, ask: Callable[..., ExploreRequest]) -> None:
    recipe = tiny_recipe().model_copy(update={"needs_start_weights": True})
    with pytest.raises(TrainingError, match="adapts start weights and there are none: give --init"):
        begin(ask(recipe=recipe))


def test_a_real_search_from_end_to_end(
    washers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "_FLAW_COUNT", 16)
    write_washers(tmp_path / "images" / "train" / "good", range(16))
    write_washers(tmp_path / "images" / "test" / "good", range(20, 24))
    write_washers(tmp_path / "images" / "test" / "blot", range(30, 34), flaw=True)
    (tmp_path / "tiny.toml").write_text(RECIPE_TOML, encoding="utf-8")
    seen: list[TrainingRequest] = []
    train = searching.train

    def train_few_steps(request: TrainingRequest) -> RunDirectory:
        seen.append(request)
        return train(replace(request, minutes=None))

    monkeypatch.setattr(searching, "train", train_few_steps)
    candidates = [Candidate(ITSELF, {}), Candidate("patches 3 x 3, pairs", {"method.grid": 3})]
    monkeypatch.setattr(searching, "candidates_for", lambda _: candidates)
    out = tmp_path / "search"
    answer = call(
        app, capsys, monkeypatch, "explore", "--recipe", tmp_path / "tiny.toml", "--images", tmp_path / "images",
        "--out", out, "--minutes", "9",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    assert len(seen) == 2
    assert len({request.recipe.sha256() for request in seen}) == 2
    assert {request.minutes for request in seen} == {seen[0].minutes}
    figures = answer.figures
    assert figures == json.loads((out / "explore.json").read_text(encoding="utf-8"))
    assert figures["flaw_count"] >= 16
    assert {"init", "itself", "best"} <= set(figures["confirmed"])
    assert "image_auroc" in figures["test"]["pretrained"]
    assert "which ranked nobody" in " ".join(answer.err.split())
    assert "as started, no training" in answer.out
    found = read_toml(out / "best.toml", Recipe)
    assert found.method.grid == (3 if figures["best"] != ITSELF else 2)
    assert SearchDirectory(out).read() is not None
    assert RunDirectory(out / "runs" / "1-the-recipe-itself").is_finished


def test_labeled_pictures_have_no_part_in_the_ranking(workshop: Workshop, washers: Path, tmp_path: Path) -> None:
    ledgers: list[Ledger] = []
    for labeled in (False, True):
        images = tmp_path / f"images-{labeled}"
        write_washers(images / "train" / "good", range(16))
        if labeled:
            (images / "test" / "broken").mkdir(parents=True)
            (images / "test" / "broken" / "0.png").write_bytes(b"no picture")
        search = begin(ExploreRequest(tiny_recipe(), images, tmp_path / f"search-{labeled}", 60.0))
        run_rounds(search)
        ledgers.append(search.ledger)
    assert ledgers[0].asked == ledgers[1].asked
    assert [result.marks for result in ledgers[0].results] == [result.marks for result in ledgers[1].results]
