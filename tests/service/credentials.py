"""What lets a test in: a key for every station, and a person who may do everything."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from service.access.doorkeeper import Doorkeeper
from service.access.operations import add_link, add_person, add_station_key
from service.callers import ALL_STATIONS, Role
from service.db.engine import Database
from service.errors import NameTaken

REVIEWER = "Aiko Tanaka"
INSPECTIONS = "/api/v1/inspections"
PARTS = "/api/v1/parts"


def make_station_key(database: Database, stations: str = ALL_STATIONS) -> str:
    """A key of that scope; older ones of it stay."""
    return add_station_key(database, stations, timedelta(days=7), actor="test").key


def make_session(database: Database, name: str = REVIEWER, role: Role = Role.ADMIN) -> str:
    """The token of a new session of that person, who is made where there is none."""
    with suppress(NameTaken):
        add_person(database, name, role, None, actor="test")
    return Doorkeeper(database).sign_in_by_link(add_link(database, name, actor="test"), "test")[1]


class LetIn:
    """An `auth` for a client: cameras' posts carry the key, all other requests the session."""

    def __init__(self, database: Database) -> None:
        self.key = make_station_key(database)
        self.session = make_session(database)

    def __call__(self, request: Any) -> Any:
        if request.method == "POST" and request.url.path in (INSPECTIONS, PARTS):
            request.headers.setdefault("Authorization", f"Bearer {self.key}")
        else:
            request.headers.setdefault("Cookie", f"kensa_session={self.session}")
        return request
