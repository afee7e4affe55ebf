"""Where a page leads back to: never to another site, whatever the address says."""


def own_path(path: str) -> str:
    """A path of this service; never one that a browser would read as another site's."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else "/"
