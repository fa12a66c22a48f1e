"""What a dashboard is made of, and how Grafana spells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = 24
HEIGHT = 8
SOURCE = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of PromQL, and how its series are called (``{{label}}`` stands for a label)."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """kind: timeseries or stat. unit: Grafana's name. good_below, good_above: where green ends, if anywhere."""

    title: str
    queries: Sequence[Query]
    about: str
    unit: str = "short"
    kind: str = "timeseries"
    good_below: float | None = None
    good_above: float | None = None

    def json(self, number: int, x: int, y: int, width: int) -> dict[str, Any]:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT},
            "targets": [
                {"refId": chr(ord("A") + place), "expr": query.expr, "legendFormat": query.legend, "datasource": SOURCE}
                for place, query in enumerate(self.queries)
            ],
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0, "thresholds": self._thresholds()}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if self.kind == "timeseries" else {"colorMode": "value"},
        }

    def _thresholds(self) -> dict[str, Any]:
        steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
        if self.good_below is not None:
            steps.append({"color": "red", "value": self.good_below})
        if self.good_above is not None:
            steps = [{"color": "red", "value": None}, {"color": "green", "value": self.good_above}]
        return {"mode": "absolute", "steps": steps}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """rows: panels side by side, each row under its name. variables: label → the metric whose values it takes."""

    uid: str
    title: str
    about: str
    rows: Mapping[str, Sequence[Panel]]
    variables: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        panels: list[dict[str, Any]] = []
        y = 0
        for name, row in self.rows.items():
            panels.append(
                {"id": len(panels) + 1, "type": "row", "title": name, "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}, "collapsed": False}
            )
            y += 1
            width = COLUMNS // len(row)
            for place, panel in enumerate(row):
                panels.append(panel.json(len(panels) + 1, place * width, y, width))
            y += HEIGHT
        return {
            "uid": f"shoplens-{self.uid}",
            "title": f"shoplens / {self.title}",
            "description": self.about,
            "tags": ["shoplens"],
            "schemaVersion": 41,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {"list": [_variable(label, metric) for label, metric in self.variables.items()]},
            "panels": panels,
        }


def _variable(label: str, metric: str) -> dict[str, Any]:
    return {
        "name": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({metric}, {label})", "refId": label},
        "definition": f"label_values({metric}, {label})",
        "refresh": 2,
        "includeAll": False,
    }
