"""What every station runs now: its profile on its bundle. Changes take effect between two images, never within one."""

import asyncio
from dataclasses import dataclass, replace

import structlog
from anyio.to_thread import run_sync

from inspection.errors import BundleError
from inspection.inspector import Inspector
from inspection.profile import StationProfile
from service.alarms import Told
from service.bundle_shelf import BundleShelf
from service.db.engine import Database
from service.drift import operations as drift
from service.profiles import operations as profiles
from service.profiles.operations import StationInForce
from service.registry import operations as registry
from service.registry.operations import PLANT, Scope, Scopes
from service.web.languages import mark

log = structlog.get_logger("kensa.in_force")
WIDENED = 2.0
"""How much wider the hold band is while the calibration keeps no promise."""
_WIDEST = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How images of one station are judged; `inspector` is None without its bundle, and holds every part."""

    profile_version: int
    profile: StationProfile
    inspector: Inspector | None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the database says should be in force."""

    state: tuple[object, ...]
    champion_ids: dict[Scope, str | None]
    stations: tuple[StationInForce, ...]
    withdrawn: dict[str, tuple[str, int]]
    """Stations whose view has moved: under which bundle and profile version."""


class InForce:
    """The plans of all stations. Whoever asks keeps the plan it got until its image is judged.

    What cannot be loaded does not come into force: the station goes on as before, `troubles` says why, and every
    verdict names the profile version and bundle it really went by.
    """

    def __init__(
        self, database: Database, shelf: BundleShelf, champion: Inspector, scopes: Scopes | None = None
    ) -> None:
        self.champion = champion
        """Of the plant, and of every line that has none of its own."""
        self.troubles: list[Told] = []
        self._database = database
        self._shelf = shelf
        self._scopes = scopes or Scopes()
        self._champions: dict[Scope, Inspector] = {}
        self._plans: dict[str, Plan] = {}
        self._state: tuple[object, ...] = ()
        self._refreshing = asyncio.Lock()

    def plan_of(self, station: str) -> Plan:
        """What an image of that station is judged by."""
        return self._plans.get(station) or Plan(0, StationProfile(), self.champion_of(self._scopes.of(station)))

    def champion_of(self, scope: Scope) -> Inspector:
        """What judges the stations of a line that ask for nothing else."""
        return self._champions.get(scope, self.champion)

    @property
    def champions(self) -> dict[Scope, Inspector]:
        """Of the plant, and of each line that goes its own way."""
        return {scope: self.champion_of(scope) for scope in self._scopes.all}

    @property
    def versions(self) -> dict[str, int]:
        """Profile versions in force, by station."""
        return {station: plan.profile_version for station, plan in self._plans.items() if plan.profile_version}

    async def refresh(self) -> None:
        """Bring into force what the database says. Raises SQLAlchemyError where it cannot be asked."""
        async with self._refreshing:
            wish = await run_sync(self._read_wish)
            # After trouble every look tries again: the bundle may have come meanwhile.
            if wish.state == self._state and not self.troubles:
                return
            champions, plans, troubles = await run_sync(self._load, wish)
            # Plain assignments on the event loop: no image sees a half of the change.
            self._champions, self.champion = champions, champions[PLANT]
            self._plans, self._state = plans, wish.state
            if troubles != self.troubles:
                log.warning(
                    "in_force",
                    champion=self.champion.bundle_id,
                    versions=self.versions,
                    troubles=list(map(str, troubles)),
                )
            self.troubles = troubles
            used = {plan.inspector.bundle_id for plan in plans.values() if plan.inspector}
            used |= {champion.bundle_id for champion in champions.values()}
            self._shelf.keep_only(used | await run_sync(self._load_standby))

    def _read_wish(self) -> _Wish:
        with self._database.reading() as session:
            champion_ids = {scope: registry.find_champion_id(session, scope) for scope in self._scopes.all}
            state = (*champion_ids.values(), *profiles.find_state(session), *drift.find_state(session))
            if state == self._state and not self.troubles:
                return _Wish(state, champion_ids, (), {})
            stations = {one.station: one for one in profiles.find_in_force(session)}
            withdrawn = drift.find_withdrawn(session)
            # A station that only follows the champion has no profile, and one whose view has moved needs a plan.
            plain = {name: StationInForce(name, 0, StationProfile()) for name in withdrawn}
            return _Wish(state, champion_ids, tuple((plain | stations).values()), withdrawn)

    def _load(self, wish: _Wish) -> tuple[dict[Scope, Inspector], dict[str, Plan], list[Told]]:
        troubles: list[Told] = []
        champions: dict[Scope, Inspector] = {}
        for scope, champion_id in wish.champion_ids.items():
            wanted_by = Told(mark("champion")) if scope is None else Told(mark("champion of %(line)s"), {"line": scope})
            loaded = None if champion_id is None else self._try_to_load(champion_id, wanted_by, troubles)
            # What cannot be loaded leaves the line with what judged it so far.
            champions[scope] = loaded or self._champions.get(scope) or champions.get(PLANT) or self.champion
        plans: dict[str, Plan] = {}
        for station in wish.stations:
            champion = champions[self._scopes.of(station.station)]
            plan = self._make_plan(station, champion, wish.withdrawn, troubles)
            # A station that ran something goes on with it; one that had nothing is held until its bundle is here.
            plans[station.station] = (
                plan or self._plans.get(station.station) or Plan(station.version, StationProfile(), None)
            )
        return champions, plans, troubles

    def _make_plan(
        self,
        station: StationInForce,
        champion: Inspector,
        withdrawn: dict[str, tuple[str, int]],
        troubles: list[Told],
    ) -> Plan | None:
        profile, wanted_by = station.profile, Told(mark("profile of %(station)s"), {"station": station.station})
        if profile is None:
            why = f"version {station.version} was made by another version of Kensa"
            troubles.append(replace(wanted_by, cause=why))
            return None
        student: Inspector | None = champion
        if profile.bundle_id is not None:
            student = self._try_to_load(profile.bundle_id, wanted_by, troubles)
        if student is None:
            return None
        if withdrawn.get(station.station) == (student.bundle_id, station.version):
            scale = min(profile.hold_band_scale * WIDENED, _WIDEST)
            profile = profile.model_copy(update={"hold_band_scale": scale, "global_fails": False})
        return Plan(station.version, profile, student.for_station(profile))

    def _load_standby(self) -> set[str]:
        """The champions before these, ready, so that the way back takes no time; without those that are not here."""
        with self._database.reading() as session:
            found = {registry.find_previous_id(session, scope) for scope in self._scopes.all}
        return {one for one in found if one is not None and self._try_to_load(one, Told("standby"), []) is not None}

    def _try_to_load(self, bundle_id: str, wanted_by: Told, troubles: list[Told]) -> Inspector | None:
        try:
            return self._shelf.load(bundle_id)
        except BundleError as error:
            troubles.append(replace(wanted_by, cause=str(error)))
            return None
