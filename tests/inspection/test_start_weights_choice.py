"""Which local weights a training begins from."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection import start_weights
from inspection.errors import ConfigError
from inspection.start_weights import find_start_weights


def test_a_named_file_is_taken_and_none_means_none(tmp_path: Path) -> None:
    own = tmp_path / "weights.pth"
    own.write_bytes(b"numbers")
    assert find_start_weights(str(own)) == own
    assert find_start_weights("none") is None
    with pytest.raises(ConfigError, match=r"weights\.safetensors: no such file: name a weights file or 'none'"):
        find_start_weights(str(tmp_path / "weights.safetensors"))


def test_the_optional_package_is_no_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_weights, "PACKAGE", "a_package_nobody_has")
    assert find_start_weights(None) is None


def test_the_packages_weights_are_found_where_it_is_installed() -> None:
    found = find_start_weights(None)
    assert found is None or (found.is_file() and found.suffix == ".pth")
