"""Bundle files damaged, the clock set back, threads that die inside ONNX Runtime: the line goes on."""

from __future__ import annotations

import ctypes
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inspection.bundle.reader import open_bundle
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from service.watch import Watch
from tests.bundles import part_png
from tests.running_service import run_service
from tests.service.camera import INSPECTIONS, post, posted, runtime_of, stored_count
from tests.service.conftest import MakeStation


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_bundle_damaged_while_it_runs_goes_on_judging_and_is_told(
    tmp_path: Path, bundle: Path, make_station: MakeStation, damage: str
) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(bundle, copied)
    client = make_station(open_bundle(copied, threads=1), bundle=copied)
    before = posted(client, 1, spot=0.9)
    student = copied / "student.onnx"
    if damage == "cut":
        student.write_bytes(student.read_bytes()[:100])
    else:
        shutil.rmtree(copied)
    client.portal.call(Watch(runtime_of(client), 1.0, bundle_check_s=0.0).look)  # type: ignore[union-attr]
    after = posted(client, 2, spot=0.9)
    assert (after["verdict"], after["bundle_id"]) == ("FAIL", before["bundle_id"])
    alarms = {alarm["name"]: alarm["detail"] for alarm in client.get("/health").json()["alarms"]}
    assert "copied" in alarms["bundle_damaged"]
    assert 'kensa_alarm{alarm="bundle_damaged"} 1.0' in client.get("/metrics").text
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(bundle, copied)
    client.portal.call(Watch(runtime_of(client), 1.0, bundle_check_s=0.0).look)  # type: ignore[union-attr]
    assert client.get("/health").json()["alarms"] == []


def test_the_clock_is_set_back_during_a_shift(make_station: MakeStation, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_station()
    wall = [time.time()]
    watch = Watch(runtime_of(client), 1.0, wall=lambda: wall[0] + time.monotonic())
    first = posted(client, 1)

    class Earlier(datetime):
        """What `datetime.now` says once somebody has set the clock back by a day."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=1)

    monkeypatch.setattr("service.intake.operations.datetime", Earlier)
    wall[0] -= 86_400
    client.portal.call(watch.look)  # type: ignore[union-attr]
    second = posted(client, 2, captured_at=datetime.now(UTC).isoformat())
    assert second["received_at"] < first["received_at"]
    assert (second["verdict"], second["id"] > first["id"]) == ("PASS", True)
    assert [item["id"] for item in client.get(INSPECTIONS).json()["items"]] == [second["id"], first["id"]]
    assert post(client, 2).json() == second
    alarms = {alarm["name"]: alarm["detail"] for alarm in client.get("/health").json()["alarms"]}
    assert "86400 s" in alarms["clock_set_back"]


class DyingInspector(Inspector):
    """Every third batch ends its thread as a fault in native code may: without an exception, without a word.

    No image twice: one that has cost two threads is held, and is another test's matter.
    """

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector.session, inspector.manifest)
        self.batch_count = 0
        self.deadly: list[PreparedImage] = []

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        self.batch_count += 1
        is_new = not any(one is known for one in prepared for known in self.deadly)
        if self.batch_count % 3 == 2 and is_new:
            self.deadly += prepared
            ctypes.CDLL(None).pthread_exit(None)
        return super().score(prepared)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the operating system for its threads")
def test_threads_that_die_while_scoring_cost_no_part(make_station: MakeStation, inspector: Inspector) -> None:
    client = make_station(DyingInspector(inspector))
    with ThreadPoolExecutor(4) as cameras:
        answers = list(cameras.map(lambda n: post(client, n, part_png(n, spot=0.9 * (n % 2))), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert [answer.json()["verdict"] for answer in answers] == ["PASS", "FAIL"] * 6
    assert stored_count(client) == 12
    assert runtime_of(client).scoring_pool.replaced_count >= 2
    client.portal.call(Watch(runtime_of(client), 1.0).look)  # type: ignore[union-attr]
    assert client.get("/health/live").status_code == 200


def test_a_process_killed_by_its_own_native_code_comes_back_as_it_was(
    tmp_path: Path, bundle: Path, database_url: str
) -> None:
    options = ("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url)
    with run_service(*options) as service, service.client() as client:
        told = posted(client, 1, spot=0.9)
        service.child.send_signal(11)
        assert service.child.wait(30) == -11
    with run_service(*options) as service, service.client() as client:
        assert client.get(told["links"]["self"]).json() == told
