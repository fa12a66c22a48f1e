"""A new encoder under a running server, from the command line: no search fails, a kill costs nothing, and the log tells the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from shoplens.model_store import model_folder
from shoplens.testing.pictures import png
from shoplens.testing.serving import server_of, serving, shoplens
from tests.integration.shoppers import shopper, until

OLD = "2"
PRODUCTS = 24

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with the older encoder, and one with that which ships."""
    folders = []
    for version in (OLD, None):
        folder = tmp_path_factory.mktemp("models")
        for part in ("detector", "copies", "encoder"):
            source = model_folder(part, version=version if part == "encoder" else None)
            shutil.copytree(source, folder / part / source.name)
        folders.append(folder)
    return folders[0], folders[1]


def event(number: int, **more: object) -> str:
    return json.dumps({"product_id": f"p{number:03}", **more}) + "\n"


def stored(number: int) -> str:
    return event(number, title=f"Product {number}", images=[{"id": "1", "uri": f"file:{number}.png"}])


class Shop:
    """A data folder, the log that its server follows, and the server's settings."""

    def __init__(self, home: Path, pictures: Path, models: Path) -> None:
        self.data, self.log, self._models, self._pictures = home / "data", home / "updates.ndjson", models, pictures

    @contextmanager
    def open(self) -> Iterator[httpx.Client]:
        settings = {
            "SHOPLENS_STANDALONE_MODELS": str(self._models),
            "SHOPLENS_STANDALONE_UPDATES": str(self.log),
            "SHOPLENS_STANDALONE_FILE_ROOT": str(self._pictures),
        }
        with serving(self.data, environment=settings) as client:
            yield client

    def tell(self, *lines: str) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write("".join(lines))

    def migrate(self, command: str, *options: str) -> tuple[int, Any]:
        return shoplens("migrate", command, "--data", str(self.data), *options)

    def progress(self) -> dict[str, Any]:
        code, status = self.migrate("status")
        assert code == 0
        return status["progress"] or {}

    def in_step(self, products: int) -> bool:
        progress = self.progress()
        return bool(progress.get("in_step")) and progress["other"]["products"] == products == progress["live"]["products"]


def test_a_new_encoder_from_start_to_finish(tmp_path: Path, models: tuple[Path, Path]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(PRODUCTS + 10):
        (pictures / f"{number}.png").write_bytes(png(number))
    shop = Shop(tmp_path, pictures, models[0])
    shop.tell(*(stored(number) for number in range(PRODUCTS)))
    photo = png(3)

    assert shop.migrate("start", "--models", str(models[1]))[0] == 1  # nobody serves there

    with shop.open() as client:
        until(lambda: (shop.progress().get("live") or {}).get("products") == PRODUCTS)
        for wrong in ("switch", "rollback", "finish", "abandon", "compare"):
            code, _ = shop.migrate(wrong)
            assert code == 1, wrong
        with shopper(str(client.base_url), photo) as seen:
            assert shop.migrate("start", "--models", str(models[1]))[0] == 0
            shop.tell(event(0, op="patch", title="Other"), event(1, op="delete"), stored(PRODUCTS))
        assert {status for status, _ in seen} == {200}
        assert len({model for _, model in seen}) == 1
        # Killed in the middle, and nothing was in step yet or everything was: it goes on where it can.
        os.kill(server_of(shop.data), signal.SIGKILL)

    with shop.open() as client:
        until(lambda: shop.in_step(PRODUCTS))
        with shopper(str(client.base_url), photo) as seen:
            assert shop.migrate("switch")[0] == 0
            until(lambda: seen[-1][1] != seen[0][1])
            shop.tell(stored(PRODUCTS + 1), event(2, op="patch", price={"amount": 5, "currency": "EUR"}))
            until(lambda: shop.in_step(PRODUCTS + 1))
            assert shop.migrate("rollback")[0] == 0
            until(lambda: seen[-1][1] == seen[0][1])
            until(lambda: shop.in_step(PRODUCTS + 1))
            assert shop.migrate("switch")[0] == 0
            until(lambda: seen[-1][1] != seen[0][1])
            assert shop.migrate("finish")[0] == 0
        assert {status for status, _ in seen} == {200}
        assert client.get("/v1/products/p000").json()["title"] == "Other"
        assert client.get("/v1/products/p001").status_code == 404
        assert client.post("/v1/search", files={"image": ("photo", photo)}).json()["results"][0]["product_id"] == "p003"
        assert not (shop.data / "pictures").exists()
        assert not (shop.data / "catalogue.db").exists()

    with shop.open() as client:  # what answers is remembered
        assert client.post("/v1/search", files={"image": ("photo", photo)}).json()["model"] == seen[-1][1]

    again = Shop(tmp_path / "again", pictures, models[1])
    again.data.parent.mkdir()
    again.tell(shop.log.read_text("utf-8"))
    with again.open():
        until(lambda: (again.progress().get("live") or {}).get("products") == PRODUCTS + 1)
    code, found = shoplens("verify", str(shop.data), str(again.data))
    assert (code, found) == (0, {"same": PRODUCTS + 1, "differences": []})

    again.tell(event(4, op="delete"), event(5, op="patch", title="Another"))
    with again.open():
        until(lambda: (again.progress().get("live") or {}).get("products") == PRODUCTS)
    code, found = shoplens("verify", str(shop.data), str(again.data))
    assert code == 1
    assert [(each["product_id"], each["kind"]) for each in found["differences"]] == [("p004", "missing"), ("p005", "details")]
