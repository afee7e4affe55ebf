"""People's decisions on parts, from a CSV file: what was confirmed as a defect is no normal image."""

import csv
from collections.abc import Sequence
from pathlib import Path

from inspection.errors import DatasetError

CONFIRMED, FALSE_ALARM, UNCLEAR = "confirmed_defect", "false_alarm", "unclear"
_DECISIONS = (CONFIRMED, FALSE_ALARM, UNCLEAR)
_PART_COLUMNS = ("image", "part_id")
_DECISION_COLUMNS = ("decision", "disposition")


def read_dispositions(path: Path) -> dict[str, str]:
    """Decisions by image path or part id; of several on one part the last counts. Raises DatasetError."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: {error}", "give a CSV file in UTF-8") from None
    columns = list(rows[0]) if rows else []
    part = next((name for name in _PART_COLUMNS if name in columns), None)
    decision = next((name for name in _DECISION_COLUMNS if name in columns), None)
    if part is None or decision is None:
        raise DatasetError(
            f"{path}: has no columns for part and decision",
            f"name them {' or '.join(_PART_COLUMNS)}, and {' or '.join(_DECISION_COLUMNS)}, in its first line",
        )
    decisions: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if row[decision] not in _DECISIONS:
            raise DatasetError(
                f"{path}: line {number}: {decision} is {row[decision]!r}", f"write one of {', '.join(_DECISIONS)}"
            )
        decisions[row[part]] = row[decision]
    return decisions


def match_dispositions(decisions: dict[str, str], root: Path, paths: Sequence[Path]) -> list[str | None]:
    """The decision on each of `paths`: by its path below `root`, its name, or its name without ending (a part id)."""
    matched = []
    for path in paths:
        names = (str(path), str(path.relative_to(root)), path.name, path.stem)
        matched.append(next((decisions[name] for name in names if name in decisions), None))
    return matched
