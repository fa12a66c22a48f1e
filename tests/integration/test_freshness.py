"""The whole system over a real Kafka, Valkey and Milvus: what the log says is what the catalogue holds, whatever is killed."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.updates import Day, made_day, made_pictures, made_poison, what_is_held
from services.ingest.topics import DEAD, UPDATES
from services.standalone.feeds import open_feed
from shoplens.domain import ProductDraft
from shoplens.errors import ShoplensError
from shoplens.kafka import producer
from shoplens.migration.differences import products
from shoplens.rpc.clients import CatalogueClient
from shoplens.testing.pictures import png
from tests.deploy.test_observability import spoken
from tools.stack import kafka, milvus
from tools.stack.system import System

PATIENCE_S = 240.0

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("system")


@pytest.fixture(scope="module")
def pictures(folder: Path) -> list[str]:
    return made_pictures(folder / "pictures", 40)


@pytest.fixture(scope="module")
def system(folder: Path, pictures: list[str]) -> Iterator[System]:
    missing = kafka.why_not() or milvus.why_not()
    if missing and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, and {missing}")
    if missing:
        pytest.skip(missing)
    with System(folder, file_root=folder / "pictures") as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def shop(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.address, timeout=30.0, trust_env=False) as client:
        yield client


def eventually(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, f"still not: {what}"
        time.sleep(0.05)


def held(system: System) -> dict[str, dict[str, Any]]:
    """The catalogue's products of the day, as its log writes them."""
    found: dict[str, dict[str, Any]] = {}
    with CatalogueClient(system.services["catalogue"].address) as catalogue:
        token = ""
        while True:
            page = catalogue.page(size=500, token=token)
            found |= {each.id: what_is_held(each) for each in page.products if each.id.startswith("product-")}
            token = page.next_token
            if not token:
                return found


def shoplens(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("shoplens")), *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def tell(system: System, day: Day, mishaps: list[Callable[[], None]]) -> None:
    """The whole day, a part of it before each mishap."""
    sending = producer(system.kafka.address)
    parts = len(mishaps) + 1
    size = len(day.events) // parts + 1
    for part in range(parts):
        for event in day.events[part * size : (part + 1) * size]:
            sending.send(UPDATES, key=event.product_id.encode(), value=event.value)
        sending.flush()
        if part < len(mishaps):
            mishaps[part]()
    sending.close()


def kill_ingest(system: System) -> None:
    system.services["ingest"].kill()
    system.start("ingest")


def test_what_the_log_says_is_what_the_catalogue_holds_whatever_is_killed(system: System, pictures: list[str]) -> None:
    day = made_day(pictures, products=150, patches=1_500, deletes=40)

    def kill() -> None:
        kill_ingest(system)

    mishaps = [kill, system.kafka.restart, kill, system.valkey.restart, system.milvus.restart, kill, system.kafka.restart, kill]
    random.Random(4).shuffle(mishaps)
    tell(system, day, mishaps)

    def equal() -> bool:
        try:
            return held(system) == day.products
        except ShoplensError:  # Milvus has just been started again
            return False

    eventually(equal, "the catalogue equals the log")


def test_the_log_folded_into_a_feed_is_what_the_catalogue_holds(system: System) -> None:
    feed = system.folder / "snapshot.ndjson"
    done = shoplens("events", "snapshot", "--kafka", system.kafka.address, "--out", str(feed), "--json")
    assert done.returncode == 0, done.stderr
    folded = {row.product_id: row.result for row in open_feed(feed).references()}
    with CatalogueClient(system.services["catalogue"].address) as catalogue:
        there = {each.id: each for each in products(catalogue)}
    assert folded.keys() == there.keys()
    assert there
    for product_id, draft in folded.items():
        assert isinstance(draft, ProductDraft)
        assert draft.details == there[product_id].details
        assert [image.id for image in draft.images] == [image.id for image in there[product_id].images]


def test_a_searchers_answer_says_how_fresh_it_is(system: System, shop: httpx.Client, pictures: list[str]) -> None:
    file = system.folder / "events.ndjson"
    product = {"product_id": "fresh", "title": "Fresh", "images": [{"uri": pictures[3]}]}
    file.write_text("\n".join(map(json.dumps, (product, {"product_id": "fresh", "op": "patch", "title": "Fresher"}))))
    sent = shoplens("events", "send", str(file), "--kafka", system.kafka.address, "--wait", system.address, "--json")
    assert sent.returncode == 0, sent.stderr
    answer = json.loads(sent.stdout)
    assert (answer["sent"], answer["in_effect"]) == (2, True)
    assert shop.get("/v1/products/fresh").json()["title"] == "Fresher"
    photo = (system.folder / "pictures" / pictures[3].removeprefix("file:")).read_bytes()
    found: dict[str, Any] = {}

    def answered() -> bool:
        answer = shop.post("/v1/search", files={"image": photo})
        found.update(answer.json())
        assert answer.is_success or answer.status_code in (503, 504), found  # Milvus may still be loading
        return answer.is_success

    eventually(answered, "a search is answered")
    assert found["verdict"] == "exact_copy"
    assert found["index"]["fresh_as_of"] >= answer["sent_at"][:19]


def test_what_is_known_is_not_computed_again(system: System, shop: httpx.Client, pictures: list[str]) -> None:
    def listed(name: str) -> float:
        """List 40 products with the same pictures; how many pictures were ever computed then."""
        with closing(producer(system.kafka.address)) as sending:
            for number, uri in enumerate(pictures):
                document = {"title": name, "images": [{"uri": uri}]}
                sending.send(UPDATES, key=f"{name}-{number}".encode(), value=json.dumps(document).encode())
        eventually(lambda: all(shop.get(f"/v1/products/{name}-{number}").is_success for number in range(len(pictures))), "all are listed")
        return metric(system, "ingest", 'shoplens_pictures_computed_total{source="computed"}')

    first = listed("once")
    shop.delete("/v1/products/once-0")
    assert listed("again") == listed("once") == first


def metric(system: System, service: str, line: str) -> float:
    text = httpx.get(f"http://{system.metrics(service)}/metrics", trust_env=False).text
    return float(next((row.rpartition(" ")[2] for row in text.splitlines() if row.startswith(line)), "0"))


def test_a_dead_letter_is_shown_mended_and_told_again(system: System, shop: httpx.Client, pictures: list[str]) -> None:
    missing = system.folder / "pictures" / "late.jpg"
    sending = producer(system.kafka.address)
    sending.send(UPDATES, key=b"broken", value=b"{")
    sending.send(UPDATES, key=b"late", value=json.dumps({"title": "Late", "images": [{"uri": "file:late.jpg"}]}).encode())
    sending.send(UPDATES, key=b"good", value=json.dumps({"title": "Good", "images": [{"uri": pictures[0]}]}).encode())
    sending.close()
    eventually(lambda: shop.get("/v1/products/good").status_code == 200, "the rest flows on")
    at = ("--kafka", system.kafka.address)

    def letters() -> dict[str, dict[str, Any]]:
        listed = shoplens("dead", "list", *at, "--json")
        assert listed.returncode == 0, listed.stderr
        return {letter["key"]: letter for letter in json.loads(listed.stdout)}

    eventually(lambda: {"broken", "late"} <= letters().keys(), "both are dead letters")
    assert letters()["late"]["reason"] == "unreadable-picture"
    assert "file:late.jpg" in letters()["late"]["detail"]
    assert (letters()["broken"]["value"], letters()["broken"]["reason"]) == ("{", "invalid-argument")
    shutil.copy(system.folder / "pictures" / pictures[0].removeprefix("file:"), missing)
    replayed = shoplens("dead", "replay", *at, "--json")
    assert json.loads(replayed.stdout)["replayed"] >= 2
    eventually(lambda: shop.get("/v1/products/late").status_code == 200, "the mended product is there")
    eventually(lambda: "broken" in letters(), "what is still wrong is a dead letter again")
    assert "late" not in letters()


def test_two_hundred_kinds_of_poison_are_dead_letters_with_a_reason_and_the_rest_flows_on(
    system: System, shop: httpx.Client, pictures: list[str]
) -> None:
    poison = made_poison(200)
    with closing(producer(system.kafka.address)) as sending:
        for number, (key, value) in enumerate(poison):
            sending.send(UPDATES, key=key, value=value)
            if number % 10 == 0:
                document = {"title": "Sound", "images": [{"uri": pictures[number % len(pictures)]}]}
                sending.send(UPDATES, key=f"sound-{number}".encode(), value=json.dumps(document).encode())
    found: dict[bytes, dict[str, Any]] = {}

    def all_dead() -> bool:
        letters = json.loads(shoplens("dead", "list", "--kafka", system.kafka.address, "--json").stdout)
        found.update({base64.b64decode(letter["value_base64"]): letter for letter in letters})
        return all(value in found for _, value in poison if value is not None)

    eventually(all_dead, "every poison is a dead letter")
    assert all(found[value]["reason"] and found[value]["detail"] for _, value in poison if value is not None)
    assert all(found[value]["key"] == (key or b"").decode() for key, value in poison if value is not None)
    eventually(lambda: all(shop.get(f"/v1/products/sound-{number}").is_success for number in range(0, 200, 10)), "the rest is there")
    assert not [each["product_id"] for each in shop.get("/v1/products?page_size=500").json()["products"] if "poison" in each["product_id"]]


def test_the_stream_waits_for_a_catalogue_that_is_away_and_skips_nothing(system: System, shop: httpx.Client, pictures: list[str]) -> None:
    system.services["catalogue"].kill()
    sending = producer(system.kafka.address)
    sending.send(UPDATES, key=b"patient", value=json.dumps({"title": "Patient", "images": [{"uri": pictures[1]}]}).encode())
    sending.send(UPDATES, key=b"patient", value=b'{"op": "patch", "title": "Still there"}')
    sending.close()
    eventually(lambda: metric(system, "ingest", "shoplens_updates_held_up") == 1, "the stream says that it waits")
    system.start("catalogue")
    eventually(lambda: shop.get("/v1/products/patient").is_success, "the product is there")
    eventually(lambda: shop.get("/v1/products/patient").json()["title"] == "Still there", "and changed")


def test_the_topics_are_those_of_the_contract() -> None:
    assert (UPDATES, DEAD) == ("catalogue.updates", "catalogue.updates.dead")


def test_every_metric_that_a_dashboard_or_an_alert_names_is_served_by_the_running_system(system: System) -> None:
    served = set()
    for name in system.services:
        address = system.address if name == "gateway" else f"http://{system.metrics(name)}"
        for family in text_string_to_metric_families(httpx.get(f"{address}/metrics", trust_env=False).raise_for_status().text):
            served |= {family.name, f"{family.name}_total"} | {sample.name for sample in family.samples}
            if family.type == "histogram":
                served |= {f"{family.name}_{ending}" for ending in ("bucket", "count", "sum")}
    assert spoken() <= served | {"up"}


def test_what_shoppers_do_is_kept_in_kafka_and_read_again(system: System, shop: httpx.Client) -> None:
    for seed in (11, 12):
        picture = base64.b64encode(png(seed)).decode()
        shop.put(f"/v1/products/liked-{seed}", json={"images": [{"content": picture}]}).raise_for_status()

    def told() -> bool:
        answer = shop.post("/v1/search", files={"image": png(11)}).json()
        click = {"request_id": answer["request_id"], "product_id": answer["results"][0]["product_id"], "action": "basket"}
        return shop.post("/v1/feedback", json=click).status_code == httpx.codes.ACCEPTED

    eventually(told, "the gateway keeps feedback")
    said = shoplens("learn", "--data", str(system.folder / "data"), "--kafka", system.kafka.address)
    assert (said.returncode, "1 searches with a reaction" in said.stderr) == (1, True), said.stderr
    standing = shoplens("trial", "--kafka", system.kafka.address, "--json")
    assert json.loads(standing.stdout) == {"fixed": 0, "learned": 0, "ties": 0, "p_value": 1.0, "better": None}


def test_a_change_of_weights_is_followed_without_a_search_failing(system: System, shop: httpx.Client) -> None:
    form = {"explain": "true"}

    def weight() -> float:
        answer = shop.post("/v1/search", files={"image": png(11)}, data=form)
        assert answer.status_code == httpx.codes.OK, answer.text
        shares = {share["part"]: share["weight"] for share in answer.json()["results"][0]["explanation"]}
        return float(shares["colour"] / shares["visual"])

    data = str(system.folder / "data")
    assert weight() == pytest.approx(0.5)
    changed = system.folder / "weights.toml"
    changed.write_text(shoplens("weights", "show", "--data", data).stdout.replace("\ncolour = 0.5", "\ncolour = 2.0", 1))
    assert shoplens("weights", "set", str(changed), "--data", data).returncode == 0
    eventually(lambda: weight() == pytest.approx(2.0), "the new weights are in force")
    assert shoplens("weights", "rollback", "--data", data).returncode == 0
    eventually(lambda: weight() == pytest.approx(0.5), "the old weights are in force again")
