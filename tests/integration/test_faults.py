"""What a shopper and a writer get, and when, while a part is dead, slow, hanging, cut off, replaced by nonsense, restarted or out of disk.

Each cell breaks a running system, asks it, mends it, and waits until it is whole again by itself. ``build/faults.md`` has the table.
"""

from __future__ import annotations

import base64
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from shoplens.testing.pictures import png
from tools.stack import kafka, milvus
from tools.stack.faults import Faults
from tools.stack.relay import Relay
from tools.stack.system import SERVICES, STORES, System

PATIENCE_S = 120.0
SEARCH_S, WRITE_S = 10, 4
"""What the gateway promises: whatever happens, an answer in this time."""

BEYOND_S = 5.0
"""What a busy machine may need to send it."""

PARTS = ("detector", "encoder", "catalogue", "ranker", "copies", "ingest", *STORES)
FAULTS = ("dead", "slow", "hanging", "cut_off", "answering_nonsense", "restarted")
CELLS = [*itertools.product(PARTS, FAULTS), *((part, "full_disk") for part in PARTS if part not in STORES)]

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

OK, AWAY = 200, 503
LATE = 504


@dataclass(frozen=True, slots=True)
class Expected:
    """Statuses that are right, and what searches may lack. known: for a photo that was searched for before."""

    new: int = OK
    known: int = OK
    write: tuple[int, ...] = (OK,)
    lacking: frozenset[str] = frozenset()
    known_lacking: frozenset[str] = frozenset()


GONE = (AWAY, LATE)
EXPECTED: Mapping[str, Expected] = {
    "detector": Expected(write=GONE, lacking=frozenset({"regions"})),
    "encoder": Expected(new=AWAY, write=GONE),
    "catalogue": Expected(new=AWAY, write=GONE, known_lacking=frozenset({"freshness"})),
    "ranker": Expected(lacking=frozenset({"ranking"}), known_lacking=frozenset({"ranking"})),
    "copies": Expected(lacking=frozenset({"copies"}), known_lacking=frozenset({"copies"})),
    "ingest": Expected(write=GONE),
    "milvus": Expected(new=AWAY, write=GONE, known_lacking=frozenset({"freshness"})),
    "redis": Expected(),
    "kafka": Expected(),
}


@dataclass(slots=True)
class Told:
    """An answer: its status, how long it took, what it lacked."""

    status: int
    seconds: float
    body: dict[str, Any]

    @property
    def lacking(self) -> frozenset[str]:
        return frozenset(self.body.get("degraded", ()))

    def __str__(self) -> str:
        lacking = f" without {', '.join(sorted(self.lacking))}" if self.lacking else ""
        return f"{self.status}{lacking}, {self.seconds:.1f} s"


@dataclass
class Customers:
    """Somebody who searches, and somebody who writes; whatever was acknowledged is remembered."""

    http: httpx.Client
    seeds: Iterator[int] = field(default_factory=lambda: itertools.count(10_000))
    acknowledged: set[str] = field(default_factory=set)
    possible: dict[str, set[str]] = field(default_factory=dict)

    def search(self, seed: int | None = None) -> Told:
        """For a photo that nobody saw before, unless a seed is given."""
        photo = png(next(self.seeds) if seed is None else seed)
        return self._told("POST", "/v1/search", files={"image": ("photo.png", photo, "image/png")})

    def write(self) -> Told:
        """A product with a new picture, over the last one of the same id."""
        seed = next(self.seeds)
        product_id, title = f"written-{seed % 5}", f"as of {seed}"
        told = self._told("PUT", f"/v1/products/{product_id}", json=product(title, seed))
        titles = self.possible.setdefault(product_id, set())
        if told.status == OK:
            self.acknowledged.add(product_id)
            titles.clear()
        # What failed may be in effect all the same; what was acknowledged must be, unless something later is.
        titles.add(title)
        return told

    def react(self) -> Told:
        return self._told("POST", "/v1/feedback", json={"request_id": "r", "product_id": "shelf-1", "action": "click"})

    def lost(self) -> list[str]:
        """Acknowledged products that are not there, or not as they were acknowledged."""
        missing = []
        for product_id in sorted(self.acknowledged):
            answer = self.http.get(f"/v1/products/{product_id}")
            if answer.status_code != OK or answer.json()["title"] not in self.possible[product_id]:
                missing.append(f"{product_id}: {answer.text}, not {self.possible[product_id]}")
        return missing

    def _told(self, method: str, path: str, **request: Any) -> Told:
        begun = time.perf_counter()
        answer = self.http.request(method, path, **request)
        body = answer.json() if answer.content else {}
        told = Told(answer.status_code, time.perf_counter() - begun, body)
        if told.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", body
            assert "Traceback" not in answer.text
        if told.status == AWAY:
            assert int(answer.headers["retry-after"]) > 0
        return told


def product(title: str, seed: int) -> dict[str, Any]:
    return {"title": title, "category": "T-Shirts", "images": [{"id": "1", "content": base64.b64encode(png(seed)).decode()}]}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Faults]]:
    missing = kafka.why_not() or milvus.why_not()
    if missing and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, and {missing}")
    if missing:
        pytest.skip(missing)
    relays: dict[str, Relay] = {}
    with ExitStack() as opened:

        def through(name: str, address: str) -> str:
            relays[name] = opened.enter_context(Relay(address))
            return relays[name].address

        times = {"SHOPLENS_HTTP_SEARCH_TIMEOUT_S": str(SEARCH_S), "SHOPLENS_HTTP_WRITE_TIMEOUT_S": str(WRITE_S)}
        folder = tmp_path_factory.mktemp("faults")
        system = opened.enter_context(System(folder, through=through, environment=times))
        system.wait_until_ready()
        yield system, Faults(system, relays)


@pytest.fixture(scope="module")
def customers(broken: tuple[System, Faults]) -> Iterator[Customers]:
    with httpx.Client(base_url=broken[0].address, timeout=SEARCH_S + BEYOND_S, trust_env=False) as client:
        for number in range(8):
            client.put(f"/v1/products/shelf-{number}", json=product(f"Tee {number}", number)).raise_for_status()
        yield Customers(client)


@pytest.fixture(scope="module")
def table() -> Iterator[dict[tuple[str, str], str]]:
    """By part and fault what was seen; written down in the end."""
    cells: dict[tuple[str, str], str] = {}
    yield cells
    lines = ["| part | fault | a new photo | a known photo | a write | whole again |", "|---|---|---|---|---|---|"]
    lines += [f"| {part} | {fault.replace('_', ' ')} | {cell} |" for (part, fault), cell in cells.items()]
    out = Path(__file__).parents[2] / "build" / "faults.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(lines) + "\n")


def whole_again(customers: Customers) -> float:
    """The seconds until searches lack nothing and writes are taken, by themselves."""
    begun = time.monotonic()
    while True:
        new, written = customers.search(), customers.write()
        if new.status == written.status == OK and not new.lacking:
            return time.monotonic() - begun
        assert time.monotonic() - begun < PATIENCE_S, f"never whole again: {new} {new.body}, {written} {written.body}"
        time.sleep(0.1)


@pytest.mark.parametrize(("part", "fault"), CELLS)
def test_a_fault_is_survived_and_over_when_it_is_over(
    broken: tuple[System, Faults], customers: Customers, table: dict[tuple[str, str], str], part: str, fault: str
) -> None:
    _, faults = broken
    expected = EXPECTED[part]
    whole_again(customers)
    known = next(customers.seeds)
    assert customers.search(known).lacking == frozenset()
    breaking: AbstractContextManager[None] = getattr(faults, fault)(part)
    with breaking, ThreadPoolExecutor(1) as beside:
        writing = beside.submit(customers.write)
        new, again = customers.search(), customers.search(known)
        written = writing.result()
        reaction = customers.react() if part == "kafka" else None
    back_s = whole_again(customers)
    table[part, fault] = f"{new} | {again} | {written} | {back_s:.1f} s"

    if fault == "full_disk":  # who only reads goes on, and what only helps a write does not stop it
        assert (new.status, new.lacking, again.status) == (OK, frozenset(), OK)
        assert written.status == (AWAY if part == "catalogue" else OK), written.body
    elif fault == "restarted":  # it may be back before anybody notices
        assert {new.status, again.status} <= {OK, expected.new, expected.known}
    else:
        assert new.status == expected.new, new.body
        assert again.status == expected.known, again.body
        assert written.status in expected.write, written.body
        assert new.status != OK or new.lacking == expected.lacking
        assert again.lacking <= expected.known_lacking
        assert reaction is None or reaction.status in GONE
    assert customers.lost() == []


def test_every_part_was_broken_and_the_gateway_is_what_stays() -> None:
    assert {*PARTS, "gateway"} == {*SERVICES, *STORES}
