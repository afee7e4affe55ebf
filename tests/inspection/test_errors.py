"""Every error of the tree is a line with a remedy, and drawn in the tree at the top of its file."""

from __future__ import annotations

import re

import pytest

from inspection import errors
from inspection.errors import KensaError

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, KensaError)]


@pytest.mark.parametrize("kind", TREE)
def test_an_error_is_a_problem_and_a_remedy(kind: type[KensaError]) -> None:
    error = kind("part 7.png: cut short", "send it again")
    assert str(error) == "part 7.png: cut short: send it again"
    assert (error.problem, error.remedy) == ("part 7.png: cut short", "send it again")


def test_the_drawing_shows_the_tree() -> None:
    drawn: dict[str, str] = {}
    parents = ["KensaError"]
    for branch, name in re.findall(r"^([│ ]*[├└]── )(\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(branch) // 4
        del parents[depth:]
        drawn[name] = parents[-1]
        parents.append(name)
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in TREE if kind is not KensaError and kind.__base__}
