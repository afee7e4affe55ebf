"""Made and mutated images through the whole inspector: no crash, and no PASS for an image that could not be judged.

`make test` tries some hundreds; `make test-hostile` more than 20 000 (`--hypothesis-profile=hostile`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageFile, UnidentifiedImageError

from inspection.bundle.reader import open_bundle
from inspection.images.decode import MAX_PIXEL_COUNT
from inspection.inspector import Inspector
from inspection.verdict import Reason, Verdict
from tests.bundles import make_bundle, part_picture

# Registered in tests/conftest.py; without it hypothesis' own hundred.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
NOT_JUDGED = {Reason.UNDECODABLE, Reason.WRONG_SIZE, Reason.TOO_DARK, Reason.TOO_BRIGHT, Reason.FLAT}
SUFFIXES = (".png", ".jpg", ".bmp", ".tiff")


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    directory = tmp_path_factory.mktemp("bundles") / "tiny"
    make_bundle(directory)
    return open_bundle(directory, threads=1)


def good_parts() -> list[bytes]:
    """Files that pass as they are: whatever a mutation makes of them could pass by mistake."""
    pixels = part_picture(1, height_px=48, width_px=64)
    return [cv2.imencode(suffix, pixels)[1].tobytes() for suffix in SUFFIXES]


GOOD = good_parts()


def independent_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) where Pillow, whose decoders are others, can read every pixel; else None."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        # It warns of odd notes in a file, which are no pixels.
        with warnings.catch_warnings(action="ignore"), Pillow.open(io.BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Pillow.DecompressionBombError, OverflowError):
        return None


def judge(inspector: Inspector, data: bytes) -> Verdict:
    """The verdict, once it is known to be one that this image may have."""
    inspection = inspector.inspect(data)
    if inspection.local_score is None:
        assert inspection.verdict is Verdict.HOLD
        assert inspection.reason in NOT_JUDGED
    else:
        assert np.isfinite([inspection.local_score, inspection.global_score]).all()
    if inspection.verdict is Verdict.PASS:
        assert independent_size(data) == (inspection.width_px, inspection.height_px)
    return inspection.verdict


Edit = Callable[[bytearray], None]


def set_byte(place: float, value: int) -> Edit:
    def edit(data: bytearray) -> None:
        data[int(place * (len(data) - 1))] = value

    return edit


def set_early_byte(position: int, value: int) -> Edit:
    def edit(data: bytearray) -> None:
        data[min(position, len(data) - 1)] = value

    return edit


def cut(place: float) -> Edit:
    def edit(data: bytearray) -> None:
        del data[max(int(place * len(data)), 1) :]

    return edit


def take_out(place: float, length: int) -> Edit:
    def edit(data: bytearray) -> None:
        start = min(int(place * len(data)), len(data) - 2)
        del data[max(start, 1) : start + length]

    return edit


def fill(place: float, length: int, value: int) -> Edit:
    def edit(data: bytearray) -> None:
        start = int(place * (len(data) - 1))
        data[start : start + length] = bytes([value]) * len(data[start : start + length])

    return edit


PLACES, BYTES = st.floats(0, 1), st.integers(0, 255)
EDITS: st.SearchStrategy[list[Edit]] = st.lists(
    st.one_of(
        st.builds(set_byte, PLACES, BYTES),
        st.builds(set_early_byte, st.integers(0, 120), BYTES),
        st.builds(cut, PLACES),
        st.builds(take_out, PLACES, st.integers(1, 60)),
        st.builds(fill, PLACES, st.integers(1, 400), st.sampled_from([0, 255])),
    ),
    min_size=1,
    max_size=5,
)


@UNHURRIED
@given(st.sampled_from(GOOD), EDITS)
def test_a_mutated_file(inspector: Inspector, file: bytes, edits: list[Edit]) -> None:
    data = bytearray(file)
    for edit in edits:
        edit(data)
    assert judge(inspector, bytes(data)) in Verdict


@UNHURRIED
@given(st.sampled_from(GOOD), st.sampled_from(GOOD), PLACES)
def test_the_head_of_one_file_on_the_tail_of_another(
    inspector: Inspector, head: bytes, tail: bytes, place: float
) -> None:
    assert judge(inspector, head[: int(place * len(head))] + tail[int(place * len(tail)) :]) in Verdict


@UNHURRIED
@given(
    st.sampled_from(SUFFIXES),
    st.integers(1, 80),
    st.integers(1, 80),
    st.sampled_from([np.uint8, np.uint16]),
    st.sampled_from([1, 3]),
    st.integers(0, 255),
    st.integers(0, 127),
    st.integers(0, 2**32 - 1),
)
def test_a_made_image(
    inspector: Inspector,
    suffix: str,
    height: int,
    width: int,
    depth: type,
    channels: int,
    level: int,
    noise: int,
    seed: int,
) -> None:
    deep = depth is np.uint16 and suffix in (".png", ".tiff")
    chance = np.random.default_rng(seed)
    pixels = np.clip(level + chance.normal(0, noise + 1e-9, (height, width, channels)), 0, 255)
    made = (pixels * 257).astype(np.uint16) if deep else pixels.astype(np.uint8)
    verdict = judge(inspector, cv2.imencode(suffix, made)[1].tobytes())
    if min(height, width) < 16 or (level < 5 and noise == 0):
        assert verdict is Verdict.HOLD


@UNHURRIED
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"]), st.binary(max_size=300)
)
def test_random_bytes(inspector: Inspector, signature: bytes, tail: bytes) -> None:
    assert judge(inspector, signature + tail) is Verdict.HOLD


def test_what_passes_untouched_is_what_was_mutated(inspector: Inspector) -> None:
    assert [judge(inspector, file) for file in GOOD] == [Verdict.PASS] * len(GOOD)


@pytest.mark.parametrize("side_px", [10_001, 60_000])
def test_a_bomb_is_refused_by_its_header(inspector: Inspector, side_px: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG of some hundred bytes that would fill the memory; nothing of it is decoded."""
    png = bytearray(GOOD[0])
    png[16:24] = side_px.to_bytes(4, "big") * 2
    assert side_px**2 > MAX_PIXEL_COUNT
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert inspector.inspect(bytes(png)).reason is Reason.WRONG_SIZE
