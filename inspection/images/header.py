"""Width and height from an image's first bytes, so that a decompression bomb is refused before it is decoded."""

import re
import struct
from collections.abc import Callable, Iterator

# In entropy-coded data 0xFF is followed by 0 or a restart marker (D0-D7); 01 is the only other marker without length.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
_TIFF_FIELDS = {1: "B", 3: "H", 4: "I"}
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def read_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of PNG, JPEG, BMP or TIFF bytes; None where the bytes are none of these."""
    for signature, read in _READERS:
        if data.startswith(signature):
            try:
                return read(data)
            except (struct.error, KeyError):
                return None
    return None


def _png(data: bytes) -> tuple[int, int] | None:
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    return (width, height) if kind == b"IHDR" else None


def _bmp(data: bytes) -> tuple[int, int] | None:
    header_size = struct.unpack_from("<I", data, 14)[0]
    # The OS/2 header of 12 bytes has sides of 16 bits. A negative height means rows from top to bottom.
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """(marker, offset of its length field) of each segment of JPEG bytes; an end-of-image marker (D9) comes last.

    Finds markers as decoders do, so that no file can show this reader one size and the decoder another.
    """
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        marker, position = found[1][0], found.end()
        yield marker, position
        if marker == 0xD9 or position + 2 > len(data):
            return
        position += struct.unpack_from(">H", data, position)[0]


def _jpeg(data: bytes) -> tuple[int, int] | None:
    for marker, offset in jpeg_segments(data):
        # Every start-of-frame marker but DHT (C4), JPG (C8) and DAC (CC), which share its range.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, offset + 3)
            return width, height
    return None


def _tiff(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    offset = struct.unpack_from(order + "I", data, 4)[0]
    entry_count = struct.unpack_from(order + "H", data, offset)[0]
    sides: dict[int, int] = {}
    for number in range(entry_count):
        entry = offset + 2 + 12 * number
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        # Of a repeated tag the first counts, as for decoders; of an odd type nothing is believed.
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and tag not in sides:
            sides[tag] = struct.unpack_from(order + _TIFF_FIELDS[kind], data, entry + 8)[0]
    return (sides[_TIFF_WIDTH], sides[_TIFF_HEIGHT]) if len(sides) == 2 else None


_READERS: tuple[tuple[bytes, Callable[[bytes], tuple[int, int] | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
