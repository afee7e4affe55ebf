"""Files cut short or changed on their way: refused or decoded wholly, never half an image, never another exception."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.errors import ImageError, UndecodableImage
from inspection.images.decode import decode_image
from inspection.images.header import read_size
from inspection.images.wholeness import is_whole
from tests.inspection.image_files import png_chunk, samples, smooth_pixels, with_pillow

ROOT = Path(__file__).resolve().parents[2]
KINDS = sorted(samples())
SIGNATURES = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"]


def decoded_or_none(data: bytes) -> np.ndarray | None:
    """The image, or None where it is refused; any exception but ImageError goes through."""
    try:
        return decode_image(data)
    except ImageError:
        return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_refused_or_whole(kind: str) -> None:
    data = samples()[kind].data
    whole = decode_image(data)
    lengths = random.Random(kind).sample(range(len(data)), k=min(len(data), 120))
    for length in [*lengths, *range(len(data) - 12, len(data))]:
        image = decoded_or_none(data[:length])
        assert image is None or np.array_equal(image, whole), f"half an image from {length} bytes"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith(("png", "jpeg"))])
def test_a_file_filled_up_with_zeros_is_refused(kind: str) -> None:
    """What a broken copy onto a preallocated file looks like."""
    data = samples()[kind].data
    for share in (0.3, 0.6, 0.9):
        kept = int(len(data) * share)
        with pytest.raises(UndecodableImage):
            decode_image(data[:kept] + bytes(len(data) - kept))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trailer", [b"\0" * 300, b"camera 4, exposure 120 us\n" * 40], ids=["zeros", "notes"])
def test_what_a_camera_appends_does_no_harm(kind: str, trailer: bytes) -> None:
    data = samples()[kind].data
    assert np.array_equal(decode_image(data + trailer), decode_image(data))


def test_the_end_of_an_embedded_thumbnail_is_not_the_end() -> None:
    thumbnail = samples()["jpeg grey"].data
    application_data = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = samples()["jpeg colour"].data
    data = whole[:2] + application_data + whole[2:]
    assert np.array_equal(decode_image(data), decode_image(whole))
    assert not is_whole(data[:-2])
    assert not is_whole(whole[:2] + application_data)
    with pytest.raises(UndecodableImage):
        decode_image(data[: 2 + len(application_data) + 300])


def test_a_png_without_its_last_chunk_is_refused() -> None:
    data = samples()["png grey"].data
    end = png_chunk(b"IEND", b"")
    assert data.endswith(end)
    with pytest.raises(UndecodableImage, match="cut short"):
        decode_image(data[: -len(end)])


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from([b"", *SIGNATURES]), st.binary(max_size=200))
def test_random_bytes_raise_nothing_else(signature: bytes, tail: bytes) -> None:
    image = decoded_or_none(signature + tail)
    assert image is None or min(image.shape[:2]) >= 16


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6)


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(KINDS), EDITS, st.one_of(st.none(), st.tuples(st.floats(0, 1), st.integers(1, 40))))
def test_changed_files_raise_nothing_else(
    kind: str, edits: list[tuple[float, int]], hole: tuple[float, int] | None
) -> None:
    data = bytearray(samples()[kind].data)
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value
    if hole:
        start = int(hole[0] * (len(data) - 1))
        del data[start : start + hole[1]]
    image = decoded_or_none(bytes(data))
    assert image is None or (image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] in (1, 3))


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_header_shows_one_size_and_the_decoder_another(kind: str, edits: list[tuple[int, int]]) -> None:
    """The size read first is the one that guards the memory."""
    data = bytearray(samples()[kind].data)
    for position, value in edits:
        data[position] = value
    image = decoded_or_none(bytes(data))
    assert image is None or read_size(bytes(data)) == (image.shape[1], image.shape[0])


def test_a_changed_png_is_never_another_image() -> None:
    """Its checksums see to that; a line that can choose its format should send PNG."""
    data = with_pillow(smooth_pixels(3), "PNG")
    whole = decode_image(data)
    chance = random.Random(5)
    for _ in range(300):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        image = decoded_or_none(bytes(changed))
        assert image is None or np.array_equal(image, whole)


def test_a_refused_file_is_told_without_noise_of_the_decoder() -> None:
    code = (
        "from inspection.images.decode import decode_image\n"
        "from inspection.errors import UndecodableImage\n"
        "from tests.inspection.image_files import samples\n"
        "for kind in ('bmp grey', 'tiff lzw', 'png grey', 'jpeg grey'):\n"
        "    try:\n"
        "        decode_image(samples()[kind].data[:-20])\n"
        "    except UndecodableImage as error:\n"
        "        print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert len(answer.stdout.splitlines()) == 4
    assert answer.stderr == ""
