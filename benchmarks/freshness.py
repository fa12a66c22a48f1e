"""How fresh a catalogue stays, over a real Kafka, Valkey and Milvus: ``python -m benchmarks.freshness``.

Everything runs on this machine: the stores, every service as its own process, and the shop that tells the events. Five figures:

1. a day of 22,500 events with ingest killed at 20 moments, the broker restarted twice, Milvus and Redis once: is the catalogue equal?
2. from an event's being told to its being searchable, at a steady rate: patches and deletions, new pictures;
3. patches a second, and pictures a second beside what the bare models do in the same run;
4. a thousand known products listed again: pictures computed;
5. two hundred kinds of poison: dead letters.
"""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer
from rich.console import Console

import services  # noqa: F401 - before numpy's threads start
from benchmarks.report import publish
from benchmarks.updates import made_day, made_pictures, made_poison, what_is_held
from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from services.ingest.extraction import close_ups, main_region, worth_indexing
from services.ingest.topics import DEAD, UPDATES, producer
from services.standalone.telling import DeadTopic
from shoplens.cores import Cores
from shoplens.domain import WHOLE_FRAME
from shoplens.errors import ShoplensError
from shoplens.images import decode
from shoplens.model_store import model_folder
from shoplens.rpc.clients import CatalogueClient
from tools.stack.system import System

REPORT = Path("build/freshness.json")
PATIENCE_S = 1_200.0
_PICTURES = 400
_console = Console()


class Shop:
    """The running system, told and asked."""

    def __init__(self, system: System, pictures: list[str]) -> None:
        self.system = system
        self.pictures = pictures
        self.sending = producer(system.kafka.address)
        self.catalogue = CatalogueClient(system.services["catalogue"].address)

    def tell(self, product_id: str, document: dict[str, Any]) -> None:
        self.sending.send(UPDATES, key=product_id.encode(), value=json.dumps(document).encode())

    def holds(self, product_id: str, title: str | None) -> bool:
        """Whether the product has this title; None where it should be gone."""
        try:
            return self.catalogue.get(product_id).details.title == title
        except ShoplensError as error:
            return title is None and error.reason == "not-found"

    def wait(self, holds: Callable[[], bool], what: str) -> float:
        """Seconds until it holds."""
        begun = time.monotonic()
        while not holds():
            if time.monotonic() - begun > PATIENCE_S:
                raise SystemExit(f"still not: {what}")
            time.sleep(0.02)
        return time.monotonic() - begun

    def wait_for(self, titles: Mapping[str, str], what: str) -> None:
        """Until each product has its title. Only what is not there yet is asked for: asking takes time from what is measured."""
        waiting = deque(titles.items())

        def all_there() -> bool:
            while waiting and self.holds(*waiting[0]):
                waiting.popleft()
            return not waiting

        self.wait(all_there, what)

    def products(self) -> dict[str, dict[str, Any]]:
        found, token = {}, ""
        while True:
            page = self.catalogue.page(size=500, token=token)
            found |= {each.id: what_is_held(each) for each in page.products if each.id.startswith("product-")}
            token = page.next_token
            if not token:
                return found

    def metric(self, service: str, line: str) -> float:
        text = httpx.get(f"http://{self.system.metrics(service)}/metrics", trust_env=False).text
        return float(next((row.rpartition(" ")[2] for row in text.splitlines() if row.startswith(line)), "0"))


def main(
    folder: Annotated[Path, typer.Option(help="Where data and logs lie; emptied first.")] = Path("build/freshness"),
    only: Annotated[list[str] | None, typer.Option(help="day, latency, rates, again or poison; once for each.")] = None,
) -> None:
    """Run the measurements and print the table."""
    shutil.rmtree(folder, ignore_errors=True)
    pictures = made_pictures(folder / "pictures", _PICTURES)
    fresh = made_pictures(folder / "pictures" / "fresh", 600, seed=77)
    report: dict[str, float] = {}
    with System(folder, file_root=folder / "pictures") as system:
        system.wait_until_ready()
        shop = Shop(system, pictures)
        measures = {"rates": lambda: rates(shop, fresh[:300]), "latency": lambda: latency(shop, fresh[300:]), "again": lambda: again(shop)}
        for name, measure in {**measures, "poison": lambda: poison(shop), "day": lambda: day(shop)}.items():
            if not only or name in only:
                report |= measure()
                _console.print(name, report)
    publish("Freshness", report, REPORT)


def day(shop: Shop) -> dict[str, float]:
    """1. The whole day, disturbed."""
    made = made_day(shop.pictures, products=2_000, patches=20_000, deletes=500)
    system = shop.system

    def kill() -> None:
        system.services["ingest"].kill()
        system.start("ingest")

    others = [system.kafka.restart, system.kafka.restart, system.milvus.restart, system.valkey.restart]
    mishaps = [kill] * 20 + others
    chance = random.Random(4)
    chance.shuffle(mishaps)
    finished = threading.Event()

    def tell() -> None:
        for event in made.events:
            shop.sending.send(UPDATES, key=event.product_id.encode(), value=event.value)
            time.sleep(1 / 300)
        shop.sending.flush()
        finished.set()

    begun = time.monotonic()
    telling = threading.Thread(target=tell)
    telling.start()
    for mishap in mishaps:
        time.sleep(chance.uniform(1.0, 5.0))
        mishap()
    telling.join()
    told_s = time.monotonic() - begun

    def equal() -> bool:
        try:
            return shop.products() == made.products
        except ShoplensError:
            return False

    settled_s = shop.wait(equal, "the catalogue equals the log")
    return {"day_events": len(made.events), "day_products": len(made.products), "day_told_s": told_s, "day_equal_after_s": settled_s}


def latency(shop: Shop, fresh: list[str]) -> dict[str, float]:
    """2. From telling to searchable, each event watched by itself."""
    for number in range(1_000):
        shop.tell(f"steady-{number}", _product("steady", shop.pictures[number % len(shop.pictures)]))
    shop.wait(lambda: all(shop.holds(f"steady-{number}", "steady") for number in range(0, 1_000, 37)), "the products are there")
    patches = _steadily(shop, _changes(shop), rate=200, watched=10)
    pictures = _steadily(shop, _pictures(shop, fresh[:250]), rate=5, watched=1)
    return {
        "patch_p50_ms": float(np.percentile(patches, 50)) * 1e3,
        "patch_p99_ms": float(np.percentile(patches, 99)) * 1e3,
        "picture_p50_ms": float(np.percentile(pictures, 50)) * 1e3,
        "picture_p99_ms": float(np.percentile(pictures, 99)) * 1e3,
    }


Change = tuple[str, str | None]
"""A product, and the title that it is to have; None where it is to go."""


def _changes(shop: Shop) -> Iterator[Change]:
    """30 seconds of patches, every tenth a deletion."""
    for number in range(6_000):
        product_id, goes = f"steady-{number % 900}" if number % 10 else f"steady-{900 + number // 10 % 100}", number % 10 == 0
        title = None if goes else f"title {number}"
        shop.tell(product_id, {"op": "delete"} if goes else {"op": "patch", "title": title})
        yield product_id, title


def _pictures(shop: Shop, fresh: list[str]) -> Iterator[Change]:
    for number, uri in enumerate(fresh):
        shop.tell(f"new-{number}", _product("new", f"file:fresh/{uri.removeprefix('file:')}"))
        yield f"new-{number}", "new"


def _steadily(shop: Shop, changes: Iterator[Change], *, rate: float, watched: int) -> list[float]:
    """Tell at a steady rate; seconds until each ``watched``th is seen by asking the catalogue again and again."""
    waiting: dict[Change, float] = {}
    seconds: list[float] = []
    done = threading.Event()

    def watch() -> None:
        with CatalogueClient(shop.system.services["catalogue"].address) as catalogue:
            asking = Shop.__new__(Shop)
            asking.catalogue = catalogue
            while waiting or not done.is_set():
                for change, told in list(waiting.items()):
                    if asking.holds(*change):
                        seconds.append(time.monotonic() - told)
                        del waiting[change]
                time.sleep(0.01)

    watching = threading.Thread(target=watch)
    watching.start()
    begun = time.monotonic()
    for number, change in enumerate(changes):
        if number % watched == 0:
            waiting[change] = time.monotonic()
        time.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
    done.set()
    watching.join()
    return seconds


def rates(shop: Shop, fresh: list[str]) -> dict[str, float]:
    """3. As fast as it goes."""
    before = _bare(shop, fresh)
    begun = time.monotonic()
    for number, uri in enumerate(fresh):
        shop.tell(f"rate-{number}", _product("rate", f"file:fresh/{uri.removeprefix('file:')}"))
    shop.sending.flush()
    shop.wait_for({f"rate-{number}": "rate" for number in range(len(fresh))}, "all pictures are there")
    pictures = len(fresh) / (time.monotonic() - begun)
    bare = (before + _bare(shop, fresh)) / 2  # the machine's speed changes within minutes
    for number in range(2_000):
        shop.tell(f"many-{number}", _product("many", f"file:fresh/{number % len(fresh)}.jpg"))
    shop.wait_for({f"many-{number}": "many" for number in range(2_000)}, "all products are there")
    count = 40_000
    begun = time.monotonic()
    for number in range(count):
        shop.tell(f"many-{number % 2_000}", {"op": "patch", "title": f"title {number}"})
    shop.sending.flush()
    last = {f"many-{number}": f"title {count - 2_000 + number}" for number in range(2_000)}
    shop.wait_for(last, "all patches are in effect")
    return {
        "patches_per_s": count / (time.monotonic() - begun),
        "pictures_per_s": pictures,
        "bare_pictures_per_s": bare,
        "pictures_over_bare": pictures / bare,
    }


def _bare(shop: Shop, fresh: list[str]) -> float:
    """Pictures a second of the two models alone, on both cores, while everything else idles."""
    shown = [decode((shop.system.folder / "pictures" / "fresh" / uri.removeprefix("file:")).read_bytes()) for uri in fresh[:100]]
    cores = Cores()
    detector, encoder = LiteRtDetector(model_folder("detector"), cores), LiteRtEncoder(model_folder("encoder"), cores)

    def one(number: int) -> None:
        picture = shown[number]
        regions = detector.detect(picture)
        subject = main_region(regions)
        corners = close_ups(WHOLE_FRAME if subject is None else subject.box)
        encoder.encode(picture, (WHOLE_FRAME, *(region.box for region in worth_indexing(regions)), *corners))

    one(0)
    begun = time.monotonic()
    for number in range(len(shown)):
        one(number)
    return len(shown) / (time.monotonic() - begun)


def again(shop: Shop) -> dict[str, float]:
    """4. Known products, listed again with another price."""

    def listed(price: float) -> float:
        for number in range(1_000):
            document = _product(f"{price}", shop.pictures[number % len(shop.pictures)]) | {"price": {"amount": price, "currency": "EUR"}}
            shop.tell(f"again-{number}", document)
        shop.wait(lambda: all(shop.holds(f"again-{number}", f"{price}") for number in range(1_000)), "all are listed")
        return shop.metric("ingest", 'shoplens_pictures_computed_total{source="computed"}')

    before = listed(1.0)
    return {"listed_again": 1_000, "computed_again": listed(2.0) - before}


def poison(shop: Shop) -> dict[str, float]:
    """5. What cannot be applied."""
    made = made_poison(200)
    for key, value in made:
        shop.sending.send(UPDATES, key=key, value=value)
    shop.tell("after-the-poison", _product("sound", shop.pictures[0]))
    shop.wait(lambda: shop.holds("after-the-poison", "sound"), "the rest flows on")

    def dead() -> int:
        with closing(DeadTopic(shop.system.kafka.address, DEAD)) as topic:
            found = {letter.message.value: letter for letter in topic.letters(again=True) if letter.reason and letter.detail}
        return sum(value in found for _, value in made)

    shop.wait(lambda: dead() == len(made), "all poison is dead")
    return {"poison": len(made), "poison_dead": dead()}


def _product(title: str, uri: str) -> dict[str, Any]:
    return {"title": title, "category": "Dresses", "images": [{"uri": uri}]}


if __name__ == "__main__":
    typer.run(main)
