"""Measurements as a table for people and a flat JSON object for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table


def publish(title: str, numbers: Mapping[str, float], path: Path) -> None:
    """Print ``numbers`` and merge them into the object at ``path``."""
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in numbers.items():
        table.add_row(name, f"{value:.4g}")
    Console().print(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, **numbers}, indent=1, sort_keys=True) + "\n", "utf-8")
