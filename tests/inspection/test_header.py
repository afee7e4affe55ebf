"""The size read from the first bytes is the size that decoding gives."""

from __future__ import annotations

import struct
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.images.header import jpeg_segments, read_size
from tests.inspection.image_files import HEIGHT, WIDTH, samples, smooth_pixels, tiff_by_hand, with_opencv, with_pillow


@pytest.mark.parametrize("kind", samples())
def test_every_kind_tells_its_size(kind: str) -> None:
    assert read_size(samples()[kind].data) == (WIDTH, HEIGHT)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([".png", ".jpg", ".bmp", ".tiff"]))
def test_as_opencv_reads_it(width: int, height: int, suffix: str) -> None:
    data = with_opencv(np.full((height, width, 1), 77, np.uint8), suffix)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert read_size(data) == (decoded.shape[1], decoded.shape[0])


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_of_tiff(order: Literal["<", ">"]) -> None:
    assert read_size(tiff_by_hand(np.zeros((300, 70, 1), np.uint16), order)) == (70, 300)


def test_sides_longer_than_16_bits() -> None:
    assert read_size(with_opencv(np.zeros((2, 70_000, 1), np.uint8), ".png")) == (70_000, 2)
    assert read_size(with_opencv(np.zeros((70_000, 2, 1), np.uint8), ".bmp")) == (2, 70_000)


def test_rows_from_top_to_bottom() -> None:
    data = bytearray(samples()["bmp colour"].data)
    data[22:26] = struct.pack("<i", -HEIGHT)
    assert read_size(bytes(data)) == (WIDTH, HEIGHT)


def test_a_thumbnail_in_a_jpeg_is_not_its_size() -> None:
    thumbnail = with_pillow(smooth_pixels(1)[:17, :18], "JPEG")
    whole = samples()["jpeg colour"].data
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + whole[2:]
    assert read_size(data) == (WIDTH, HEIGHT)


def test_stray_bytes_and_bare_markers_hide_no_second_size() -> None:
    """A decoder skips what stands between segments; this reader must see the frame that the decoder sees."""
    whole = samples()["jpeg grey"].data
    for stray in (b"\xff\xff\xff", b"junk", b"\xff\x01", b"\xff\xd0"):
        data = whole[:20] + stray + whole[20:]
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert decoded is not None
        assert read_size(data) == (decoded.shape[1], decoded.shape[0])


def test_of_a_repeated_tiff_tag_the_first_counts() -> None:
    data = bytearray(tiff_by_hand(np.full((20, 30, 1), 9, np.uint8), "<"))
    # The rows-per-strip tag becomes a second height, of one row: a reader that believes it could be led astray.
    entry = data.index(struct.pack("<HHI", 278, 3, 1))
    data[entry : entry + 12] = struct.pack("<HHIHH", 257, 3, 1, 1, 0)
    assert read_size(bytes(data)) == (30, 20)


def test_a_tiff_side_of_an_odd_type_is_not_believed() -> None:
    data = bytearray(tiff_by_hand(np.full((20, 30, 1), 9, np.uint8), "<"))
    entry = data.index(struct.pack("<HHI", 256, 3, 1))
    data[entry + 2 : entry + 4] = struct.pack("<H", 11)
    assert read_size(bytes(data)) is None


@pytest.mark.parametrize("kind", samples())
def test_any_cut_is_none_or_the_size(kind: str) -> None:
    data = samples()[kind].data
    assert {read_size(data[:length]) for length in range(min(len(data), 700))} <= {None, (WIDTH, HEIGHT)}


def test_segments_of_a_jpeg_end_with_its_end() -> None:
    markers = [marker for marker, _ in jpeg_segments(samples()["jpeg progressive"].data + b"\xff\xd8 more")]
    assert markers[0] == 0xE0
    assert markers.count(0xDA) > 1
    assert markers[-1] == 0xD9
