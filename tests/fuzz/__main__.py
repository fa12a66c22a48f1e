"""``python -m tests.fuzz``: fuzz every target, and keep what crashes."""

from __future__ import annotations

import hashlib
import resource
import signal
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.fuzz.targets import Target, targets

CRASHES = Path(__file__).parent / "crashes"
HANGS_S = 10
GROWTH_BYTES = 1_500 * 2**20
"""What the process may grow by while it reads: decoded pictures have a limit of their own."""


class HangError(Exception):
    """An input that takes too long."""


def fuzz(target: Target, inputs: int, seed: int) -> tuple[int, list[bytes]]:
    """How many of so many inputs were accepted, and those that crashed."""
    dice, accepted, crashed = Random(f"{target.name}/{seed}"), 0, []
    signal.signal(signal.SIGALRM, _hang)
    for _ in range(inputs):
        content = target.mutate(dice.choice(target.seeds), target.seeds, dice)
        signal.alarm(HANGS_S)
        try:
            accepted += target.accepts(content)
        except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
            traceback.print_exc(limit=-3)
            crashed.append(content)
            if len(crashed) == 20:
                break
        finally:
            signal.alarm(0)
    return accepted, crashed


def _hang(_: int, __: FrameType | None) -> None:
    raise HangError(f"longer than {HANGS_S} s")


def main(
    inputs: Annotated[int, typer.Option(help="For each target; those that read pictures and feeds get a tenth.")] = 150_000,
    seed: Annotated[int, typer.Option(help="Of the dice.")] = 1,
    only: Annotated[str, typer.Option(help="One target alone.", show_default=False)] = "",
) -> None:
    """Fuzz, print a table, and exit with 1 where something crashed."""
    warnings.simplefilter("ignore")
    table = Table("target", "inputs", "accepted", "crashed", "a second", "memory, MiB")
    failed = False
    for target in targets():
        if only and target.name != only:
            continue
        count = inputs // 10 if target.name in ("picture", "feed") else inputs
        before, begun = _peak(), time.perf_counter()
        accepted, crashed = fuzz(target, count, seed)
        grown, seconds = _peak() - before, time.perf_counter() - begun
        failed |= bool(crashed) or grown > GROWTH_BYTES
        for content in crashed:
            kept = CRASHES / target.name / hashlib.sha256(content).hexdigest()[:16]
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(content)
        numbers = (count, accepted, len(crashed), round(count / seconds), round(grown / 2**20))
        table.add_row(target.name, *(f"{number:,}" for number in numbers))
        Console().print(f"{target.name}: {len(crashed)} crashed", style="red" if crashed else "green")
    Console().print(table)
    if failed:
        raise typer.Exit(1)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    typer.run(main)
