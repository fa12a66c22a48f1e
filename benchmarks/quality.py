"""``make eval``: how good shoplens is on photos that its models never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import retrieval
from benchmarks.report import publish

REPORT = Path("build/eval.json")


def main(data: Annotated[Path, typer.Option(help="The folder that holds catalogue_luma/ (and the other sets).")]) -> None:
    """Put the gallery, search with every other view, print the table."""
    manifest = data / "catalogue_luma" / "manifest.csv"
    if not manifest.is_file():
        raise typer.BadParameter(f"{manifest} is missing; evaluation needs a folder with catalogue_luma/manifest.csv and its photos.")
    publish("Retrieval, catalogue_luma, other views → main views", retrieval.measure(data), REPORT)


if __name__ == "__main__":
    typer.run(main)
