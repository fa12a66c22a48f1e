"""``python -m tests.deploy.apiserver``: every overlay and combination, asked of a real API server by dry run.

It takes up what schemas leave open: rules across fields, the operators' rules in CEL, the namespace's pod security, what is deprecated.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.deploy.combinations import Manifests, every_combination, overlay, overlays
from tests.deploy.test_manifests import INVALID, MISTAKES
from tools import crds
from tools.apiserver import ApiServer

NEWEST = ("v1.37.2", "v1.36.3", "v1.35.4")
FORBIDDEN = ("runs as root", "on the node's network", "mounts the node", "no seccomp", "capabilities", "privileged")
"""Of the mistakes against our own rules those that the namespace's pod security knows."""

PLANTED = {**INVALID, **{name: MISTAKES[name][0] for name in FORBIDDEN}}


def main(versions: Annotated[list[str] | None, typer.Argument(help="Of Kubernetes; built where they are not kept.")] = None) -> None:
    """Print how many manifests each version was asked of, what it said, and which planted mistakes it found."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        deployable = {name: overlay(name) for name in overlays()}
        deployable |= {"+".join(names): found for names, found in every_combination(Path(folder))}
        table = Table("version", "overlays, combinations", "manifests", "of them different", "complaints", "planted mistakes found")
        complaints: list[str] = []
        for version in versions or NEWEST:
            with ApiServer(Path(folder) / version, version) as server:
                _prepare(server, deployable["production"])
                different = _different(deployable.values())
                said = [text for each in track(different, version, console=console) for text in server.complaints(each)]
                missed = [name for name in PLANTED if not _is_found(server, deployable["production"], name)]
            asked = sum(map(len, deployable.values()))
            table.add_row(
                version,
                str(len(deployable)),
                str(asked),
                str(len(different)),
                str(len(said)),
                f"{len(PLANTED) - len(missed)} of {len(PLANTED)}",
            )
            complaints += [f"{version}: {text}" for text in (*said, *(f"did not find the planted mistake: {name}" for name in missed))]
    console.print(table, *complaints, sep="\n")
    raise typer.Exit(bool(complaints))


def _prepare(server: ApiServer, production: Manifests) -> None:
    """The operators' kinds, and the namespace with its rules."""
    for definition in crds.definitions():
        server.define(definition)
    for each in production:
        if each["kind"] == "Namespace":
            server.create(each)


def _different(deployable: Iterable[Manifests]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(each) for found in deployable for each in found)]


def _is_found(server: ApiServer, production: Manifests, mistake: str) -> bool:
    spoilt = copy.deepcopy(production)
    PLANTED[mistake](spoilt)
    changed: list[Mapping[str, Any]] = [each for each, before in zip(spoilt, production, strict=True) if each != before]
    return any(server.complaints(each) for each in changed)


if __name__ == "__main__":
    typer.run(main)
