"""A verdict and its message stand or fall together, numbered without a gap, and nobody has to ask twice."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from inspection.errors import ConfigError
from service.db.tables import StoredInspection
from service.factory import operations
from service.factory.plan import FactoryPlan, WebhookPlan, read_plan
from service.factory.signing import find_fault, sign
from service.factory.tables import OutboxMessage
from tests.bundles import part_png
from tests.service.camera import PARTS, fields_of, post, posted, runtime_of
from tests.service.factory.conftest import SECRET, MakeFile

TellingStation = Callable[[str], TestClient]
INBOUND = '[inbound]\nsecret_file = "SECRET"\n'


def outbox_of(client: TestClient, station: str = "press-3", above: int = 0) -> list[dict[str, object]]:
    answer = client.get("/api/v1/outbox", params={"station": station, "above": above})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def announce(client: TestClient, said: dict[str, object], secret: bytes = SECRET, off_s: float = 0) -> int:
    body = json.dumps(said).encode()
    headers = {"Kensa-Signature": sign(secret, body, now_s=time.time() - off_s), "Content-Type": "application/json"}
    status: int = client.post("/api/v1/announcements", content=body, headers=headers).status_code
    return status


def test_every_verdict_has_its_message(telling_station: TellingStation) -> None:
    station = telling_station("")
    posted(station, 1, lot="L1")
    posted(station, 2, spot=0.9)
    posted(station, "x", station="press-4")
    post(station, 3, b"no image")
    post(station, 2)
    messages = outbox_of(station)
    assert [(m["sequence"], m["verdict"], m["lot"]) for m in messages] == [
        (1, "PASS", "L1"),
        (2, "FAIL", None),
        (3, "HOLD", None),
    ]
    assert len({m["message_id"] for m in messages}) == 3
    assert [m["sequence"] for m in outbox_of(station, "press-4")] == [1]
    assert [m["sequence"] for m in outbox_of(station, above=2)] == [3]


def test_a_trigger_of_several_images_is_told_once_by_its_worst(telling_station: TellingStation) -> None:
    station = telling_station("")
    files = [("image", ("a.png", part_png(1))), ("image", ("b.png", part_png(2, spot=0.9)))]
    answer = station.post(PARTS, data=fields_of(1), files=files).json()
    [message] = outbox_of(station)
    assert (message["verdict"], message["inspection_id"]) == ("FAIL", answer["decided_by"])


def test_without_a_factory_file_nothing_is_kept(station: TestClient) -> None:
    posted(station, 1)
    with runtime_of(station).database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_numbers_have_no_gap_whoever_records_side_by_side(telling_station: TellingStation) -> None:
    station = telling_station("")
    database = runtime_of(station).database
    with ThreadPoolExecutor(4) as cameras:
        list(cameras.map(lambda number: posted(station, number), range(24)))
    with database.reading() as session:
        rows = list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))
        recorded = {row.id for row in session.scalars(select(StoredInspection))}
    assert [row.sequence for row in rows] == list(range(1, 25))
    assert {row.body["inspection_id"] for row in rows} == recorded


def test_a_verdict_that_is_not_recorded_is_not_told(telling_station: TellingStation) -> None:
    station = telling_station("")
    posted(station, 1)
    database = runtime_of(station).database
    with database.writing() as session:
        session.execute(text("ALTER TABLE audit_records RENAME TO audit_records_away"))
    assert post(station, 2).status_code >= 500
    with database.writing() as session:
        session.execute(text("ALTER TABLE audit_records_away RENAME TO audit_records"))
    posted(station, 3)
    assert [(m["sequence"], m["trigger_id"]) for m in outbox_of(station)] == [(1, "1"), (2, "3")]


def test_the_line_names_the_lot_that_a_camera_does_not(telling_station: TellingStation) -> None:
    station = telling_station(INBOUND)
    assert announce(station, {"station": "press-3", "lot": "L7", "part_number": "KN-40"}) == 201
    assert posted(station, 1)["lot"] == "L7"
    assert posted(station, 2, lot="L8")["lot"] == "L8"
    assert posted(station, 3, station="press-9")["lot"] is None
    assert announce(station, {"station": "press-3", "part_number": "KN-48"}) == 201
    assert posted(station, 4)["lot"] == "L7"
    assert [m["part_number"] for m in outbox_of(station)] == ["KN-40", "KN-40", "KN-48"]


def test_an_image_from_a_backlog_gets_the_lot_of_its_own_time(telling_station: TellingStation) -> None:
    station = telling_station(INBOUND)
    now = datetime.now(UTC)
    for hours, lot in ((3, "early"), (1, "late")):
        said = {"station": "press-3", "lot": lot, "announced_at": (now - timedelta(hours=hours)).isoformat()}
        assert announce(station, said) == 201
    assert posted(station, 1, captured_at=(now - timedelta(hours=2)).isoformat())["lot"] == "early"
    assert posted(station, 2, captured_at=(now - timedelta(hours=4)).isoformat())["lot"] is None
    assert posted(station, 3)["lot"] == "late"


def test_an_announcement_must_be_signed_lately_with_the_secret(telling_station: TellingStation) -> None:
    station = telling_station(INBOUND)
    said: dict[str, object] = {"station": "press-3", "lot": "L7"}
    assert announce(station, said, b"another secret of the length") == 401
    assert announce(station, said, off_s=3600) == 401
    assert station.post("/api/v1/announcements", json=said).status_code == 401
    assert announce(station, {"station": "press-3"}) == 422
    assert posted(station, 1)["lot"] is None


def test_announcements_are_in_the_audit_trail(telling_station: TellingStation) -> None:
    station = telling_station(INBOUND)
    announce(station, {"station": "press-3", "lot": "L7"})
    newest = station.get("/api/v1/audit").json()["items"][0]
    assert (newest["action"], newest["actor"], newest["subject"]) == ("announcement", "webhook", "station press-3")


def test_without_a_secret_announcements_are_not_taken(telling_station: TellingStation) -> None:
    assert announce(telling_station(""), {"station": "press-3", "lot": "L7"}) == 404


def test_the_signature_is_what_another_implementation_makes() -> None:
    expected = hmac.new(SECRET, b"1700000000.{}", sha256).hexdigest()
    assert sign(SECRET, b"{}", now_s=1_700_000_000) == f"t=1700000000,v1={expected}"


@pytest.mark.parametrize("header", [None, "", "t=,v1=", "v1=ab", "t=1700000000", "t=1700000000,v1=é", "t=x,v1=0"])
def test_a_strange_signature_is_refused_in_words(header: str | None) -> None:
    assert find_fault(header, SECRET, b"{}", now_s=1_700_000_000)


def webhook_plan(names: tuple[str, ...], tmp_path: Path) -> FactoryPlan:
    secret = tmp_path / "mes.secret"
    secret.write_bytes(SECRET)
    return FactoryPlan(
        webhooks=tuple(WebhookPlan(name=name, url="http://mes/", secret_file=secret) for name in names), keep_days=1
    )


def test_old_messages_go_once_everybody_has_them(telling_station: TellingStation, tmp_path: Path) -> None:
    station = telling_station("")
    database = runtime_of(station).database
    plan = webhook_plan(("mes", "scada"), tmp_path)
    operations.register_receivers(database, plan.receiver_names)
    for number in range(3):
        posted(station, number)
    with database.writing() as session:
        session.execute(update(OutboxMessage).values(recorded_at=datetime.now(UTC) - timedelta(days=2)))
    [backlog] = operations.find_backlogs(database, "mes", plan.wants_of("mes"))
    assert operations.remove_old(database, plan) == 0
    operations.mark_taken(database, "mes", {backlog.station_id: 3})
    operations.mark_taken(database, "scada", {backlog.station_id: 1})
    assert operations.remove_old(database, plan) == 1
    assert [m["sequence"] for m in outbox_of(station)] == [2, 3]
    # Who comes later gets what is still kept; who is named no more is not waited for.
    operations.register_receivers(database, ["mes", "historian"])
    [late] = operations.find_backlogs(database, "historian", lambda _station: True)
    assert (late.taken, late.newest) == (1, 3)
    assert [one.name for one in operations.list_receivers(database).items] == ["historian", "mes"]


def test_what_is_skipped_is_on_record(telling_station: TellingStation, tmp_path: Path) -> None:
    station = telling_station("")
    database = runtime_of(station).database
    operations.register_receivers(database, ["mes"])
    posted(station, 1)
    posted(station, 2)
    assert operations.skip(database, "mes", "press-9", author="Aiko Tanaka") == 0
    assert operations.skip(database, "mes", None, author="Aiko Tanaka") == 2
    assert operations.find_backlogs(database, "mes", lambda _station: True) == []
    newest = station.get("/api/v1/audit").json()["items"][0]
    assert (newest["action"], newest["actor"]) == ("messages_skipped", "Aiko Tanaka")
    assert newest["detail"] == {"press-3": {"above": 0, "up_to": 2}}


def test_trouble_is_told_once_it_lasts(telling_station: TellingStation, tmp_path: Path) -> None:
    station = telling_station("")
    database = runtime_of(station).database
    plan = webhook_plan(("mes",), tmp_path).model_copy(update={"behind_after_s": 60.0})
    operations.register_receivers(database, plan.receiver_names)
    assert list(map(str, operations.find_trouble(database, plan))) == ["no sender runs"]
    assert operations.take_lease(database, "a", lasts_s=60)
    assert not operations.take_lease(database, "b", lasts_s=60)
    posted(station, 1)
    assert operations.find_trouble(database, plan) == []
    with database.writing() as session:
        session.execute(update(OutboxMessage).values(recorded_at=datetime.now(UTC) - timedelta(minutes=5)))
    operations.note_failure(database, "mes", "nothing answers at its address")
    told = "mes: 1 verdicts wait: nothing answers at its address"
    assert list(map(str, operations.find_trouble(database, plan))) == [told]
    operations.end_lease(database, "a")
    assert operations.take_lease(database, "b", lasts_s=60)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[[webhooks]]\nname = 'mes'\nurl = 'ftp://x'\nsecret_file = 'SECRET'", "webhooks.0.url"),
        ("[[webhooks]]\nname = 'MES 1'\nurl = 'http://x'\nsecret_file = 'SECRET'", "webhooks.0.name"),
        ("[[webhooks]]\nname = 'mes'\nurl = 'http://x'\nsecret_file = '/nowhere'", "webhooks.mes.secret_file"),
        ("[mqtt]\nhost = 'x'\ntopic = 'a/#'", "mqtt.topic"),
        ("[mqtt]\nhost = 'x'\nports = 1", "mqtt.ports"),
        ("[opcua]\nstations = ['a']\ncertificate_file = 'x'", "certificate_file and key_file go together"),
        ("[opcua]\nname = 'mqtt'\nstations = ['a']\n[mqtt]\nhost = 'x'", "two receivers are called mqtt"),
        ("keep_days = 0", "keep_days"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(factory_file: MakeFile, written: str, told: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read_plan(factory_file(written))
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_short_secret_is_refused(factory_file: MakeFile, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abc")
    with pytest.raises(ConfigError, match="openssl rand"):
        read_plan(factory_file(f"[inbound]\nsecret_file = '{tmp_path / 'short'}'"))
