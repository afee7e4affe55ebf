"""Width and height from an image's first bytes, so that a decompression bomb is refused before it is decoded."""

import struct
from collections.abc import Callable


def read_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of PNG, JPEG, BMP or TIFF bytes; None where the bytes are none of these."""
    for signature, read in _READERS:
        if data.startswith(signature):
            try:
                return read(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _bmp(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        # Every start-of-frame marker but DHT (C4), JPG (C8) and DAC (CC), which share its range.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None


def _tiff(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    offset = struct.unpack_from(order + "I", data, 4)[0]
    entry_count = struct.unpack_from(order + "H", data, offset)[0]
    sides: dict[int, int] = {}
    for number in range(entry_count):
        tag, kind, _, _ = struct.unpack_from(order + "HHII", data, offset + 2 + 12 * number)
        if tag in (256, 257):
            field = "H" if kind == 3 else "I"
            sides[tag] = struct.unpack_from(order + field, data, offset + 2 + 12 * number + 8)[0]
    return (sides[256], sides[257]) if len(sides) == 2 else None


_READERS: tuple[tuple[bytes, Callable[[bytes], tuple[int, int] | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
