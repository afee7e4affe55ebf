"""The search on disk: what was asked, the rounds, and the marks of each candidate. A killed search goes on from it.

OUT/search.json     this ledger
OUT/runs/           the trainings that may still win
OUT/best.toml       the recipe found      OUT/explore.json   the figures a script reads
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from inspection.config import Settings
from inspection.errors import TrainingError
from inspection.images.illumination import Illumination
from pretrain.explore.candidates import Candidate
from pretrain.explore.exam import Marks
from pretrain.whole_files import replace_text, told_of_the_disk


class Asked(Settings):
    """What a search is for; one with other answers is another search."""

    recipe_sha256: str
    images_sha256: str
    start_weights_sha256: str | None
    minutes: float
    seed: int


class Round(Settings):
    """Candidates that train for the same time; the recipe itself is the first of them."""

    minutes: float
    candidates: tuple[Candidate, ...]


class Result(Settings):
    """How a candidate fared in a round: its marks, or why it has none."""

    round: int
    name: str
    marks: Marks | None = None
    failure: str | None = None
    step_count: int = 0
    took_s: float


class Ledger(Settings):
    """All of a search."""

    asked: Asked
    illumination: Illumination
    start: Marks
    exam_s: float
    """How long one exam takes."""
    overhead_s: float
    """What a candidate costs beside its schedule: images to read, and its exam."""
    spent_s: float
    rounds: tuple[Round, ...] = ()
    results: tuple[Result, ...] = ()

    def of_round(self, number: int) -> list[Result]:
        """Results of a round that have marks, best first; ties go to the one listed first."""
        marked = [result for result in self.results if result.round == number and result.marks]
        return sorted(marked, key=lambda result: result.marks.grade if result.marks else 0.0, reverse=True)

    def is_complete(self, number: int) -> bool:
        return sum(result.round == number for result in self.results) == len(self.rounds[number].candidates)

    @property
    def decisive_round(self) -> int | None:
        """The last round that was completed; where none was, the first if it has marks."""
        complete = [number for number in range(len(self.rounds)) if self.is_complete(number) and self.of_round(number)]
        if complete:
            return complete[-1]
        return 0 if self.of_round(0) else None

    def candidate(self, name: str) -> Candidate:
        return next(one for round_ in self.rounds for one in round_.candidates if one.name == name)


@dataclass(frozen=True)
class SearchDirectory:
    """Paths of a search, and reading and writing of its ledger."""

    root: Path

    @property
    def ledger_file(self) -> Path:
        return self.root / "search.json"

    def run_of(self, round_number: int, name: str) -> Path:
        return self.root / "runs" / f"{round_number + 1}-{re.sub('[^a-z0-9]+', '-', name.lower())}"

    def write(self, ledger: Ledger) -> None:
        with told_of_the_disk(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            replace_text(self.ledger_file, ledger.model_dump_json(indent=1) + "\n")

    def read(self) -> Ledger | None:
        """The ledger; None where there is none yet. Raises TrainingError for one that cannot be read."""
        try:
            return Ledger.model_validate_json(self.ledger_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            reason = str(error).partition("\n")[0][:120]
            raise TrainingError(f"{self.ledger_file}: cannot be read ({reason})", "choose another --out") from None
