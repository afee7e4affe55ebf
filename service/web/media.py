"""What kind of file an image's first bytes say it is."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def media_type_of(data: bytes) -> str:
    """The media type by signature; application/octet-stream for what is no image."""
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), "application/octet-stream")
