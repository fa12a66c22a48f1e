"""Half an hour of everything at once, and whether the server is at its end what it was at its beginning.

``python -m benchmarks.soak`` serves the demo catalogue and sends searches, questions for copies, new products, changed prices and
deletions at their own times. Every second it looks at the server's memory, its descriptors and threads; ``build/bench/soak.png``
draws them beside the waits, and the table has the slope of the memory after the first third, in percent an hour, with what it may be off
by. It is fitted through the least of each half minute: a search in flight holds tens of megabytes, and is no leak.
"""

from __future__ import annotations

import base64
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.load import Answers, closed, json_request, never_the_same, open_, search_request
from benchmarks.report import publish
from shoplens.testing.serving import server_of, serving
from tools.stack.faults import family

mpl.use("Agg")
from matplotlib import pyplot

REPORT = Path("build/bench.json")
LOOK_EVERY_S = 1.0
FLOOR_OF = 30
"""Looks of which the least counts."""
WARM = 1 / 3
"""Of the time, what counts as warm-up: caches fill, and the catalogue takes up its new products."""

MIX = {"search": 0.70, "copies": 0.10, "patch": 0.12, "put": 0.05, "delete": 0.03}
CROWD, CROWD_S = 16, 30.0
SPARE = 40
"""New products that come and go, over and over: the catalogue's size stays."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server and all that it has started, at one moment. resident: bytes."""

    at_s: float
    resident: int
    descriptors: int
    threads: int


def main(
    minutes: Annotated[float, typer.Option(help="How long it lasts.")] = 30.0,
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 12.0,
) -> None:
    """Run it, draw it, and print the table."""
    with tempfile.TemporaryDirectory(prefix="shoplens-soak-") as home:
        data = Path(home) / "data"
        with serving(data, catalogue="demo") as client:
            listed = client.get("/v1/products", params={"page_size": 100}).raise_for_status().json()["products"]
            ids = [each["product_id"] for each in listed]
            photos = [client.get(f"/v1/products/{each['product_id']}/images/{each['images'][0]['id']}").content for each in listed]
            # A crowd first: a model keeps an interpreter for each core, made when a crowd first needs it.
            closed(int(client.base_url.port or 80), never_the_same(photos), callers=CROWD, seconds=CROWD_S)
            looks: list[Look] = []
            stop = threading.Event()
            watching = threading.Thread(target=_watch, args=(server_of(data), looks, stop))
            watching.start()
            begun = time.perf_counter()
            answers = open_(int(client.base_url.port or 80), _mixed(ids, photos), a_second=rate, seconds=60 * minutes)
            stop.set()
            watching.join()
    _draw(looks, answers, begun, Path("build/bench"))
    publish("A soak", _reported(looks, answers), REPORT)


def _mixed(ids: Sequence[str], photos: Sequence[bytes]) -> Iterator[bytes]:
    """Requests without end. A product that is deleted was put before, or is gone already: then the answer is 404, which is right."""
    dice, number = random.Random(0), time.time_ns()
    while True:
        number += 1
        photo = dice.choice(photos)
        spare = f"soak-{dice.randrange(SPARE)}"
        match dice.choices(list(MIX), list(MIX.values()))[0]:
            case "search":
                yield search_request(photo, marked=number)
            case "copies":
                yield search_request(photo, marked=number, path="/v1/copies")
            case "patch":
                yield json_request(
                    "PATCH", f"/v1/products/{dice.choice(ids)}", {"price": {"amount": dice.randrange(99), "currency": "EUR"}}
                )
            case "put":
                content = base64.b64encode(photo + number.to_bytes(8, "big")).decode()
                yield json_request("PUT", f"/v1/products/{spare}", {"title": "Soaked", "images": [{"id": "1", "content": content}]})
            case "delete":
                yield json_request("DELETE", f"/v1/products/{spare}", {})


def _watch(pid: int, looks: list[Look], stop: threading.Event) -> None:
    begun = time.perf_counter()
    while not stop.wait(LOOK_EVERY_S):
        processes = list(family(pid))
        looks.append(
            Look(
                at_s=time.perf_counter() - begun,
                resident=sum(_resident(each) for each in processes),
                descriptors=sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in processes),
                threads=sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in processes),
            )
        )


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _reported(looks: Sequence[Look], answers: Answers) -> dict[str, float]:
    warm = [look for look in looks if look.at_s >= WARM * looks[-1].at_s]
    hours, floor = _floor(warm)
    (slope, _), ((variance, _), _) = np.polyfit(hours, floor, 1, cov=True)
    waits = np.array(answers.waits_ms)
    half = len(waits) // 2
    return {
        "soak_minutes": answers.seconds / 60,
        "soak_requests": float(sum(answers.statuses.values())),
        "soak_failed": float(sum(count for status, count in answers.statuses.items() if status not in (200, 204, 404))),
        "soak_resident_mb": float(floor.mean() / 1e6),
        "soak_resident_slope_percent_an_hour": float(100 * slope / floor.mean()),
        "soak_resident_slope_standard_error": float(100 * np.sqrt(variance) / floor.mean()),
        "soak_descriptors_first_last": looks[-1].descriptors - warm[0].descriptors,
        "soak_threads_first_last": looks[-1].threads - warm[0].threads,
        "soak_p50_ms": float(np.percentile(waits, 50)),
        "soak_p99_ms": float(np.percentile(waits, 99)),
        "soak_p99_second_half_over_first": float(np.percentile(waits[half:], 99) / np.percentile(waits[:half], 99)),
    }


def _floor(looks: Sequence[Look]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least memory of each half minute, in bytes, and when that was, in hours."""
    parts = [looks[start : start + FLOOR_OF] for start in range(0, len(looks) - FLOOR_OF + 1, FLOOR_OF)]
    least = [min(part, key=lambda look: look.resident) for part in parts]
    return np.array([look.at_s / 3600 for look in least]), np.array([look.resident for look in least], dtype=np.float64)


def _draw(looks: Sequence[Look], answers: Answers, begun: float, folder: Path) -> None:
    figure, axes = pyplot.subplots(3, 1, figsize=(9, 8), sharex=True)
    minutes = [look.at_s / 60 for look in looks]
    axes[0].plot(minutes, [look.resident / 1e6 for look in looks])
    axes[0].set(ylabel="memory, MB", ylim=(0, None), title="A server under searches, copies and writes")
    axes[1].plot(minutes, [look.descriptors for look in looks], label="descriptors")
    axes[1].plot(minutes, [look.threads for look in looks], label="threads")
    axes[1].legend()
    axes[1].set(ylim=(0, None))
    axes[2].scatter((np.array(answers.answered_s) - begun) / 60, answers.waits_ms, s=1, alpha=0.3)
    axes[2].set(ylabel="wait, ms", xlabel="minutes", yscale="log")
    for each in axes:
        each.grid(alpha=0.3)
    figure.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "soak.png", dpi=110)


if __name__ == "__main__":
    typer.run(main)
