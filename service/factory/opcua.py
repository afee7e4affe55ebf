"""Verdicts to PLCs: an OPC UA server of our own whose variables they read, as plants expect of a device.

A value that stands still must not be taken for a new one: Sequence counts verdicts, Heartbeat counts time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from pydantic import ValidationError

from inspection.verdict import Verdict
from service.factory.opcua_security import read_security
from service.factory.plan import OpcuaPlan
from service.factory.receiver import Announce, NotTakenError
from service.factory.schemas import AnnouncementRequest, VerdictMessage

log = structlog.get_logger("kensa.factory")
NAMESPACE = "urn:kensa:inspection"
VERDICT_CODES = {Verdict.PASS: 0, Verdict.HOLD: 1, Verdict.FAIL: 2}
"""What a PLC compares with. Before the first verdict VerdictCode is -1."""
_LOOK_S = 0.02
# So long one station waits for its PLC before the others have their turn again.
_LOOKS = 10
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_OUTPUTS: dict[str, tuple[object, ua.VariantType]] = {
    "Sequence": (0, ua.VariantType.Int64),
    "VerdictCode": (-1, ua.VariantType.Int16),
    "Verdict": ("", ua.VariantType.String),
    "Reason": ("", ua.VariantType.String),
    "PartId": ("", ua.VariantType.String),
    "Lot": ("", ua.VariantType.String),
    "TriggerId": ("", ua.VariantType.String),
    "MessageId": ("", ua.VariantType.String),
    "PartScore": (0.0, ua.VariantType.Double),
    "RecordedAt": (_BEGINNING, ua.VariantType.DateTime),
}


@dataclass(slots=True)
class _Station:
    """The nodes of one station, and what of the line's announcements was seen last."""

    outputs: dict[str, Node]
    acknowledged: Node
    announced: dict[str, Node] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)


class OpcuaReceiver:
    """With a handshake a verdict counts as taken when the PLC has written its number to Acknowledged."""

    def __init__(self, plan: OpcuaPlan, announce: Announce) -> None:
        self.name = plan.name
        self._plan = plan
        self._announce = announce
        self._stations: dict[str, _Station] = {}
        self._security = read_security(plan)

    def wants(self, station: str) -> bool:
        return station in self._plan.stations

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """The server runs until the end; its variables are there from the start."""
        server = Server(user_manager=None if self._security is None else self._security.clients)
        await server.init()
        server.set_endpoint(self._plan.endpoint)
        server.set_server_name("Kensa")
        if self._security is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await self._security.apply(server)
        space = await server.register_namespace(NAMESPACE)
        root = await server.get_objects_node().add_object(space, "Kensa")
        heartbeat = await root.add_variable(space, "Heartbeat", 0, ua.VariantType.Int64)
        for name in self._plan.stations:
            self._stations[name] = await self._add_station(root, space, name)
        try:
            await server.start()
        except OSError as error:
            raise NotTakenError(f"{self._plan.endpoint}: {error.strerror or error}") from None
        tasks = [asyncio.create_task(self._beat(heartbeat))]
        if self._plan.announcements:
            tasks.append(asyncio.create_task(self._listen()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.stop()

    async def deliver(self, message: VerdictMessage) -> bool:
        """Sequence is written last: whoever sees a new number reads the values that belong to it."""
        station = self._stations[message.station]
        values: dict[str, object] = {
            "VerdictCode": VERDICT_CODES[message.verdict],
            "Verdict": message.verdict.value,
            "Reason": message.reason.value,
            "PartId": message.part_id,
            "Lot": message.lot or "",
            "TriggerId": message.trigger_id,
            "MessageId": message.message_id,
            "PartScore": message.part_score or 0.0,
            "RecordedAt": message.recorded_at,
            "Sequence": message.sequence,
        }
        if await station.outputs["Sequence"].read_value() != message.sequence:
            for name, value in values.items():
                await station.outputs[name].write_value(value, _OUTPUTS[name][1])
        if not self._plan.handshake:
            return True
        for _ in range(_LOOKS):
            if await station.acknowledged.read_value() == message.sequence:
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    async def _add_station(self, root: Node, space: int, name: str) -> _Station:
        folder = await root.add_object(space, name)
        outputs = {
            label: await folder.add_variable(space, label, value, kind) for label, (value, kind) in _OUTPUTS.items()
        }
        acknowledged = await folder.add_variable(space, "Acknowledged", 0, ua.VariantType.Int64)
        await acknowledged.set_writable()
        station = _Station(outputs, acknowledged)
        if self._plan.announcements:
            for label in ("AnnouncedLot", "AnnouncedPartNumber"):
                node = await folder.add_variable(space, label, "", ua.VariantType.String)
                await node.set_writable()
                station.announced[label], station.seen[label] = node, ""
        return station

    async def _beat(self, heartbeat: Node) -> None:
        beat = 0
        while True:
            beat += 1
            await heartbeat.write_value(beat, ua.VariantType.Int64)
            await asyncio.sleep(self._plan.heartbeat_s)

    async def _listen(self) -> None:
        while True:
            for name, station in self._stations.items():
                now = {label: str(await node.read_value() or "") for label, node in station.announced.items()}
                if now != station.seen:
                    station.seen = now
                    await self._hear(name, now["AnnouncedLot"], now["AnnouncedPartNumber"])
            await asyncio.sleep(_LOOK_S)

    async def _hear(self, station: str, lot: str, part_number: str) -> None:
        if not (lot or part_number):
            return
        said = {"station": station, "lot": lot or None, "part_number": part_number or None}
        try:
            request = AnnouncementRequest.model_validate(said)
        except ValidationError as error:
            log.warning("announcement_refused", station=station, why=str(error).splitlines()[0])
            return
        await self._announce(request)
