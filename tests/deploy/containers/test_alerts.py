"""What Prometheus asks and tells: addresses, figures, alarms and pages that exist."""

from __future__ import annotations

import re
from typing import Any

import yaml

from service.alarms import ALARMS, Alarms
from service.metrics import Metrics
from tests.architecture.sources import ROOT
from tests.deploy.containers.files import compose

FOLDER = ROOT / "deploy" / "prometheus"
CONFIGURATION = yaml.safe_load((FOLDER / "prometheus.yml").read_text())


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def figures() -> str:
    metrics = Metrics()
    metrics.watch_alarms(Alarms())
    return metrics.render().decode()


def test_it_asks_the_service_and_reads_the_alerts() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    (target,) = job["static_configs"][0]["targets"]
    assert target.partition(":")[0] in compose()["services"]
    assert [name for name in CONFIGURATION["rule_files"] if not (FOLDER / name).is_file()] == []


def test_alerts_are_of_figures_that_the_service_gives() -> None:
    known = figures()
    names = {name for rule in rules() for name in re.findall(r"\bkensa_\w+", rule["expr"])}
    assert "kensa_alarm" in names
    assert [name for name in names if f"# TYPE {name.removesuffix('_bucket')} " not in known] == []


def test_every_alarm_has_its_page_and_none_is_made_up() -> None:
    assert [name for name in ALARMS if not (ROOT / "docs" / "runbook" / f"{name}.md").is_file()] == []
    named = {
        name for rule in rules() for names in re.findall(r'alarm=~"([^"]+)"', rule["expr"]) for name in names.split("|")
    }
    assert named <= set(ALARMS)
    pages = {rule["annotations"]["page"] for rule in rules()}
    assert [page for page in pages if "{{" not in page and not (ROOT / page).is_file()] == []
