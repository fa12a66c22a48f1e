"""Dashboards and alerts: they speak of metrics that there are, every alert is tried, and has a page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

from shoplens import metrics
from tools.observability.__main__ import DEPLOY, made
from tools.observability.dashboards import DASHBOARDS

ALERTS = DEPLOY / "alerts" / "alerts.yaml"
TESTS = DEPLOY / "alerts" / "tests.yaml"
OPERATIONS = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
STANDARD = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
"""Of Prometheus itself, and of every process that its client library serves."""


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]


def exported() -> set[str]:
    """The names of the series that a process serves, and those of which a label has to have a value first."""
    assert metrics.SEARCHES
    assert metrics.weights_version()  # made by who ranks
    names = set()
    for family in prometheus_client.REGISTRY.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {f"{family.name}{ending}" for ending in endings}
    return names


def named(expression: str) -> set[str]:
    """The metrics that an expression of PromQL speaks of."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\bby \([^)]*\)", " ", expression)
    return set(re.findall(r"\b(?:shoplens_\w+|process_\w+|up)\b", bare))


def spoken() -> set[str]:
    """The metrics that any dashboard or alert speaks of."""
    expressions = [query.expr for each in DASHBOARDS for row in each.rows.values() for panel in row for query in panel.queries]
    expressions += [rule["expr"] for rule in rules()]
    return {name for expression in expressions for name in named(expression)}


@pytest.mark.parametrize("path", made(), ids=lambda path: path.name)
def test_what_is_made_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == made()[path], "run python -m tools.observability"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_dashboard_speaks_of_metrics_that_there_are(dashboard: Any) -> None:
    names = {name for row in dashboard.rows.values() for panel in row for query in panel.queries for name in named(query.expr)}
    assert names
    assert names <= exported() | STANDARD


def test_every_metric_of_ours_is_on_a_dashboard_or_in_an_alert() -> None:
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in spoken()}
    ours = {family.name for family in prometheus_client.REGISTRY.collect() if family.name.startswith("shoplens_")}
    assert ours - families == set()


def test_panels_do_not_overlap_and_say_what_they_are() -> None:
    for dashboard in DASHBOARDS:
        document = json.loads(json.dumps(dashboard.json()))
        taken = set()
        for panel in document["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells
            assert panel["type"] == "row" or panel["description"]


def test_an_alert_speaks_of_metrics_that_there_are() -> None:
    for rule in rules():
        assert named(rule["expr"]) <= exported() | STANDARD, rule["alert"]


def test_every_alert_says_how_bad_it_is_and_has_a_page() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor) == ("docs/operations.md", rule["alert"].lower())
        section = re.search(rf"^### {rule['alert']}\n(.*?)(?=^##|\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
        assert section, f"{rule['alert']} has no page"
        assert len(section[1].split()) > 20


def test_every_alert_is_tried_firing_and_silent() -> None:
    tried: dict[str, set[bool]] = {}
    for group in yaml.safe_load(TESTS.read_text("utf-8"))["tests"]:
        for each in group["alert_rule_test"]:
            tried.setdefault(each["alertname"], set()).add(bool(each["exp_alerts"]))
    assert tried == {rule["alert"]: {True, False} for rule in rules()}


@pytest.mark.parametrize("arguments", [("check", "rules", str(ALERTS)), ("test", "rules", str(TESTS))], ids=["check", "test"])
def test_prometheus_own_tool_agrees(arguments: tuple[str, ...]) -> None:
    tool = shutil.which("promtool")
    if tool is None and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail("REQUIRE_ALL=1, and there is no promtool; make system installs it")
    if tool is None:
        pytest.skip("there is no promtool; make system installs it")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
