"""Every service of a running system killed, restarted and drained in turn, under load: how many searches fail.

``python -m benchmarks.availability`` runs two of each service that may run twice (detector, encoder, ranker, gateway) and one of each
that owns a store, over a real Kafka, Redis and Milvus. Searches come at their own times. Between them and the gateways stands what the
manifests' ingress does: it asks each for ``/readyz``, and goes once to the other where one breaks off or answers 503.

killed: with SIGKILL, unannounced. restarted: taken out of the ingress, SIGTERM, started again, as a rolling upgrade does.
"""

from __future__ import annotations

import itertools
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.report import publish
from benchmarks.updates import made_pictures
from shoplens.rpc.channel import open_channel
from shoplens.rpc.clients import DetectorClient
from shoplens.testing.health import wait_for_health
from tools.stack.ports import free_port
from tools.stack.services import PATIENCE_S, ServiceProcess
from tools.stack.system import System

REPORT = Path("build/bench.json")
TWICE = ("detector", "encoder", "ranker", "gateway")
ONCE = ("catalogue", "copies", "ingest")
PRODUCTS = 60
CALM_S = 8.0
TRIES = 2
OUT_S = 3.0
"""How long an ingress takes to notice that a gateway is not ready."""

_console = Console()


@dataclass
class Seen:
    """What came of the searches of one phase. degraded: answered, and lacking something."""

    statuses: Counter[str] = field(default_factory=Counter)
    waits_ms: list[float] = field(default_factory=list)
    degraded: int = 0

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status != "200")

    @property
    def availability(self) -> float:
        return 1 - self.failed / max(1, sum(self.statuses.values()))


class Pair:
    """Two of a service, side by side: the system's own, and a second one."""

    def __init__(self, system: System, name: str, port: int) -> None:
        self._system = system
        self._name = name
        self._settings = {**system.settings(name), "port": port, "metrics_port": free_port()}
        if name == "gateway":
            self._settings["http_port"] = free_port()
        self.second = self._start_second()

    def processes(self) -> tuple[ServiceProcess, ServiceProcess]:
        return self._system.services[self._name], self.second

    def begin_again(self, number: int) -> ServiceProcess:
        if number == 0:
            self._system.start(self._name)
        else:
            self.second = self._start_second()
        return self.processes()[number]

    def _start_second(self) -> ServiceProcess:
        return ServiceProcess(self._name, log=self._system.folder / f"{self._name}-2.log", **self._settings)


class Ingress:
    """Goes to a gateway that is ready, and once to the other where one breaks off or answers 503, as the manifests' ingress does.

    Asks twice a second who is ready.
    """

    def __init__(self, gateways: Callable[[], list[str]]) -> None:
        self._gateways = gateways
        self._ready: list[str] = []
        self.held: set[str] = set()
        self._next = itertools.count()
        self._client = httpx.Client(timeout=30.0, trust_env=False, limits=httpx.Limits(max_connections=200, max_keepalive_connections=0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def search(self, photo: bytes) -> httpx.Response:
        """Raises ``httpx.HTTPError``."""
        there = list(self._ready) or self._gateways()
        first, tries = next(self._next), min(TRIES, len(there))
        for attempt in range(tries):
            address, last = there[(first + attempt) % len(there)], attempt == tries - 1
            try:
                answer = self._client.post(f"{address}/v1/search", files={"image": ("photo.jpg", photo, "image/jpeg")})
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if last:
                    raise
                continue
            if last or answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
        raise AssertionError("there is always one to ask")

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            ready = [address for address in self._gateways() if address not in self.held and self._is_ready(address)]
            # Where none answers in time, the last that were ready are the best guess.
            self._ready = ready or [address for address in self._ready if address not in self.held]

    def _is_ready(self, address: str) -> bool:
        try:
            return self._client.get(f"{address}/readyz", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False


class Shoppers:
    """Searches at their own times. new: the share of them whose photo nobody sent before; the rest draw a box, or add a word."""

    def __init__(self, ingress: Ingress, photos: list[bytes], rate: float, new: float = 1.0) -> None:
        self._ingress = ingress
        self._photos = photos
        self._rate = rate
        self._new = new
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.seen = Seen()
        self._pool = ThreadPoolExecutor(128)
        self._thread = threading.Thread(target=self._come)

    @contextmanager
    def watched(self) -> Iterator[Seen]:
        """What comes of the searches that are answered inside."""
        with self._lock:
            self.seen = Seen()
            yielded = self.seen
        yield yielded

    def __enter__(self) -> Shoppers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._pool.shutdown()

    def _come(self) -> None:
        dice, number, due = random.Random(0), time.time_ns(), time.perf_counter()
        while not self._stop.is_set():
            due += dice.expovariate(self._rate)
            self._stop.wait(max(0.0, due - time.perf_counter()))
            number += 1
            mark = number.to_bytes(8, "big") if dice.random() < self._new else b""
            self._pool.submit(self._one, dice.choice(self._photos) + mark, due, self.seen)

    def _one(self, photo: bytes, due: float, seen: Seen) -> None:
        degraded = False
        try:
            answer = self._ingress.search(photo)
            status, told = str(answer.status_code), answer.json()
            degraded = status == "200" and "degraded" in told
            if status != "200":
                status += f" {told.get('detail', '')[:60]}"
        except httpx.HTTPError as error:
            status = type(error).__name__
        with self._lock:
            seen.statuses[status] += 1
            seen.degraded += degraded
            seen.waits_ms.append((time.perf_counter() - due) * 1000)


def main(
    rate: Annotated[float, typer.Option(help="Searches a second.")] = 20.0,
    new: Annotated[float, typer.Option(help="The share of them whose photo nobody sent before.", min=0.0, max=1.0)] = 1.0,
) -> None:
    """Run it and print the tables."""
    seconds = {name: free_port() for name in TWICE}

    def through(name: str, address: str) -> str:
        return f"ipv4:{address},127.0.0.1:{seconds[name]}" if name in seconds else address

    with tempfile.TemporaryDirectory(prefix="shoplens-availability-") as home, ExitStack() as opened:
        folder = Path(home)
        made_pictures(folder / "pictures", PRODUCTS)
        photos = [(folder / "pictures" / f"{number}.jpg").read_bytes() for number in range(PRODUCTS)]
        system = opened.enter_context(System(folder / "system", through=through, file_root=folder / "pictures"))
        pairs = {name: Pair(system, name, port) for name, port in seconds.items()}
        for pair in pairs.values():
            opened.callback(lambda pair=pair: pair.second.stop())
        system.wait_until_ready()
        fill(system.address, folder / "pictures")
        ingress = Ingress(lambda: [f"http://{each.http_address}" for each in pairs["gateway"].processes() if each.running])
        opened.callback(ingress.close)
        with Shoppers(ingress, photos, rate, new) as shoppers:
            rows = list(_phases(system, pairs, ingress, shoppers))
    _show(rows)
    twice = [seen for name, _, seen in rows if name in TWICE]
    drained = [seen for name, how, seen in rows if name in TWICE and how == "restarted"]
    searches = sum(sum(seen.statuses.values()) for seen in twice)
    publish(
        "Availability of what runs twice",
        {
            "availability_rate_a_second": rate,
            "availability_new_photos_a_second": rate * new,
            "availability_searches": searches,
            "availability_failed": sum(seen.failed for seen in twice),
            "availability": 1 - sum(seen.failed for seen in twice) / searches,
            "availability_failed_while_drained": sum(seen.failed for seen in drained),
        },
        REPORT,
    )


def _phases(system: System, pairs: dict[str, Pair], ingress: Ingress, shoppers: Shoppers) -> Iterator[tuple[str, str, Seen]]:
    with shoppers.watched() as seen:
        time.sleep(2 * CALM_S)
    yield "nothing", "calm", seen
    for name, pair in pairs.items():
        for how in ("killed", "restarted"):
            with shoppers.watched() as seen:
                for number in (0, 1):
                    process = pair.processes()[number]
                    if how == "killed":
                        process.kill()
                        time.sleep(CALM_S / 2)
                    else:
                        if name == "gateway":
                            ingress.held.add(f"http://{process.http_address}")
                            time.sleep(OUT_S)
                        process.stop()
                    _wait_until_serving(pair.begin_again(number))
                    ingress.held.clear()
                    time.sleep(CALM_S)
            yield name, how, seen
    for name in ONCE:
        with shoppers.watched() as seen:
            system.services[name].kill()
            system.start(name)
            _wait_until_serving(system.services[name])
            time.sleep(CALM_S)
        yield name, "killed", seen


def _wait_until_serving(process: ServiceProcess) -> None:
    with open_channel(process.address, DetectorClient.service) as channel:
        wait_for_health(channel, timeout_s=PATIENCE_S)


def fill(address: str, pictures: Path) -> None:
    with httpx.Client(base_url=address, timeout=60.0, trust_env=False) as client:
        for number in range(PRODUCTS):
            document = {"title": f"Product {number}", "images": [{"id": "1", "uri": (pictures / f"{number}.jpg").as_uri()}]}
            client.put(f"/v1/products/product-{number}", json=document).raise_for_status()


def _show(rows: list[tuple[str, str, Seen]]) -> None:
    table = Table(title="Both of a service in turn, or the only one; under load")
    for column in ("service", "what", "searches", "failed", "availability", "degraded", "p50 ms", "p99 ms", "failures"):
        table.add_column(column, justify="left" if column in ("service", "what", "failures") else "right", no_wrap=True)
    for name, how, seen in rows:
        failures = ", ".join(f"{count} × {status}" for status, count in seen.statuses.items() if status != "200")
        p50, p99 = np.percentile(seen.waits_ms, (50, 99))
        table.add_row(
            name, how, str(sum(seen.statuses.values())), str(seen.failed), f"{seen.availability:.4f}", str(seen.degraded),
            f"{p50:.0f}", f"{p99:.0f}", failures,
        )  # fmt: skip
    _console.print(table)


if __name__ == "__main__":
    typer.run(main)
