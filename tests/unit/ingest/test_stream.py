"""The update stream over logs in memory: what a log says is what the catalogue holds, whatever happens on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from services.ingest.preparation import Preparation
from services.ingest.stream import Patience, UpdateStream
from shoplens import tracing
from shoplens.domain import DeadLetter, Message, Picture, Region, Write, WriteOutcome
from shoplens.errors import InternalError, PictureUnreachable, ShoplensError, Unavailable
from shoplens.fetcher import Fetched, Validators
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeCache, FakeCatalogue, FakeCopies, FakeDeadLetters, FakeDetector, FakeEncoder, FakeUpdates

AT_ONCE = Patience(first_s=0.0, longest_s=0.0, picture_tries=3, fault_tries=3)
ROUNDS = 2_000
"""More than any of these takes; a stream that gets stuck fails instead of hanging."""


class Web:
    """Pictures by address: ``pic:7`` is the picture of seed 7. What is in ``away`` does not answer."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.slow: dict[str, threading.Event] = {}

    def revisit(self, uri: str, validators: Validators) -> Fetched:
        if uri in self.slow:
            assert self.slow[uri].wait(30)
        if uri in self.away:
            raise PictureUnreachable(f"{uri} answered 503; try again later.")
        return Fetched(b"<html>" if uri == "pic:none" else pictures.png(int(uri.removeprefix("pic:"))))


class Wires:
    """The catalogue, cut off as often as is wished: before a write arrives, or after it did and before the answer."""

    def __init__(self, catalogue: FakeCatalogue) -> None:
        self.catalogue = catalogue
        self.cuts: list[str] = []
        self.error: Callable[[], ShoplensError] = lambda: Unavailable("The catalogue cannot be reached.")
        self.batches: list[int] = []
        self.poison: str = ""

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        cut = self.cuts.pop(0) if self.cuts else ""
        if cut == "before":
            raise self.error()
        if any(write.change.id == self.poison for write in writes):
            raise InternalError("The service failed; the cause is in its log.")
        outcomes = self.catalogue.apply(writes)
        self.batches.append(len(writes))
        if cut == "after":
            raise self.error()
        return outcomes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalogue, name)


@dataclass
class Bench:
    """A stream and everything around it; ``restart`` is a crash."""

    web: Web = field(default_factory=Web)
    dead: FakeDeadLetters = field(default_factory=FakeDeadLetters)
    updates: FakeUpdates = field(default_factory=FakeUpdates)
    wires: Wires = field(default_factory=lambda: Wires(FakeCatalogue(FakeEncoder().card().model)))
    detector: FakeDetector = field(default_factory=FakeDetector)

    def __post_init__(self) -> None:
        self.stream = self._stream()

    def _stream(self) -> UpdateStream:
        preparation = Preparation.by(self.detector, FakeEncoder(), FakeCopies(), self.wires, self.web, FakeCache())
        return UpdateStream(self.updates, preparation, self.wires, self.dead, patience=AT_ONCE)

    def restart(self) -> None:
        self.stream._pool.shutdown(wait=False, cancel_futures=True)
        self.updates = FakeUpdates(self.updates.logs, self.updates.committed)
        self.stream = self._stream()

    def tell(self, product_id: str | None, document: Mapping[str, Any] | bytes | None, **where: Any) -> Message:
        value = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
        return self.updates.told(product_id, value, **where)

    def settle(self) -> None:
        """Until everything that was told is in effect or dead, and committed."""
        for _ in range(ROUNDS):
            self.stream.step()
            if not any(self.updates.behind().values()) and not len(self.stream._lanes):
                self.stream._commit()
                return
            wait([task.prepared for task in self.stream._lanes.tasks() if task.prepared is not None], timeout=30)
        raise AssertionError(f"still waiting: {list(self.stream._lanes.tasks())}")

    def state(self) -> dict[str, tuple[str, str]]:
        """Product id → title, brand."""
        return {each.id: (each.details.title, each.details.brand) for each in self.wires.page().products}


def product(title: str, *seeds: int | str, **more: Any) -> dict[str, Any]:
    return {"title": title, "images": [{"uri": f"pic:{seed}"} for seed in seeds or (1,)], **more}


def test_products_come_change_and_go() -> None:
    bench = Bench()
    bench.tell("a", product("A"))
    bench.tell("b", product("B", 2, 3))
    bench.tell("a", {"op": "patch", "brand": "Fjord"})
    bench.tell("b", {"op": "delete"})
    bench.tell(None, {"op": "upsert", **product("C", 4), "product_id": "c"})
    bench.settle()
    assert bench.state() == {"a": ("A", "Fjord"), "c": ("C", "")}
    assert bench.dead.letters == []
    assert bench.updates.committed == {"log-0": 5}


def test_a_message_without_a_value_is_a_deletion() -> None:
    bench = Bench()
    bench.tell("a", product("A"))
    bench.tell("a", None)
    bench.settle()
    assert bench.state() == {}


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(("upsert", "patch", "delete", "poison")), st.integers(0, 2)), min_size=1, max_size=25
)


def expected(steps: Sequence[tuple[str, str, int]]) -> dict[str, tuple[str, str, int]]:
    """What the log says, event by event: title, brand, version."""
    state: dict[str, tuple[str, str, int]] = {}
    for number, (name, operation, _) in enumerate(steps):
        title, _, version = state.get(name, ("", "", 0))
        match operation:
            case "upsert":
                state[name] = (f"title {number}", "", version + 1)
            case "patch" if version:
                state[name] = (title, f"brand {number}", version + 1)
            case "delete":
                state.pop(name, None)
    return state


@settings(max_examples=60)
@given(STEPS, st.lists(st.sampled_from(("", "before", "after", "crash", "lose")), max_size=12), st.randoms(use_true_random=False))
def test_the_catalogue_is_what_the_log_says_whatever_happens_on_the_way(
    steps: list[tuple[str, str, int]], mishaps: list[str], random: Any
) -> None:
    """Calls cut off before or after they took effect, crashes, logs that change hands: nothing lost, nothing out of order."""
    bench = Bench()
    documents = {"patch": lambda n: {"op": "patch", "brand": f"brand {n}"}, "delete": lambda n: {"op": "delete"}, "poison": lambda n: b"{"}
    for number, (name, operation, seed) in enumerate(steps):
        document = product(f"title {number}", seed) if operation == "upsert" else documents[operation](number)
        bench.tell(name, document, log=f"log-{ord(name) % 2}")
    for mishap in mishaps:
        match mishap:
            case "crash":
                bench.restart()
            case "lose":
                bench.updates.lose("log-0")
            case _:
                bench.wires.cuts = [mishap]
        for _ in range(random.randint(1, 4)):
            bench.stream.step()
        if random.random() < 0.5:
            bench.stream._commit()
    bench.wires.cuts = []
    bench.settle()
    held = {each.id: (each.details.title, each.details.brand, each.version) for each in bench.wires.page().products}
    assert held == expected(steps)
    told = sum(len(messages) for messages in bench.updates.logs.values())
    assert sum(bench.updates.committed.values()) == told
    unread = {letter.message.position for letter in bench.dead.letters if letter.message.value == b"{"}
    assert len(unread) == sum(operation == "poison" for _, operation, _ in steps)


POISON: dict[str, tuple[str | bytes | None, Mapping[str, Any] | bytes | None, str, str]] = {
    "no JSON": ("a", b"{", "invalid-argument", "not JSON"),
    "no object": ("a", b"[1]", "invalid-argument", "JSON object"),
    "an unknown op": ("a", {"op": "upset"}, "invalid-argument", "upsert, patch, delete"),
    "an unknown field": ("a", product("A", colour="red"), "invalid-argument", "colour"),
    "no name": (None, product("A"), "invalid-argument", "product_id"),
    "nothing at all": (None, None, "invalid-argument", "name the product by its key"),
    "two names": ("a", {**product("A"), "product_id": "b"}, "invalid-argument", "send one of them"),
    "a key that is no text": (b"\xff", product("A"), "invalid-argument", "UTF-8"),
    "no pictures": ("a", {"title": "A"}, "invalid-argument", "images"),
    "a picture that is none": ("a", product("A", "none"), "unreadable-picture", "Picture '1'"),
    "a picture whose server is away": ("a", product("A", 77), "picture-unreachable", "answered 503"),
    "a patch of nobody": ("a", {"op": "patch", "title": "A"}, "not-found", "no product 'a'"),
    "a patch of pictures": ("a", {"op": "patch", "images": []}, "invalid-argument", "whole product"),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_a_dead_letter_and_the_rest_flows_on(name: str) -> None:
    key, value, reason, detail = POISON[name]
    bench = Bench()
    bench.web.away.add("pic:77")
    before = REGISTRY.get_sample_value("shoplens_updates_dead_total", {"reason": reason}) or 0.0
    told = bench.updates.told(key, value if value is None or isinstance(value, bytes) else json.dumps(value).encode())
    bench.tell("z", product("Z"))
    bench.settle()
    (letter,) = bench.dead.letters
    assert (letter.message, letter.reason) == (told, reason)
    assert detail in letter.detail
    assert bench.state() == {"z": ("Z", "")}
    assert bench.updates.committed == {"log-0": 2}
    assert REGISTRY.get_sample_value("shoplens_updates_dead_total", {"reason": reason}) == before + 1


def test_a_dead_dependency_is_waited_for_and_nothing_is_skipped() -> None:
    bench = Bench()
    bench.tell("a", product("A"))
    bench.tell("a", {"op": "patch", "brand": "B"})
    bench.wires.cuts = ["before"] * 30
    bench.settle()
    assert bench.state() == {"a": ("A", "B")}
    assert bench.dead.letters == []


def test_while_it_waits_nothing_more_is_read() -> None:
    bench = Bench()
    bench.stream._patience = Patience(first_s=60.0, longest_s=60.0)
    bench.tell("a", {"op": "delete"})
    bench.wires.cuts = ["before"]
    bench.stream.step()
    assert REGISTRY.get_sample_value("shoplens_updates_held_up") == 1
    bench.tell("b", {"op": "delete"})
    bench.stream.step()
    assert bench.updates.paused
    assert bench.updates.behind() == {"log-0": 1}


def test_the_dead_letters_own_keeper_is_waited_for_too() -> None:
    bench = Bench()

    class Away(FakeDeadLetters):
        tries = 0

        def send(self, letter: DeadLetter) -> None:
            self.tries += 1
            if self.tries < 4:
                raise Unavailable("The broker is away.")
            super().send(letter)

    bench.dead = Away()
    bench.restart()
    bench.tell("a", b"{")
    bench.settle()
    assert len(bench.dead.letters) == 1


def test_a_slow_picture_holds_up_its_own_product_alone() -> None:
    bench = Bench()
    bench.web.slow["pic:9"] = threading.Event()
    bench.tell("slow", product("Slow", 9))
    bench.tell("slow", {"op": "patch", "brand": "Later"})
    for number in range(20):
        bench.tell(f"p{number}", product("Quick", number % 5))
    for _ in range(ROUNDS):
        bench.stream.step()
        if len(bench.stream._lanes) == 2:
            break
        wait([task.prepared for task in bench.stream._lanes.tasks() if task.prepared is not None], 30, FIRST_COMPLETED)
    assert len(bench.state()) == 20
    bench.stream._commit()
    assert bench.updates.committed.get("log-0", 0) == 0  # the slow one would be lost by a crash
    bench.web.slow["pic:9"].set()
    bench.settle()
    assert bench.state()["slow"] == ("Slow", "Later")
    assert bench.updates.committed == {"log-0": 22}


def test_one_write_that_fells_the_catalogue_does_not_stop_the_stream() -> None:
    bench = Bench()
    for number in range(6):
        bench.tell(f"p{number}", product("P", number))
    bench.settle()
    bench.wires.poison = "p3"
    for number in range(6):
        bench.tell(f"p{number}", {"op": "patch", "title": "Q"})
    bench.settle()
    assert [letter.message.key for letter in bench.dead.letters] == [b"p3"]
    assert bench.dead.letters[0].reason == "internal"
    assert [title for title, _ in bench.state().values()] == ["Q", "Q", "Q", "P", "Q", "Q"]


def test_where_nothing_goes_well_nothing_is_given_up() -> None:
    bench = Bench()
    bench.wires.error = lambda: InternalError("The catalogue's store failed.")
    bench.tell("a", product("A"))
    bench.wires.cuts = ["before"] * 40
    bench.settle()
    assert bench.dead.letters == []
    assert bench.state() == {"a": ("A", "")}


def test_changes_of_one_burst_go_together() -> None:
    bench = Bench()
    bench.tell("a", product("A"))
    bench.settle()
    for number in range(40):
        bench.tell("a", {"op": "patch", "title": f"A{number}"})
    bench.wires.batches = []
    bench.settle()
    assert bench.state()["a"] == ("A39", "")
    assert bench.wires.batches == [40]


def test_the_catalogue_is_told_how_fresh_it_is() -> None:
    bench = Bench()
    told_at = datetime.now(UTC) - timedelta(hours=1)
    bench.web.slow["pic:9"] = threading.Event()
    bench.tell("slow", product("Slow", 9), told_at=told_at)
    bench.tell("a", product("A"))
    bench.stream.step()
    bench.stream._mark()
    assert bench.wires.status().fresh_as_of == told_at
    assert (REGISTRY.get_sample_value("shoplens_updates_oldest_seconds") or 0) == pytest.approx(3600, abs=60)
    bench.web.slow["pic:9"].set()
    bench.settle()
    bench.stream._mark()
    assert bench.wires.status().fresh_as_of > told_at + timedelta(minutes=59)


def test_a_listed_product_that_is_listed_again_runs_no_model() -> None:
    class Counting(FakeDetector):
        calls = 0

        def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
            self.calls += 1
            return super().detect(picture, category=category)

    bench = Bench(detector=Counting())
    for number in range(10):
        bench.tell(f"p{number}", product("P", number))
    bench.settle()
    known = REGISTRY.get_sample_value("shoplens_pictures_computed_total", {"source": "known"}) or 0.0
    for number in range(10):
        bench.tell(f"p{number}", product("P again", number, price={"amount": 5.0, "currency": "EUR"}))
    bench.settle()
    assert bench.detector.calls == 10
    assert REGISTRY.get_sample_value("shoplens_pictures_computed_total", {"source": "known"}) == known + 10


def test_it_runs_until_it_is_stopped_and_commits() -> None:
    bench = Bench()
    bench.tell("a", product("A"))
    stop = threading.Event()
    runner = threading.Thread(target=bench.stream.run, args=(stop,))
    runner.start()
    for _ in range(ROUNDS):
        if bench.state():
            break
        stop.wait(0.01)
    stop.set()
    runner.join(30)
    assert not runner.is_alive()
    assert bench.updates.committed == {"log-0": 1}


def test_the_trace_that_an_event_carries_goes_on_where_its_pictures_are_prepared() -> None:
    exporter, bench = InMemorySpanExporter(), Bench()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    bench.tell("a", {"images": [{"uri": "pic:1"}]})
    (log,) = bench.updates.logs.values()
    log[0] = replace(log[0], trace=parent)
    with tracing.tracing("ingest", tracing.TracingSettings(), exporter):
        bench.settle()
    prepared = [span for span in exporter.get_finished_spans() if span.name == "prepare an event"]
    assert [f"{span.context.trace_id:032x}" for span in prepared if span.context] == [parent.split("-")[1]]
