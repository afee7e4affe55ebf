"""The API's own description: complete, and true about errors."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.camera import posted


@pytest.fixture
def description(station: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = station.get("/api/v1/openapi.json").json()
    return found


def operations_of(description: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in description["paths"].values() for operation in path.values()]


def test_every_operation_is_described(description: dict[str, Any]) -> None:
    operations = operations_of(description)
    assert len(operations) >= 9
    assert [operation for operation in operations if not (operation["summary"] and operation["description"])] == []


def test_errors_are_problems(description: dict[str, Any]) -> None:
    for operation in operations_of(description):
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "remedy" in description["components"]["schemas"]["Problem"]["required"]
    assert "HTTPValidationError" not in description["components"]["schemas"]


def test_intake_takes_a_form_or_the_image(description: dict[str, Any]) -> None:
    operation = description["paths"]["/api/v1/inspections"]["post"]
    content = operation["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]
    assert form["required"] == ["image", "station", "part_id", "trigger_id"]
    assert {"image/png", "image/jpeg", "image/bmp", "image/tiff", "application/octet-stream"} < set(content)
    assert {parameter["name"] for parameter in operation["parameters"]} == set(form["properties"]) - {"image"}


def test_the_answer_has_just_the_described_fields(station: TestClient, description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    body = posted(station, 1, spot=0.9)
    assert set(body) == set(schemas["InspectionAnswer"]["properties"])
    assert set(body["regions"][0]) == set(schemas["RegionAnswer"]["properties"])
    assert set(body["links"]) == set(schemas["Links"]["properties"]) == {"self", "image", "heat_map", "review"}
    assert set(body["thresholds"]) == {"local", "global"}


def test_answers_carry_examples(description: dict[str, Any]) -> None:
    for name in ("InspectionAnswer", "DispositionRequest", "Summary", "Problem"):
        properties = description["components"]["schemas"][name]["properties"].values()
        assert any("examples" in field for field in properties), name
