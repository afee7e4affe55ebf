"""Modules stay under 300 lines, functions under 50, and a module is named for its one idea."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.sources import ROOT, project_modules

MODULE_LINES = 300
FUNCTION_LINES = 50
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}


def function_lines(path: Path) -> list[tuple[str, int]]:
    """Name and length (from `def` to its last line) of each function in a Python module."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions]


def test_modules_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in project_modules()}
    assert lengths
    assert [f"{path.relative_to(ROOT)}: {n}" for path, n in lengths.items() if n >= MODULE_LINES] == []


def test_functions_are_short() -> None:
    modules = [path for path in project_modules() if path.suffix == ".py"]
    assert modules
    giants = [
        f"{path.relative_to(ROOT)}: {name} {length}"
        for path in modules
        for name, length in function_lines(path)
        if length >= FUNCTION_LINES
    ]
    assert giants == []


def test_function_lengths_are_measured(tmp_path: Path) -> None:
    source = tmp_path / "long.py"
    source.write_text("def outer():\n    def inner():\n        pass\n    return inner\n")
    assert function_lines(source) == [("outer", 4), ("inner", 2)]


def test_modules_are_named_for_an_idea() -> None:
    modules = project_modules()
    assert modules
    names = {path: {path.stem, *path.relative_to(ROOT).parts[:-1]} for path in modules}
    assert [str(path.relative_to(ROOT)) for path, parts in names.items() if parts & NAMELESS] == []
