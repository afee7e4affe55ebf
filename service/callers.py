"""Who asks, and what they may do. Roles are sets of permissions; a route states the one permission it needs."""

from dataclasses import dataclass
from enum import StrEnum

from service.errors import Forbidden

ALL_STATIONS = "*"


class Permission(StrEnum):
    """What a route may ask for."""

    SEND_PARTS = "send_parts"
    """Post images; only of the caller's own stations."""
    READ_RECORD = "read_record"
    """Read inspections, their images and decisions; only of the caller's own stations."""
    SEE_QUEUE = "see_queue"
    """The review pages and the counts."""
    DECIDE = "decide"
    CONFIGURE = "configure"
    """Change profiles and thresholds, promote bundles."""
    READ_AUDIT = "read_audit"
    MANAGE_PEOPLE = "manage_people"


class Role(StrEnum):
    """What a person is on this system; each role may do all that the one before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    ADMIN = "admin"


_VIEWER = frozenset({Permission.READ_RECORD, Permission.SEE_QUEUE})
_REVIEWER = _VIEWER | {Permission.DECIDE}
_ENGINEER = _REVIEWER | {Permission.CONFIGURE, Permission.READ_AUDIT}
PERMISSIONS_OF = {
    Role.VIEWER: _VIEWER,
    Role.REVIEWER: _REVIEWER,
    Role.ENGINEER: _ENGINEER,
    Role.ADMIN: _ENGINEER | {Permission.MANAGE_PEOPLE},
}
STATION_PERMISSIONS = frozenset({Permission.SEND_PARTS, Permission.READ_RECORD})


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person, or a program with a station key.

    `stations` is the scope: a station's name, `press-*` for every station whose name begins so, `*` for all.
    """

    name: str
    permissions: frozenset[Permission]
    stations: str = ALL_STATIONS
    role: Role | None = None

    def require(self, permission: Permission) -> None:
        """Raises Forbidden."""
        if permission in self.permissions:
            return
        who = "a station key" if self.role is None else f"the role {self.role}"
        raise Forbidden(f"{self.name}: {who} does not include {permission}", "ask an administrator for another role")

    def require_station(self, station: str | None) -> None:
        """Raises Forbidden unless the station is in scope; None stands for all stations."""
        if self.stations == ALL_STATIONS or (station is not None and lies_within(station, self.stations)):
            return
        wanted = "every station" if station is None else f"station {station}"
        raise Forbidden(
            f"{self.name}: the key holds for {self.stations}, not for {wanted}",
            "use that station's own key: python -m service stations key NAME",
        )


def lies_within(station: str, scope: str) -> bool:
    """Whether a scope holds for a station: its name, `press-*` for all that begin so, `*` for every one."""
    return station.startswith(scope[:-1]) if scope.endswith("*") else station == scope
