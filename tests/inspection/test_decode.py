"""Every kind of file gives the pixels that went into it, or one error that a person understands."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from inspection.errors import ImageError, ImageSizeError, UndecodableImage
from inspection.images.decode import MIN_SIDE_PX, decode_image, encode_png, read_image
from tests.inspection.image_files import png_chunk, samples, smooth_pixels, tiff_by_hand, with_opencv, with_pillow

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", samples())
def test_every_kind_gives_its_pixels(kind: str) -> None:
    sample = samples()[kind]
    image = decode_image(sample.data)
    assert image.dtype == np.uint8
    assert image.shape == sample.pixels.shape
    assert np.abs(image.astype(int) - sample.pixels).max() <= sample.tolerance


def test_colours_come_in_the_order_red_green_blue() -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[:, :, 0] = 200
    assert decode_image(with_pillow(red, "PNG"))[5, 5].tolist() == [200, 0, 0]


def test_orientation_marks_are_not_obeyed() -> None:
    """A camera on a line stands still: turning its image would move every defect."""
    pixels = smooth_pixels(1)
    turned = Pillow.Exif()
    turned[0x0112] = 6
    buffer = io.BytesIO()
    Pillow.fromarray(pixels[:, :, 0]).save(buffer, "JPEG", quality=95, exif=turned)
    assert decode_image(buffer.getvalue()).shape == pixels.shape


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_significant_bits_fill_the_range_of_grey(bits: int, suffix: str) -> None:
    full = 2**bits - 1
    raw = np.linspace(0, full, 20 * 30).round().astype(np.uint16).reshape(20, 30, 1)
    image = decode_image(with_opencv(raw, suffix), significant_bits=bits)
    assert image.min() == 0
    assert image.max() == 255
    assert np.abs(image - raw * (255 / full)).max() <= 0.5 + 1e-6


def test_a_value_above_the_significant_bits_is_white_not_wrapped() -> None:
    raw = np.full((20, 20, 1), 5000, np.uint16)
    assert (decode_image(with_opencv(raw, ".png"), significant_bits=12) == 255).all()


def test_significant_bits_leave_8_bit_images_alone() -> None:
    pixels = smooth_pixels(1)
    assert np.array_equal(decode_image(with_pillow(pixels, "PNG"), significant_bits=12), pixels)


@settings(max_examples=60, deadline=None)
@given(st.integers(16, 50), st.integers(16, 50), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_encode_png_is_undone_by_decode(height: int, width: int, channels: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    assert np.array_equal(decode_image(encode_png(image)), image)


@pytest.mark.parametrize(
    "data", [b"", b"just a note\n", b"GIF89a" + bytes(60), b"\x89PNG", b"BM", b"II*\0", b"\xff\xd8"]
)
def test_what_is_no_image_is_refused_with_its_name(data: bytes) -> None:
    with pytest.raises(UndecodableImage, match=r"part 7\.png"):
        decode_image(data, name="part 7.png")


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(UndecodableImage, match="float32"):
        decode_image(with_pillow(smooth_pixels(1).astype(np.float32), "TIFF"))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (MIN_SIDE_PX - 1, 500), (500, MIN_SIDE_PX - 1)])
def test_a_tiny_image_is_refused(height: int, width: int) -> None:
    with pytest.raises(ImageSizeError, match=f"{width}x{height}"):
        decode_image(with_pillow(np.zeros((height, width, 1), np.uint8), "PNG"))


def test_the_smallest_image_is_taken() -> None:
    pixels = np.zeros((MIN_SIDE_PX, MIN_SIDE_PX, 1), np.uint8)
    assert decode_image(with_pillow(pixels, "BMP")).shape == pixels.shape


def bombs() -> dict[str, bytes]:
    """Headers that promise 30000 x 30000 pixels."""
    side = 30_000
    start = b"\x89PNG\r\n\x1a\n"
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    jpeg = samples()["jpeg grey"].data
    frame = jpeg.index(b"\xff\xc0") + 5
    bmp = bytearray(samples()["bmp grey"].data)
    bmp[18:26] = struct.pack("<ii", side, -side)
    tiff = tiff_by_hand(smooth_pixels(1), ">")
    entries = tiff.index(struct.pack(">HHIH", 256, 3, 1, smooth_pixels(1).shape[1]))
    sides = b"".join(struct.pack(">HHII", tag, 4, 1, side) for tag in (256, 257))
    return {
        "png": start + header + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""),
        "jpeg": jpeg[:frame] + struct.pack(">HH", side, side) + jpeg[frame + 4 :],
        "bmp": bytes(bmp),
        "tiff": tiff[:entries] + sides + tiff[entries + 24 :],
    }


@pytest.mark.parametrize("kind", bombs())
def test_a_bomb_is_refused(kind: str) -> None:
    with pytest.raises(ImageSizeError, match="30000x30000 pixels is too large"):
        decode_image(bombs()[kind])


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    for kind, data in bombs().items():
        (tmp_path / kind).write_bytes(data)
    code = (
        "import json, pathlib, resource, sys\n"
        "from inspection.errors import ImageSizeError\n"
        "from inspection.images.decode import read_image\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, refused = peak(), 0\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try:\n"
        "        read_image(path)\n"
        "    except ImageSizeError:\n"
        "        refused += 1\n"
        "print(json.dumps([refused, peak() - before]))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    refused, growth_kb = json.loads(answer.stdout)
    assert refused == len(bombs())
    assert growth_kb < 20_000


def test_read_image_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "note.png"
    path.write_text("not a picture")
    with pytest.raises(UndecodableImage, match=r"note\.png"):
        read_image(path)
    with pytest.raises(ImageError, match=r"gone\.png: No such file"):
        read_image(tmp_path / "gone.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageError, match=r"folder\.png: Is a directory"):
        read_image(tmp_path / "folder.png")


def test_read_image_reads(tmp_path: Path) -> None:
    sample = samples()["png 16 bit"]
    path = tmp_path / "part.png"
    path.write_bytes(sample.data)
    assert np.array_equal(read_image(path), sample.pixels)
