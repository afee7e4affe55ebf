"""Every command line explains itself."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT
from tests.conftest import FOR_TESTS

COMMANDS = {
    "inspection": [[]],
    "pretrain": [[], ["train"], ["bench"]],
    "distill": [[], ["build"], ["poc"], ["peers"], ["bench"], ["verify"], ["recalibrate"], ["quantise"]],
    "service": [[], ["serve"]],
    "deploy.bench": [[]],
    "deploy.demo": [[]],
    "deploy.sim": [[]],
}


def programs() -> list[str]:
    """Packages that `python -m` can run."""
    mains = [*ROOT.glob("*/__main__.py"), *ROOT.glob("deploy/*/__main__.py")]
    return sorted(".".join(path.parent.relative_to(ROOT).parts) for path in mains)


def test_every_program_is_listed() -> None:
    assert set(programs()) <= set(COMMANDS)


@pytest.mark.parametrize(
    ("program", "words"), [(program, words) for program in programs() for words in COMMANDS[program]]
)
def test_help_works(program: str, words: list[str]) -> None:
    command = [sys.executable, "-m", program, *words, "--help"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "--help" in answer.stdout


def test_what_make_asks_of_tests_reaches_them() -> None:
    recipes = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
    asked = {name for recipe in recipes if "pytest" in recipe for name in re.findall(r"\b(KENSA_\w+)=", recipe)}
    assert asked
    assert asked <= FOR_TESTS
