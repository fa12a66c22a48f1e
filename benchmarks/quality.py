"""``make eval``: how good shoplens is on photos that its models never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import attributes, categories, copies, detection, parts, retrieval
from benchmarks.report import publish

REPORT = Path("build/eval.json")


def main(
    data: Annotated[Path, typer.Option(help="The folder that holds the sets of photos.")],
) -> None:
    """Put the gallery and search with every other view; find the regions of street photos, and edited copies; print the tables."""
    sets = ("catalogue_luma", "studio_products", "clothing_cc0")
    for needed in (*(data / name / "manifest.csv" for name in sets), data / "street_boxes" / "boxes.csv"):
        if not needed.is_file():
            raise typer.BadParameter(f"{needed} is missing; evaluation needs labelled photos: make eval DATA=<their folder>.")
    publish("Retrieval, catalogue_luma, other views → main views", retrieval.measure(data), REPORT)
    publish("What each part of a score is worth", parts.measured(data, REPORT.with_suffix("")), REPORT)
    publish("Category, clothing_cc0, unseen senders", categories.measured(data, REPORT.with_suffix("")), REPORT)
    publish("Attributes, studio_products, held-back products", attributes.measured(data), REPORT)
    publish("Detection, street_boxes, val", detection.measured(data, REPORT.with_suffix("")), REPORT)
    publish("Copies, one to three random edits", copies.measured(data, REPORT.with_suffix("")), REPORT)


if __name__ == "__main__":
    typer.run(main)
