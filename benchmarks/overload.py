"""Twice as many shoppers as the machine can serve: how many are served all the same, how long they wait, how soon the rest knows.

``python -m benchmarks.overload`` measures the capacity first (32 callers who wait for each other), then sends that many searches a
second, and then twice as many, each at its own time whether the one before is answered or not, and timed from when it was due.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.load import Answers, closed, never_the_same, open_
from benchmarks.report import publish
from shoplens.testing.serving import serving

REPORT = Path("build/bench.json")
CALLERS = 32

_console = Console()


def main(seconds: Annotated[float, typer.Option(help="How long each load lasts.")] = 60.0) -> None:
    """Serve the demo catalogue, load it, and print the table."""
    with tempfile.TemporaryDirectory(prefix="shoplens-overload-") as home:
        settings = {"SHOPLENS_STANDALONE_COPIES_IN_SEARCH": "false"}  # every photo would be one, as hardly any shopper's is
        with serving(Path(home) / "data", catalogue="demo", environment=settings) as client:
            port = int(client.base_url.port or 80)
            listed = client.get("/v1/products", params={"page_size": 100}).raise_for_status().json()["products"]
            addresses = [f"/v1/products/{each['product_id']}/images/{each['images'][0]['id']}" for each in listed]
            photos = [client.get(address).raise_for_status().content for address in addresses]
            closed(port, never_the_same(photos), callers=CALLERS, seconds=seconds / 6)
            capacity = closed(port, never_the_same(photos), callers=CALLERS, seconds=seconds / 2).a_second
            _console.print(f"capacity: {capacity:.1f} searches a second; now as many, and then twice as many")
            at = {share: open_(port, never_the_same(photos), a_second=share * capacity, seconds=seconds) for share in (1.0, 2.0)}
    publish("Twice the capacity", _reported(capacity, at[1.0], at[2.0]), REPORT)


def _reported(capacity: float, full: Answers, over: Answers) -> dict[str, float]:
    return {
        "overload_capacity_a_second": capacity,
        "overload_at_capacity_p99_ms": full.percentile(0.99),
        "overload_at_capacity_served": len(full.waits_ms) / sum(full.statuses.values()),
        "overload_goodput_over_capacity": over.a_second / capacity,
        "overload_p99_ms": over.percentile(0.99),
        "overload_p99_over_at_capacity": over.percentile(0.99) / full.percentile(0.99),
        "overload_refused": over.statuses[429] / sum(over.statuses.values()),
        "overload_failed_otherwise": float(sum(count for status, count in over.statuses.items() if status not in (200, 429))),
        "overload_refusal_p50_ms": float(np.median(over.refusals_ms)),
        "overload_refusal_p99_ms": float(np.percentile(over.refusals_ms, 99)),
    }


if __name__ == "__main__":
    typer.run(main)
