"""A record in which everything has happened once, so that each page has all it can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import insert, update

from deploy.bench.pages import page_paths
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.drift.tables import DriftAlarm, DriftKind, DriftPoint
from service.nightly import nights
from service.nightly.course import conclude
from service.nightly.gate.decision import decide
from service.nightly.gate.policy import GatePolicy
from service.nightly.plan import LinePlan, NightPlan
from service.nightly.runner import SCHEDULE
from service.nightly.tables import Night
from service.nightly.workshop import Workshop
from service.registry.operations import Origin, promote, record_lineage, shelve
from service.review.operations import QueueEntry, WaitingKind, queue_parts
from service.settings import read_settings
from service.spot_checks.tables import DrawnFrom, SpotCheck
from tests.bundles import make_bundle
from tests.service.camera import INSPECTIONS, posted
from tests.service.nightly.judged import defective, evidence

GIVEN_NAMES = ("scratch", "dent")
_STEPS_BEFORE_THE_GATE = ("pretrain", "distill", "calibrate", "prove")


class Everything:
    """What happened, by the numbers and names under which pages know it."""

    def __init__(self, client: httpx.Client, database: Database, data: Path, scratch: Path) -> None:
        """`client` is a camera and an administrator in one; `data` is the service's folder, `scratch` an empty one."""
        self._client, self._database, self._data = client, database, data
        self.champion_id: str = client.get("/health").json()["champion"]
        make_bundle(scratch / "challenger", expected=np.full((64, 64, 3), 100, np.uint8))
        self.challenger_id = shelve(scratch / "challenger", data / "bundles")
        self.inspections: dict[str, int] = {}
        self._pin_a_station()
        self._post_and_decide()
        self._ask_again()
        self._drift()
        self.nights = [self._night(number) for number in range(6)]
        self._learn_and_go_back()
        self._challenge()
        self._shadow()

    def addresses(self) -> list[str]:
        """Every page of the service, with the things that are there; of some several."""
        others = {
            "{inspection_id}": [str(self.inspections[name]) for name in ("held", "failed", "passed", "unreadable")],
            "{name}": [self.nights[1], self.nights[2], self.nights[5]],
            "{bundle_id}": [self.champion_id, self.challenger_id],
            "{person_id}": ["1"],
        }
        found = []
        for path in [*page_paths(), "/sign-in"]:
            fitting = [(name, values) for name, values in others.items() if name in path]
            found += [path.replace(name, value) for name, values in fitting for value in values] or [path]
        asked = ["/review?search=nothing", "/defect-names?by=lot&name=scratch", "/returns/parts?of=decided"]
        asked += ["/trends?span=days", "/review?order=newest&lot=L1", "/thresholds?station=press-4"]
        assert not [address for address in found if "{" in address]
        return found + asked

    def post(self, address: str, body: dict[str, Any], who: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self._client.post(address, json=body, headers=who)
        assert answer.is_success, (address, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def _pin_a_station(self) -> None:
        profile = {"bundle_id": self.champion_id, "spot_checks": {"passed_rate": 0.2}}
        self.post("/api/v1/profiles", {"station": "press-4", "profile": profile})
        self.post("/api/v1/profiles", {"station": "press-3", "profile": {"line": "casting"}})

    def _post_and_decide(self) -> None:
        spots = {"held": 0.3, "failed": 0.9, "passed": 0.0, "waits": 0.32, "lost": 0.9}
        for number, (name, spot) in enumerate(spots.items()):
            self.inspections[name] = posted(self._client, f"T{number}", spot=spot, lot="L1")["id"]
        for number in range(8):
            posted(self._client, f"more-{number}", spot=(0.0, 0.31)[number % 2], lot="L2", station="press-4")
        broken = {"station": "press-3", "part_id": "part-T9", "trigger_id": "T9"}
        answer = self._client.post(INSPECTIONS, data=broken, files={"image": ("part.png", b"no image")})
        self.inspections["unreadable"] = answer.json()["id"]
        for name, defect in zip(("failed", "lost"), GIVEN_NAMES, strict=True):
            self._decide(name, decision="confirmed_defect", defect=defect, marks={"drawn": [], "erased": [1]})
        self.post("/api/v1/defect-names/changes", {"old_name": "dent", "new_name": "scratch"})
        self.post("/api/v1/golden", {"inspection_id": self.inspections["failed"], "truth": "as_decided"})
        self.post("/api/v1/golden", {"inspection_id": self.inspections["passed"], "truth": "good"})
        self.post("/api/v1/kept-out", {"inspection_id": self.inspections["lost"], "why": "油"})

    def _decide(self, name: str, **said: Any) -> None:
        self.post(f"{INSPECTIONS}/{self.inspections[name]}/dispositions", said)

    def _ask_again(self) -> None:
        """One part is asked about again, and the answer differs: another person's opinion is needed; one is blind."""
        now = datetime.now(UTC)
        again = self.inspections["failed"]
        drawn = {"inspection_id": self.inspections["passed"], "drawn_from": DrawnFrom.PASSED, "probability": 0.2}
        with self._database.writing() as session:
            row = session.get_one(StoredInspection, again)
            queue_parts(session, [QueueEntry(again, row.verdict, row.part_score, WaitingKind.REPEAT, is_blind=True)])
            repeated = {"inspection_id": again, "drawn_from": DrawnFrom.DECIDED, "probability": 0.1}
            session.execute(insert(SpotCheck), [one | {"drawn_at": now} for one in (drawn, repeated)])
        self._decide("failed", decision="false_alarm")
        self._decide("passed", decision="false_alarm")
        self._decide("held", decision="unclear")

    def _drift(self) -> None:
        """An alarm that stands, and one that was ended."""
        now = datetime.now(UTC)
        with self._database.writing() as session:
            row = session.get_one(StoredInspection, self.inspections["waits"])
            since = {"since_inspection_id": row.id, "noticed_inspection_id": row.id, "bundle_id": self.champion_id}
            alarm = since | {"station_id": row.station_id, "profile_version": 1, "noticed_at": now, "ewma": 4.2}
            ended = {"ended_at": now, "ended_by": "Aiko Tanaka", "note": "ランプ"}
            over = {"ended_at": now, "ended_by": "service", "note": "the station is judged by another"}
            session.add(DriftAlarm(kind=DriftKind.GLOBAL, **alarm))
            session.add(DriftAlarm(kind=DriftKind.LOCAL, **alarm, **ended))
            session.add(DriftAlarm(kind=DriftKind.LOCAL, **alarm, **over))
            for number in range(12):
                session.add(
                    DriftPoint(
                        station_id=row.station_id,
                        first_inspection_id=number + 1,
                        ended_at=now - timedelta(hours=12 - number),
                        lot="L1",
                        local_median=0.08 + number / 500,
                        global_median=0.02 + number / 900,
                        local_ewma=number / 4,
                        global_ewma=number / 3,
                    )
                )

    def _night(self, number: int) -> str:
        """Of six nights two end early, one is declined by the gate, and the last waits for an engineer's word."""
        night, _ = nights.ask(self._database, LinePlan(), minutes=None, author=SCHEDULE)
        nights.begin(self._database, night.name)
        found: dict[str, Any] = {}
        if number == 1:
            found["freeze"] = {"champion_id": self.champion_id, "ended": ["no_new_images", "12 new pictures"]}
            found["report"] = {"new_count": 12}
        else:
            found = self._found(number)
        for step, figures in found.items():
            nights.begin_step(self._database, night.id, step)
            nights.end_step(self._database, night.id, step, figures)
        with self._database.writing() as session:
            began_at = datetime.now(UTC) - timedelta(days=6 - number)
            session.execute(update(Night).where(Night.id == night.id).values(began_at=began_at))
        conclude(
            Workshop(read_settings(data=self._data), NightPlan(), self._database, None),  # type: ignore[arg-type]
            night.name,
            found,
        )
        return night.name

    def _found(self, number: int) -> dict[str, Any]:
        lost = 12 if number == 2 else 0
        judged = evidence(*defective(58, gained=number, lost=lost, missed=3), replay=defective(20, lost=1))
        self.report = decide(judged, GatePolicy()).model_dump(mode="json")
        defective_count = 61 + number + lost
        found: dict[str, Any] = {
            "freeze": {
                "champion_id": self.champion_id,
                "golden_defective_count": defective_count,
                "golden_good_count": 300,
                "upto": 7,
            },
            "screen": {
                "left_out": {"flagged": 12, "high_score": 3, "golden": 2, "same_frame": 1},
                "calibration_count": 20,
                "outlier_count": 1,
            },
            **{step: {} for step in _STEPS_BEFORE_THE_GATE},
        }
        if number == 3:
            ended = {"ended": ["trainer_lost", "pretrain was ended by signal 9"]}
            return found | {"pretrain": ended, "report": {"new_count": 320}}
        found["gate"] = {"challenger_id": self.challenger_id, "report": self.report}
        if number == 2:
            found["gate"]["ended"] = ["gate_failed", "escapes: 15 of 75, 5 with the champion"]
        else:
            found |= {"shadow": {"is_asked": False}, "promote": {"state": "awaiting" if number == 5 else "promoted"}}
        found["report"] = {
            "new_count": 320 + number,
            "learned_count": 1300,
            "champion_auroc": 0.95,
            "challenger_auroc": 0.96 + number / 500,
            "escapes_count": defective_count,
            "escapes_champion": 3 + number,
            "escapes_challenger": 3 + lost,
            "overkill_count": 300,
            "overkill_champion": 4,
            "overkill_challenger": 2,
        }
        return found

    def _learn_and_go_back(self) -> None:
        """The challenger judges for a while, by policy; then an engineer goes back."""
        night = self.nights[4]
        origin = Origin(self.challenger_id, self.champion_id, night, "3f" * 32, 1300, "L9", None, self.report)
        record_lineage(self._database, origin)
        note = "automatic, after the gate"
        promote(self._database, self.challenger_id, author=f"night {night}", note=note)
        promote(self._database, self.champion_id, author="Aiko Tanaka", note=f"rolled back from {self.challenger_id}")
        self.post("/api/v1/bundles/anchors", {"bundle_id": self.champion_id})

    def _challenge(self) -> None:
        for part, expectation in (("GOOD-1", "pass"), ("BAD-1", "flagged")):
            body = {"station": "press-5", "part_id": part, "expectation": expectation, "note": "見本"}
            self.post("/api/v1/challenges/parts", body)
        self.post("/api/v1/challenges/acts", {"station": "press-5", "kind": "repeat", "note": "ランプ"})
        posted(self._client, "GOOD-1", station="press-5", part_id="GOOD-1")

    def _shadow(self) -> None:
        """Of a trial one is over; another goes on, and the two models differ."""
        self.post("/api/v1/shadow", {"bundle_id": self.challenger_id})
        for number in range(3):
            posted(self._client, f"beside-{number}", lot="L1")
