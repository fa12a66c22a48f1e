"""Dashboards drawn from a Prometheus, for whoever has no Grafana at hand: the same rows, panels and expressions."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter

from tools.observability.panels import Dashboard, Panel
from tools.stack.prometheus import Prometheus

mpl.use("Agg")
from matplotlib import pyplot

POINTS = 240
PAPER, INK, GRID, GOOD, BAD = "#16181d", "#d8dade", "#2c3038", "#5bb974", "#e8716d"
COLOURS = ("#7db2f0", "#f2b45c", "#5bb974", "#e8716d", "#b28ce0", "#63c5c0", "#e58ec0", "#c3c95e")


def drawn(dashboard: Dashboard, source: Prometheus, out: Path, *, minutes: float, variables: Mapping[str, str] | None = None) -> Path:
    """A picture of a dashboard over the last minutes. variables: the value of each of the dashboard's own. Returns its path."""
    end = time.time()
    rows = list(dashboard.rows.items())
    figure = pyplot.figure(figsize=(16, 2.9 * len(rows) + 0.7), facecolor=PAPER)
    head, *bands = figure.subfigures(1 + len(rows), 1, height_ratios=[0.7, *([2.9] * len(rows))])
    head.set_facecolor(PAPER)
    head.text(0.02, 0.4, f"shoplens / {dashboard.title}", color=INK, fontsize=16, va="center")
    for band, (name, panels) in zip(bands, rows, strict=True):
        band.set_facecolor(PAPER)
        band.suptitle(name, color=INK, fontsize=10, x=0.02, ha="left", alpha=0.7)
        places = band.subplots(1, len(panels))
        for axes, panel in zip(places if len(panels) > 1 else [places], panels, strict=True):
            _panel(axes, panel, source, end - 60 * minutes, end, variables or {})
        band.subplots_adjust(left=0.04, right=0.985, top=0.76, bottom=0.2, wspace=0.16)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=80, facecolor=PAPER)
    pyplot.close(figure)
    return out


def _panel(axes: Axes, panel: Panel, source: Prometheus, start: float, end: float, variables: Mapping[str, str]) -> None:
    axes.set_facecolor(PAPER)
    axes.set_title(panel.title, color=INK, fontsize=9, loc="left")
    for side in axes.spines.values():
        side.set_color(GRID)
    lines: list[tuple[str, list[datetime], list[float]]] = []
    for query in panel.queries:
        expression = query.expr
        for name, value in variables.items():
            expression = expression.replace(f"${name}", value)
        for series in source.series(expression, start=start, end=end, step_s=max(1.0, (end - start) / POINTS)):
            values = [(datetime.fromtimestamp(at, UTC), float(value)) for at, value in series["values"]]
            lines.append((_called(query.legend, series["metric"]), [at for at, _ in values], [value for _, value in values]))
    if panel.kind == "stat":
        _stat(axes, panel, lines)
    else:
        _lines(axes, lines)


def _stat(axes: Axes, panel: Panel, lines: Sequence[tuple[str, list[datetime], list[float]]]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    known = [values[-1] for _, _, values in lines if values and values[-1] == values[-1]]
    value = known[0] if known else None
    bad = value is not None and (
        (panel.good_below is not None and value >= panel.good_below) or (panel.good_above is not None and value < panel.good_above)
    )
    said = "no data" if value is None else _said(value, panel.unit)
    axes.text(0.5, 0.5, said, color=BAD if bad else GOOD, fontsize=24, ha="center", va="center", transform=axes.transAxes)


def _lines(axes: Axes, lines: Sequence[tuple[str, list[datetime], list[float]]]) -> None:
    for (label, at, values), colour in zip(lines, COLOURS * (1 + len(lines) // len(COLOURS)), strict=False):
        axes.plot(at, values, color=colour, linewidth=1.3, label=label)  # type: ignore[arg-type]  # dates are fine
    axes.tick_params(colors=INK, labelsize=7)
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_ylim(bottom=0)
    if any(label for label, _, _ in lines):
        axes.legend(fontsize=6.5, loc="upper left", ncols=2, facecolor=PAPER, edgecolor=GRID, labelcolor=INK, framealpha=0.6)
    if not lines:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no data", color=INK, alpha=0.5, ha="center", va="center", transform=axes.transAxes)


def _called(legend: str, labels: Mapping[str, Any]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: str(labels.get(found[1], "")), legend)


def _said(value: float, unit: str) -> str:
    match unit:
        case "percentunit":
            return f"{100 * value:.2f} %"
        case "s":
            return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.2f} s"
        case _:
            return f"{value:,.3g}" if value < 1_000 else f"{value:,.0f}"
