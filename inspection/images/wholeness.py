"""Is a file whole? OpenCV fills the missing rows of a cut PNG or JPEG with grey and says nothing."""

import struct

from inspection.images.header import jpeg_segments

_JPEG_END = 0xD9


def is_whole(data: bytes) -> bool:
    """Do PNG or JPEG bytes go on to their end? What follows the end is nobody's business.

    BMP and TIFF bytes count as whole: their decoders refuse a cut file themselves.
    """
    if data.startswith(b"\x89PNG"):
        return _png_ends(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg_ends(data)
    return True


def _png_ends(data: bytes) -> bool:
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + int(length)
        if kind == b"IEND":
            return position <= len(data)
    return False


def _jpeg_ends(data: bytes) -> bool:
    return any(marker == _JPEG_END for marker, _ in jpeg_segments(data))
