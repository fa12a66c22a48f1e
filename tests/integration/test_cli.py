"""The command as a person calls it: real processes, a real catalogue on disk, real models."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shoplens.testing import pictures

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 120


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.standalone.cli", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def shoplens(*arguments: str | Path) -> Ended:
    process = command(*map(str, arguments))
    out, err = process.communicate(timeout=PATIENCE_S)
    return Ended(process.returncode, out, err)


@contextmanager
def serving(*arguments: str | Path) -> Iterator[dict[str, Any]]:
    """A server that is ready; what it said of itself. Ends with SIGTERM, which must be clean."""
    process = command("serve", "--port", "0", "--json", *map(str, arguments))
    assert process.stdout is not None
    line = process.stdout.readline()  # comes once it is ready, or ends with it
    if not line:
        raise AssertionError(process.communicate(timeout=PATIENCE_S)[1])
    try:
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err


def photo(folder: Path, seed: int) -> Path:
    path = folder / f"{seed}.png"
    path.write_bytes(pictures.png(seed))
    return path


def best(photograph: Path, *target: str | Path) -> str:
    answer = shoplens("search", photograph, "--json", *target)
    assert answer.code == 0, answer.err
    return str(answer.json["results"][0]["product_id"])


XML = """<rss xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>xml</g:id><g:title>Bag</g:title><g:image_link>4.png</g:image_link><g:price>5 EUR</g:price></item>
<item><g:id>bad</g:id></item></channel></rss>"""
FEEDS = {
    "feed.ndjson": '{"product_id": "ndjson", "title": "Tee", "images": [{"uri": "1.png"}]}\n{"product_id": "bad"}\n',
    "shopify.csv": "Handle,Title,Image Src,Variant Price\nshopify,Hat,2.png,5\nbad,Bad,,5\n",
    "merchant.tsv": "id\ttitle\timage_link\tprice\ntsv\tShoe\t3.png\t5 EUR\nbad\tBad\t\t5 EUR\n",
    "merchant.xml": XML,
}


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One feed of each kind, each with one good product and one bad; and a folder with a picture that is none."""
    folder = tmp_path_factory.mktemp("feeds")
    for seed in range(1, 8):
        photo(folder, seed)
    for name, text in FEEDS.items():
        (folder / name).write_text(text)
    (folder / "pictures" / "shoes").mkdir(parents=True)
    photo(folder / "pictures" / "shoes", 5)
    (folder / "pictures" / "bad.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def data(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which every feed was imported, each by a process of its own."""
    data = tmp_path_factory.mktemp("data")
    for name, line in {"feed.ndjson": 2, "shopify.csv": 3, "merchant.tsv": 3, "merchant.xml": 3, "pictures": 1}.items():
        ended = shoplens("import", feeds / name, "--data", data, "--json")
        assert ended.code == 1, ended.err
        assert ended.json["imported"] == 1
        (failure,) = ended.json["failed"]
        assert (failure["line"], failure["product_id"]) == (line, "bad")
        assert failure["error"].endswith(".")
    return data


def test_every_kind_of_feed_is_found_after_a_restart(feeds: Path, data: Path) -> None:
    with serving("--data", data, "--catalogue", "none") as server:
        assert server["products"] == 5
        found = [best(feeds / f"{seed}.png", "--server", server["address"]) for seed in range(1, 6)]
    assert found == ["ndjson", "shopify", "tsv", "xml", "shoes/5"]


def test_a_search_without_a_server(feeds: Path, data: Path) -> None:
    ended = shoplens("search", feeds / "2.png", "--data", data, "--top-k", "2")
    assert ended.code == 0, ended.err
    assert "Hat" in ended.out
    assert len(ended.out.strip().splitlines()) == 4  # the verdict, the header, two products


def test_bad_rows_are_told_to_people_too(feeds: Path, tmp_path: Path) -> None:
    ended = shoplens("import", feeds / "feed.ndjson", "--data", tmp_path)
    assert ended.code == 1
    assert ended.out == "1 imported, 1 failed\n"
    assert "line 2 (bad): The product will not do: images: this is required." in ended.err


def test_import_and_search_through_a_server(feeds: Path, tmp_path: Path) -> None:
    with serving("--data", tmp_path, "--catalogue", "none") as server:
        assert httpx.get(f"{server['address']}readyz").status_code == 200
        ended = shoplens("import", feeds / "merchant.tsv", "--server", server["address"], "--json")
        assert (ended.code, ended.json["imported"]) == (1, 1), ended.err
        assert best(feeds / "3.png", "--server", server["address"]) == "tsv"
        refused = shoplens("search", feeds / "3.png", "--server", server["address"], "--category", "spaceship")
        assert refused.code == 1
        assert "There is no category 'spaceship'" in refused.err


def test_a_feed_as_the_catalogue_is_loaded_once(feeds: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with serving("--data", tmp_path, "--catalogue", feeds / "shopify.csv", "--currency", "EUR") as server:
            assert (server["products"], server["failed"]) == (1, 1)
            product = httpx.get(f"{server['address']}v1/products/shopify").json()
            assert product["price"] == {"amount": 5.0, "currency": "EUR"}
            assert product["version"] == 1, "a restart wrote the product again"


def test_a_data_folder_serves_one_process(data: Path, feeds: Path) -> None:
    with serving("--data", data, "--catalogue", "none"):
        ended = shoplens("import", feeds / "feed.ndjson", "--data", data)
    assert ended.code == 1
    assert "Error: " in ended.err
    assert "another catalogue process" in ended.err
    assert "Traceback" not in ended.err


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = shoplens("serve", "--port", str(port), "--data", tmp_path, "--catalogue", "none")
    assert ended.code == 1
    assert ended.err == f"Error: Port {port} is in use; choose another with --port, or stop what uses it.\n"


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    ended = shoplens("serve", "--port", "0", "--data", tmp_path, "--catalogue", tmp_path / "feed.csv")
    assert ended.code == 1
    assert "There is no" in ended.err
    assert "Traceback" not in ended.err


@contextmanager
def killed_at_the_end(*arguments: str | Path) -> Iterator[dict[str, Any]]:
    """A server that is ready, and ends as in a power cut."""
    process = command("serve", "--port", "0", "--json", *map(str, arguments))
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_a_file_of_events_is_followed_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    updates, data = tmp_path / "updates.ndjson", tmp_path / "data"
    content = base64.b64encode(pictures.png(1)).decode()

    def tell(*events: dict[str, Any] | str) -> None:
        with updates.open("a") as file:
            file.writelines(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events)

    def eventually(address: str, product_id: str, title: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while True:
            answer = httpx.get(f"{address}v1/products/{product_id}", trust_env=False, timeout=PATIENCE_S)
            if answer.is_success and answer.json()["title"] == title:
                found: dict[str, Any] = answer.json()
                return found
            assert time.monotonic() < until, answer.text
            time.sleep(0.02)

    tell({"product_id": "a", "title": "A", "images": [{"content": content}]}, "{")
    with killed_at_the_end("--data", data, "--catalogue", "none", "--updates", updates) as told:
        eventually(told["address"], "a", "A")
        tell({"product_id": "a", "op": "patch", "title": "B"}, {"product_id": "b", "title": "B", "images": [{"content": content}]})
        eventually(told["address"], "a", "B")
        eventually(told["address"], "b", "B")
    tell(
        {"product_id": "a", "op": "patch", "title": "C"},
        {"product_id": "b", "op": "delete"},
        {"product_id": "a", "op": "patch", "title": "D"},
    )
    with killed_at_the_end("--data", data, "--catalogue", "none", "--updates", updates) as told:
        assert eventually(told["address"], "a", "D")["version"] == 4
        assert httpx.get(f"{told['address']}v1/products/b", trust_env=False, timeout=PATIENCE_S).status_code == 404
        assert httpx.get(f"{told['address']}v1/status", trust_env=False, timeout=PATIENCE_S).json()["products"] == 1
    letters = shoplens("dead", "list", "--data", data, "--json").json
    assert {(letter["value"], letter["reason"]) for letter in letters} == {("{", "invalid-argument")}
