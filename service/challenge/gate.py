"""The gate of every station: shut while its challenge parts were not judged rightly in this shift."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from anyio.to_thread import run_sync

from inspection.verdict import Reason
from service.challenge import queries
from service.challenge.queries import StationHistory
from service.challenge.standing import Challenge, Standing, stand
from service.db.engine import Database
from service.shifts import Shifts

# A shift lasts a day at most; with the hour that a clock may be put back.
LOOKS_BACK = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Shut:
    """Why every part of a station is held."""

    reason: Reason
    detail: str


class ChallengeGate:
    """What the database says about challenges, in memory: asking costs an image nothing.

    Looked up again by the watch, and at once by whatever changes it in this process.
    """

    def __init__(self, database: Database, shifts: Shifts) -> None:
        self._database = database
        self._shifts = shifts
        self._histories: Mapping[str, StationHistory] = {}
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Raises SQLAlchemyError where the database cannot be asked; then the gates stay as they are."""
        async with self._refreshing:
            self._histories = await run_sync(self._read)

    def known_part_id(self, station: str, part: str) -> int | None:
        """Of a challenge part: these are judged whatever the gate, and are no production."""
        history = self._histories.get(station)
        known = () if history is None else history.parts
        return next((one.id for one in known if one.name == part), None)

    def challenge_of(self, station: str, moment: datetime | None = None) -> Challenge:
        """How a station stands in the shift of that moment, or of now."""
        history = self._histories.get(station)
        if history is None:
            return Challenge(Standing.NONE)
        shift = self._shifts.at(moment or datetime.now(UTC))
        return stand(history.parts, history.shown, history.acts, shift.start)

    def shut(self, station: str, part: str, moment: datetime | None = None) -> Shut | None:
        """Why that part must be held whatever its scores; None where it need not be."""
        if station not in self._histories or self.known_part_id(station, part) is not None:
            return None
        challenge = self.challenge_of(station, moment)
        if challenge.standing is Standing.FAILED:
            names = ", ".join(challenge.wrong)
            return Shut(Reason.CHALLENGE_FAILED, f"challenge part {names} was judged wrongly; an engineer must act")
        if challenge.standing is Standing.DUE:
            return Shut(Reason.CHALLENGE_DUE, f"challenge parts still to be shown: {', '.join(challenge.missing)}")
        return None

    def failures(self, moment: datetime | None = None) -> dict[str, tuple[str, ...]]:
        """By station, the challenge parts that were judged wrongly and wait for an engineer."""
        found = {station: self.challenge_of(station, moment) for station in self._histories}
        return {station: one.wrong for station, one in found.items() if one.standing is Standing.FAILED}

    def _read(self) -> dict[str, StationHistory]:
        with self._database.reading() as session:
            return queries.find_histories(session, datetime.now(UTC) - LOOKS_BACK)
