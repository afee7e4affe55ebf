"""A camera for the tests."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi.testclient import TestClient

from service.images.local_store import LocalImageStore
from service.runtime import Runtime
from tests.bundles import part_png

INSPECTIONS = "/api/v1/inspections"
PARTS = "/api/v1/parts"


def fields_of(trigger: object, **others: str) -> dict[str, str]:
    """The form fields of a trigger."""
    return {"station": "press-3", "part_id": f"part-{trigger}", "trigger_id": str(trigger)} | others


def post(
    client: TestClient | httpx.Client, trigger: object, image: bytes | None = None, **others: str
) -> httpx.Response:
    """Send an image as a form; without one, a good part."""
    answer: Any = client.post(
        INSPECTIONS,
        data=fields_of(trigger, **others),
        files={"image": ("part.png", part_png() if image is None else image)},
    )
    response: httpx.Response = answer
    return response


def posted(client: TestClient | httpx.Client, trigger: object, *, spot: float = 0.0, **others: str) -> dict[str, Any]:
    """The answer to a part with a spot of that contrast, which must be stored anew."""
    answer = post(client, trigger, part_png(len(str(trigger)), spot=spot), **others)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def runtime_of(client: TestClient) -> Runtime:
    """What the station behind a client runs on."""
    runtime: Runtime = client.app.state.runtime  # type: ignore[attr-defined]
    return runtime


def stored_count(client: TestClient) -> int:
    """How many inspections there are."""
    count: int = client.get("/api/v1/summary").json()["stored"]
    return count


def store_of(client: TestClient) -> LocalImageStore:
    """The station's image store on its disk."""
    store = runtime_of(client).image_store
    assert isinstance(store, LocalImageStore)
    return store


def stored_files(client: TestClient) -> list[str]:
    """Names of all files in the image store, half-written ones too."""
    return sorted(path.name for path in store_of(client).directory.rglob("*") if path.is_file())
