"""``make bench``: how fast shoplens is, as ratios to the limits of the same machine in the same run."""

from __future__ import annotations

from pathlib import Path

import typer

from benchmarks import camera, catalogue, ranking, serving
from benchmarks.report import publish

REPORT = Path("build/bench.json")


def main() -> None:
    """Measure each part against its limit and print the tables."""
    publish("Camera search, one caller", camera.measure(), REPORT)
    publish("A crowd of shoppers", serving.measured(REPORT.with_suffix("")), REPORT)
    publish("Ranking", ranking.measured(), REPORT)
    publish("Catalogue", catalogue.measure(), REPORT)


if __name__ == "__main__":
    typer.run(main)
