"""The chain: how a record's digest is made, so that anyone can make it again from what is stored.

A record's digest is SHA-256 over a canonical JSON array of all its fields, the digest of the record before it among
them. An edited, removed, inserted or reordered record therefore breaks the chain from there on.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from service.audit.tables import AuditRecord

GENESIS = "0" * 64
"""What the first record has for the digest of the one before it."""
# Made once: `json.dumps` would make one for each verdict.
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any) -> str:
    """One text for one value: keys sorted, no spaces, ASCII only. Raises ValueError for NaN and infinity."""
    return _encoder.encode(value)


def instant_text(moment: datetime | None) -> str | None:
    """To the microsecond, in UTC, as both databases keep it."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def record_digest(record: AuditRecord | Mapping[str, Any]) -> str:
    """The digest a record must have, from its other fields."""
    value = record.__getitem__ if isinstance(record, Mapping) else lambda name: getattr(record, name)
    fields = (
        value("sequence"),
        instant_text(value("recorded_at")),
        value("actor"),
        value("action"),
        value("subject"),
        value("first_inspection_id"),
        value("detail"),
        value("previous_sha256"),
    )
    return sha256(canonical_json(fields).encode()).hexdigest()
