"""What every test gets: a scrubbed environment and, where it asks, a Chromium."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

# For `make test-hostile`: five tests of so many images each.
settings.register_profile("hostile", max_examples=6000, deadline=None)

# Before anything imports numpy, OpenCV, torch or ONNX Runtime: two processes on two cores must not fight, and
# sums must come out the same each time. Nothing may ask a model hub for anything.
# What the tests are asked for, by the Makefile or by hand; all other KENSA_ names are settings of the product.
FOR_TESTS = frozenset({"KENSA_WRITE_SCREENSHOTS", "KENSA_SHIFT_PARTS", "KENSA_SHIFT_THINK_S", "KENSA_ARTEFACTS"})
SETTINGS = [name for name in os.environ if name.startswith("KENSA_") and name not in FOR_TESTS]
for _name in SETTINGS:
    del os.environ[_name]
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_name] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["PYTHONHASHSEED"] = "0"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(autouse=True)
def scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a setting of the person who runs it, nor one that another test left behind."""
    for name in os.environ:
        if name.startswith("KENSA_") and name not in FOR_TESTS:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A system Chromium for playwright. Skips where there is none, but fails in CI (CI=true)."""
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no chromium on PATH; CI must not skip the browser tests (apt-get install chromium)")
    if found is None:
        pytest.skip("no chromium on PATH (apt-get install chromium)")
    return found
