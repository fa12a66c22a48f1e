"""A crowd of shoppers against the limit: what gets done at 32 callers, how long they wait at 70 % of that, what a known photo costs.

The limit is the bare inference of the same photos' searches on both cores, one search a core, nothing else done. Beside it stands a
peer: :mod:`benchmarks.peers.plain`. All in turns in one run, so that a busy machine slows all. The photos are the catalogue's own, as
other files: each would be looked at for being an edited copy, which a shopper's photo rarely is, so that is measured apart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import httpx
import matplotlib.pyplot as plt
import numpy as np
from rich.progress import track

from benchmarks.load import Answers, closed, never_the_same, one_by_one, open_, search_request
from shoplens.cores import Cores
from shoplens.model_store import model_folder
from shoplens.models import LiteRtModel, Manifest
from shoplens.testing.serving import free_port, serving

TURNS = 5
TURN_S = 5.0
CALLERS = 32
OPEN_S = 30.0
KNOWN = 200
BATCHES = (1, 2, 4, 8)
_READY_S = 120.0


def measured(folder: Path) -> dict[str, float]:
    """The table of ``make bench`` for a crowd: name → number; a plot of the waits to ``folder``."""
    with tempfile.TemporaryDirectory(prefix="shoplens-bench-") as home:
        data = Path(home) / "data"
        with serving(data, catalogue="demo") as client:
            photos = _photos(client)
            with_copies = closed(int(client.base_url.port or 80), never_the_same(photos), callers=CALLERS, seconds=TURN_S)
        with serving(data, environment={"SHOPLENS_STANDALONE_COPIES_IN_SEARCH": "false"}) as client, peer(data) as peer_port:
            port = int(client.base_url.port or 80)
            turns = _turns(photos, port, peer_port)
            ours = statistics.median(turn["ours"] for turn in turns)
            calm = open_(port, never_the_same(photos), a_second=0.7 * ours, seconds=OPEN_S)
            first, again = _first_and_again(port, photos)
    _plot(calm, folder)
    return {
        **{f"crowd_{name}_a_second": statistics.median(turn[name] for turn in turns) for name in turns[0]},
        "crowd_over_bare": statistics.median(turn["ours"] / turn["bare"] for turn in turns),
        "crowd_peer_over_ours": statistics.median(turn["peer"] / turn["ours"] for turn in turns),
        "crowd_of_copies_a_second": with_copies.a_second,
        "calm_p50_ms": calm.percentile(0.5),
        "calm_p99_ms": calm.percentile(0.99),
        "calm_p99_over_p50": calm.percentile(0.99) / calm.percentile(0.5),
        "calm_refused": float(sum(calm.statuses.values()) - calm.statuses[200]),
        "known_first_ms": first,
        "known_again_ms": again,
        "known_over_first": again / first,
        **_batching(),
    }


def _turns(photos: list[bytes], port: int, peer_port: int) -> list[dict[str, float]]:
    """Searches a second of the bare models, of shoplens and of the peer, turn by turn."""
    ours, theirs = never_the_same(photos), never_the_same(photos)
    bare = _bare_searches()
    bare()
    return [
        {
            "bare": bare(),
            "ours": closed(port, ours, callers=CALLERS, seconds=TURN_S).a_second,
            "peer": closed(peer_port, theirs, callers=CALLERS, seconds=TURN_S).a_second,
        }
        for _ in track(range(TURNS), "a crowd, the bare models and a peer in turns")
    ]


def _bare_searches() -> Callable[[], float]:
    """Searches a second of the models alone: a photo's detection and two crops' encoding, on each core by itself."""
    cores = [(_model("detector"), _model("encoder")) for _ in range(2)]

    def turn() -> float:
        counts, until = [0] * len(cores), time.perf_counter() + TURN_S

        def search(number: int) -> None:
            detect, encode = cores[number]
            while time.perf_counter() < until:
                detect(1)
                encode(2)
                counts[number] += 1

        threads = [threading.Thread(target=search, args=(number,)) for number in range(len(cores))]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - begun)

    return turn


def _model(part: str) -> Callable[[int], object]:
    """A part's model on one thread, on so many rows of input that is already in place."""
    manifest = Manifest.load(model_folder(part))
    model = LiteRtModel(manifest.path, Cores(1))
    rows = np.random.default_rng(0).random((max(BATCHES), manifest.input.height, manifest.input.width, 3), dtype=np.float32)
    return lambda count: model(rows[:count])


def _batching() -> dict[str, float]:
    """Crops a second of the encoder by batch, on one thread, as the interpreter itself computes them."""
    from ai_edge_litert.interpreter import Interpreter

    manifest = Manifest.load(model_folder("encoder"))
    report = {}
    for size in BATCHES:
        interpreter = Interpreter(model_path=str(manifest.path), num_threads=1)
        (name, signature), *_ = interpreter.get_signature_list().items()
        run = interpreter.get_signature_runner(name)
        rows = np.random.default_rng(0).random((size, manifest.input.height, manifest.input.width, 3), dtype=np.float32)
        spent = []
        for _ in range(3 + 160 // size):
            begun = time.perf_counter()
            run(**{signature["inputs"][0]: rows})
            spent.append(time.perf_counter() - begun)
        report[f"encoder_batch{size}_a_second"] = size / statistics.median(spent[3:])
    return report


def _first_and_again(port: int, photos: list[bytes]) -> tuple[float, float]:
    """p50 of a photo's first search and of its second, ms, by one caller."""
    marks = range(time.time_ns(), time.time_ns() + KNOWN)
    new = [search_request(photo, marked=mark) for mark, photo in zip(marks, cycle(photos), strict=False)]
    waits = one_by_one(port, [request for request in new for _ in ("first", "again")]).waits_ms
    return statistics.median(waits[::2]), statistics.median(waits[1::2])


def _photos(client: httpx.Client) -> list[bytes]:
    """The demo catalogue's own pictures."""
    products = client.get("/v1/products", params={"page_size": 200}).raise_for_status().json()["products"]
    paths = [f"/v1/products/{product['product_id']}/images/{image['id']}" for product in products for image in product["images"]]
    return [client.get(path).raise_for_status().content for path in paths[:100]]


@contextmanager
def peer(data: Path) -> Iterator[int]:
    """The plain peer over the same pictures, ready; its port."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.peers.plain", str(port), str(data)], stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + _READY_S
            while httpx_status(port) != 200:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("the peer did not come up; start it by hand and look")
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()


def httpx_status(port: int) -> int:
    """Of the server's document; 0 where nobody listens."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json", timeout=5.0).status_code
    except httpx.HTTPError:
        return 0


def _plot(calm: Answers, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(np.sort(calm.waits_ms), np.linspace(0, 100, len(calm.waits_ms)))
    axes.set(xlabel="ms from when the request was due", ylabel="% answered", title="Camera search at 70 % of capacity", xlim=(0, None))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(folder / "waits.png", dpi=120)
    plt.close(figure)
