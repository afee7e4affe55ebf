"""Small image files of every kind a camera, a scanner or a person may send, each with the pixels it must decode to."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image as Pillow

HEIGHT, WIDTH = 21, 34


@dataclass(frozen=True)
class Sample:
    """File bytes and the pixels in them, uint8 [H, W, 1 or 3]; `tolerance` is what a lossy format may differ by."""

    data: bytes
    pixels: np.ndarray
    tolerance: int = 0


def smooth_pixels(channel_count: int) -> np.ndarray:
    """Slow waves, different in each channel: lossy formats keep them, and a missing row shows."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [128 + 60 * np.sin(rows / (5 + c)) + 50 * np.cos(columns / (6 + c)) for c in range(channel_count)]
    return np.dstack(waves).astype(np.uint8)


def with_pillow(pixels: np.ndarray, kind: str, mode: str | None = None, **options: Any) -> bytes:
    """`pixels` [H, W, C] encoded by Pillow, whose encoders share no code with the decoder under test."""
    picture = Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    buffer = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def with_opencv(pixels: np.ndarray, suffix: str, *options: int) -> bytes:
    """uint8 or uint16 `pixels` [H, W, C] (RGB) encoded by OpenCV."""
    ordered = pixels[:, :, ::-1] if pixels.shape[2] == 3 else pixels
    return cv2.imencode(suffix, np.ascontiguousarray(ordered), list(options))[1].tobytes()


def tiff_by_hand(pixels: np.ndarray, order: Literal["<", ">"]) -> bytes:
    """A grey uint8 or uint16 TIFF without compression, in byte order '<' or '>'."""
    height, width = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    samples = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    entries = [
        (256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, len(samples)),
    ]  # fmt: skip
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, value in entries:
        field = struct.pack(order + ("H2x" if kind == 3 else "I"), value)
        directory += struct.pack(order + "HHI", tag, kind, 1) + field
    mark = b"II*\0" if order == "<" else b"MM\0*"
    padding = b"\0" * (len(samples) % 2)
    start = struct.pack(order + "I", 8 + len(samples) + len(padding))
    return mark + start + samples + padding + directory + struct.pack(order + "I", 0)


def run_length_bmp(pixels: np.ndarray) -> bytes:
    """A grey BMP with run-length coded rows (RLE8)."""
    height, width = pixels.shape[:2]
    rows = [b"".join(bytes((1, value)) for value in row[:, 0].tolist()) + b"\0\0" for row in pixels[::-1]]
    body = b"".join(rows) + b"\0\1"
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + palette + body


def os2_bmp(pixels: np.ndarray) -> bytes:
    """Grey pixels in a BMP of three channels with the 12-byte header, whose sides are 16-bit numbers."""
    height, width = pixels.shape[:2]
    padding = b"\0" * (-3 * width % 4)
    body = b"".join(np.repeat(row, 3).tobytes() + padding for row in pixels[::-1])
    header = struct.pack("<IHHHH", 12, width, height, 1, 24)
    return b"BM" + struct.pack("<IHHI", 26 + len(body), 0, 0, 26) + header + body


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@cache
def samples() -> dict[str, Sample]:
    """All kinds, by name."""
    grey, colour = smooth_pixels(1), smooth_pixels(3)
    opaque = np.dstack([colour, np.full((HEIGHT, WIDTH), 90, np.uint8)])
    few = colour // 51 * 51
    two = (grey > 128).astype(np.uint8) * 255
    deep = grey.astype(np.uint16) * 257
    deep_colour = colour.astype(np.uint16) * 257
    return {
        "png grey": Sample(with_pillow(grey, "PNG"), grey),
        "png 1 bit": Sample(with_pillow(two, "PNG", "1"), two),
        "png 16 bit": Sample(with_opencv(deep, ".png"), grey),
        "png colour": Sample(with_pillow(colour, "PNG"), colour),
        "png colour 16 bit": Sample(with_opencv(deep_colour, ".png"), colour),
        "png alpha": Sample(with_pillow(opaque, "PNG"), colour),
        "png grey alpha": Sample(with_pillow(grey, "PNG", "LA"), np.repeat(grey, 3, axis=2)),
        "png palette": Sample(with_pillow(few, "PNG", "P"), few),
        "jpeg grey": Sample(with_pillow(grey, "JPEG", quality=95), grey, 6),
        "jpeg colour": Sample(with_pillow(colour, "JPEG", quality=95, subsampling=0), colour, 8),
        "jpeg progressive": Sample(with_pillow(colour, "JPEG", quality=95, subsampling=0, progressive=True), colour, 8),
        "jpeg restarts": Sample(with_opencv(grey, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1), grey, 6),
        "jpeg cmyk": Sample(with_pillow(colour, "JPEG", "CMYK", quality=95), colour, 10),
        "bmp grey": Sample(with_pillow(grey, "BMP"), grey),
        "bmp 1 bit": Sample(with_pillow(two, "BMP", "1"), two),
        "bmp colour": Sample(with_pillow(colour, "BMP"), colour),
        "bmp alpha": Sample(with_pillow(opaque, "BMP"), colour),
        "bmp run length": Sample(run_length_bmp(grey), grey),
        "bmp os2": Sample(os2_bmp(grey), grey),
        "tiff little endian": Sample(tiff_by_hand(grey, "<"), grey),
        "tiff big endian": Sample(tiff_by_hand(grey, ">"), grey),
        "tiff 16 bit little endian": Sample(tiff_by_hand(deep, "<"), grey),
        "tiff 16 bit big endian": Sample(tiff_by_hand(deep, ">"), grey),
        "tiff colour": Sample(with_pillow(colour, "TIFF"), colour),
        "tiff lzw": Sample(with_pillow(colour, "TIFF", compression="tiff_lzw"), colour),
        "tiff deflate": Sample(with_pillow(colour, "TIFF", compression="tiff_adobe_deflate"), colour),
        "tiff packbits": Sample(with_pillow(colour, "TIFF", compression="packbits"), colour),
        "tiff jpeg": Sample(with_pillow(colour, "TIFF", compression="jpeg", quality=95), colour, 12),
        "tiff fax": Sample(with_pillow(two, "TIFF", "1", compression="group4"), two),
        "tiff palette": Sample(with_pillow(few, "TIFF", "P"), few),
    }  # fmt: skip
