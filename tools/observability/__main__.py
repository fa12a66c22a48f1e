"""``python -m tools.observability``: writes deploy/dashboards and the operator's form of deploy/alerts."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tools.observability.dashboards import DASHBOARDS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "k8s" / "components" / "monitoring" / "rules.yaml"
_MADE = "# Made from deploy/alerts/alerts.yaml by `python -m tools.observability`.\n"


def made() -> dict[Path, str]:
    """Every file that is made, and what it should hold."""
    files = {
        DEPLOY / "dashboards" / f"{each.uid}.json": json.dumps(each.json(), indent=1, ensure_ascii=False) + "\n" for each in DASHBOARDS
    }
    groups = yaml.safe_load((DEPLOY / "alerts" / "alerts.yaml").read_text("utf-8"))
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "shoplens"},
        "spec": groups,
    }
    return files | {RULES: _MADE + yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=140)}


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, "utf-8")
