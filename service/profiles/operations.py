"""What profiles do. Each operation is one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from inspection.calibration.policy import Thresholds
from inspection.profile import StationProfile
from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.db.first_sight import id_on_first_sight, insert_unless_there
from service.db.tables import Station
from service.errors import Conflict, Outdated
from service.profiles import queries
from service.profiles.schemas import FollowRequest, ProfileAnswer, ProfileList, ProfileRequest
from service.profiles.tables import ProfileVersion


@dataclass(frozen=True, slots=True)
class StationInForce:
    """A station's profile as it is to be run."""

    station: str
    version: int
    profile: StationProfile | None
    """None where this version of Kensa cannot read it."""


@dataclass(frozen=True, slots=True)
class PinnedStation:
    """A station whose profile names a bundle, and stays with it."""

    station: str
    version: int
    bundle_id: str
    has_limits: bool
    """Of its own, which hold for this bundle only."""
    author: str
    created_at: datetime


def set_profile(database: Database, request: ProfileRequest, *, author: str) -> ProfileAnswer:
    """Add a version, in force from the next look of every process on. Raises Outdated.

    Whether its bundle can serve is for the caller to see first.
    """
    now = datetime.now(UTC)
    with database.writing() as session:
        station_id = id_on_first_sight(session, Station, request.station, now)
        highest = queries.find_highest(session, station_id)
        if request.based_on is not None and request.based_on != highest:
            raise _outdated(request.station, highest)
        values = {
            "station_id": station_id,
            "version": highest + 1,
            "author": author,
            "created_at": now,
            "note": request.note,
            "profile": request.profile.model_dump(mode="json"),
        }
        if insert_unless_there(session, ProfileVersion, values) is None:
            raise _outdated(request.station, highest + 1)
        answer = ProfileAnswer(station=request.station, **{**values, "profile": request.profile})
        detail = answer.model_dump(mode="json", exclude={"station", "author"})
        append(session, Entry(Action.PROFILE, author, f"station {request.station}"[:160], detail))
        return answer


def set_thresholds(
    database: Database,
    station: StationInForce,
    bundle_id: str,
    thresholds: Thresholds,
    *,
    author: str,
    note: str | None,
) -> ProfileAnswer:
    """The station's profile with other limits, which are limits of that bundle's scores. Raises Outdated."""
    # The band is as wide as these limits say, not as a scale of other limits does.
    changes = {"bundle_id": bundle_id, "thresholds": thresholds, "hold_band_scale": 1.0}
    profile = (station.profile or StationProfile()).model_copy(update=changes)
    request = ProfileRequest(station=station.station, profile=profile, note=note, based_on=station.version)
    return set_profile(database, request, author=author)


def follow_champion(database: Database, request: FollowRequest, *, author: str) -> ProfileAnswer:
    """The station's profile without the bundle that it names, and without limits, which are limits of that bundle.

    Crop, quality, spot checks and line stay. Raises Conflict where it follows the champion already, Outdated.
    """
    with database.reading() as session:
        station = next((one for one in find_in_force(session) if one.station == request.station), None)
    if station is not None and station.profile is None:
        raise Conflict(f"profile of {request.station}: cannot be read by this version", "set it anew")
    if station is None or station.profile is None or station.profile.bundle_id is None:
        raise Conflict(f"station {request.station}: follows the champion already", "look at the stations again")
    if request.based_on not in (None, station.version):
        raise _outdated(request.station, station.version)
    profile = station.profile.model_copy(update={"bundle_id": None, "thresholds": None})
    change = ProfileRequest(
        station=request.station, profile=profile, note=request.note or "follows the champion", based_on=station.version
    )
    return set_profile(database, change, author=author)


def list_pinned(database: Database) -> list[PinnedStation]:
    """Stations whose profile names a bundle: no promotion and no night changes what judges there."""
    with database.reading() as session:
        found = [
            PinnedStation(
                station=row.station.name,
                version=row.version,
                bundle_id=str(row.profile["bundle_id"]),
                has_limits=row.profile.get("thresholds") is not None,
                author=row.author,
                created_at=row.created_at,
            )
            for row in queries.find_in_force(session)
            if row.profile.get("bundle_id") is not None
        ]
    return sorted(found, key=lambda one: one.station)


def list_profiles(database: Database, station: str | None, *, limit: int = 200) -> ProfileList:
    """Versions of one station or of all, newest first."""
    with database.reading() as session:
        rows = queries.find_versions(session, station, limit=limit)
        return ProfileList(items=[_to_answer(row) for row in rows])


def find_in_force(session: Session) -> list[StationInForce]:
    """What every station runs that has a profile, within the caller's transaction."""
    return [StationInForce(row.station.name, row.version, _read(row.profile)) for row in queries.find_in_force(session)]


def find_stations_of_line(session: Session, line: str) -> list[int]:
    """Ids of the stations whose profile in force names that line."""
    return [row.station_id for row in queries.find_in_force(session) if row.profile.get("line") == line]


def find_lines(session: Session) -> list[str]:
    """The lines that profiles in force name, in order."""
    return sorted({str(line) for row in queries.find_in_force(session) if (line := row.profile.get("line"))})


def find_state(session: Session) -> tuple[int, int]:
    """Changes whenever a profile does."""
    return queries.find_state(session)


def _read(profile: dict[str, Any]) -> StationProfile | None:
    try:
        return StationProfile.model_validate(profile)
    except ValidationError:
        return None


def _to_answer(row: ProfileVersion) -> ProfileAnswer:
    return ProfileAnswer(
        station=row.station.name,
        version=row.version,
        author=row.author,
        created_at=row.created_at,
        note=row.note,
        profile=StationProfile.model_validate(row.profile),
    )


def _outdated(station: str, version: int) -> Outdated:
    return Outdated(f"profile of {station}: is at version {version} already", "look at that version and set it again")
