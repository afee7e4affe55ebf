"""The digest of an inspection, over everything a verdict says and stands on."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from service.audit.chain import canonical_json, instant_text
from service.db.tables import StoredInspection

_COLUMNS = (
    "trigger_id",
    "verdict",
    "reason",
    "detail",
    "local_score",
    "global_score",
    "part_score",
    "local_pass_limit",
    "local_fail_limit",
    "global_pass_limit",
    "global_fail_limit",
    "regions",
    "bundle_id",
    "image_sha256",
    "heat_map_sha256",
    "image_number",
    "profile_version",
    "crop",
)


def inspection_digest(station: str, part: str, lot: str | None, values: Mapping[str, Any]) -> str:
    """Hex digest; `values` are the inspection's columns by name, as they are written."""
    fields = [
        station,
        part,
        lot,
        instant_text(values.get("captured_at")),
        instant_text(values["received_at"]),
        *(values.get(column) for column in _COLUMNS),
    ]
    return sha256(canonical_json(fields).encode()).hexdigest()


def stored_digest(row: StoredInspection) -> str:
    """The same from the record. The row must have been loaded with its station, part and lot."""
    values = {column: getattr(row, column) for column in (*_COLUMNS, "captured_at", "received_at")}
    return inspection_digest(row.station.name, row.part.name, row.lot.name if row.lot else None, values)
