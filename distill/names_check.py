"""How well a few named examples of each defect let the others be named, on labeled pictures of all of them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.evaluate import bytes_of
from inspection.bundle.reader import open_bundle
from inspection.errors import DatasetError
from inspection.images.folders import LabeledPicture, find_labeled_pictures
from inspection.inspector import Inspector
from inspection.naming import LEAST_EXAMPLES, describe, suggest_name
from inspection.terminal import track
from inspection.verdict import Verdict

_DRAWS = 100


@dataclass(frozen=True)
class NamesCheck:
    """Shares of defective pictures that are no examples, in all and by kind, over many draws of the examples.

    `flagged_good_named` is the share of good pictures that were not passed and got a name all the same; None where all
    were passed.
    """

    examples: int
    right: float
    wrong: float
    unknown: float
    flagged_good_named: float | None
    by_defect: dict[str, dict[str, float]]


def check_names(bundle: Path, images: Path, examples: int, seed: int = 0) -> NamesCheck:
    """Draw `examples` of each kind in images/test again and again, and let `suggest_name` name the rest.

    Raises DatasetError where fewer than two kinds have more pictures than examples.
    """
    described = _describe_all(open_bundle(bundle), images)
    kinds = {kind: seen for kind, seen in described.items() if kind and len(seen) > examples}
    if examples < LEAST_EXAMPLES or len(kinds) < 2:
        raise DatasetError(
            f"{images}: {len(kinds)} kinds of defects with more than {examples} pictures that can be judged",
            f"give test folders of two kinds or more, and at least {LEAST_EXAMPLES} examples",
        )
    rng = np.random.default_rng(seed)
    answers: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    of_good: Counter[str] = Counter()
    for _ in range(_DRAWS):
        orders = {kind: rng.permutation(len(seen)) for kind, seen in kinds.items()}
        known = {kind: [seen[place] for place in orders[kind][:examples]] for kind, seen in kinds.items()}
        for kind, seen in kinds.items():
            answers[kind].update(_answer(seen[place], known, kind) for place in orders[kind][examples:])
        of_good.update(_answer(one, known, "") for one in described.get("", []))
    shares = {kind: _shares(counted) for kind, counted in answers.items()}
    named = 1 - of_good["unknown"] / of_good.total() if of_good else None
    return NamesCheck(examples, **_shares(sum(answers.values(), Counter())), flagged_good_named=named, by_defect=shares)


def _describe_all(inspector: Inspector, images: Path) -> dict[str, list[np.ndarray]]:
    """Embeddings float32 [D] by kind; those of good pictures that are not passed stand under ""."""
    found: dict[str, list[np.ndarray]] = {}
    pictures = find_labeled_pictures(images)
    for picture in track(pictures, "describing", len(pictures)):
        own = _describe(inspector, picture)
        if own is not None:
            found.setdefault(picture.defect if picture.is_defective else "", []).append(own)
    return found


def _describe(inspector: Inspector, picture: LabeledPicture) -> np.ndarray | None:
    data = bytes_of(picture.path)
    if not picture.is_defective and inspector.inspect(data).verdict is Verdict.PASS:
        return None
    return describe(inspector, data)


def _answer(own: np.ndarray, known: dict[str, list[np.ndarray]], kind: str) -> str:
    suggestion = suggest_name(own, known)
    if suggestion is None:
        return "unknown"
    return "right" if suggestion.name == kind else "wrong"


def _shares(counted: Counter[str]) -> dict[str, float]:
    return {answer: counted[answer] / counted.total() for answer in ("right", "wrong", "unknown")}
