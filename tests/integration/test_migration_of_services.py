"""A new encoder where every part is a process: two gateways change over at once, and neither fails a search meanwhile."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer

from shoplens.migration.plan import PARTS
from shoplens.model_store import model_folder
from shoplens.testing.pictures import png
from shoplens.testing.serving import shoplens
from tests.integration.shoppers import shopper, until
from tools.stack.ports import free_port
from tools.stack.services import ServiceProcess
from tools.stack.system import System

OLD = "2"
PRODUCTS = 8

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]


class Shop(System):
    """Answers with the older encoder; a second generation can be put beside, and there are two gateways, which follow a plan."""

    def __init__(self, folder: Path, pictures: Path) -> None:
        old = folder / "models"
        shutil.copytree(model_folder("encoder", version=OLD), old / "encoder" / OLD)
        super().__init__(folder, file_root=pictures, environment={"SHOPLENS_ENCODER_MODELS": str(old)})
        self.plan = f"redis://{self.addresses['redis']}/0"
        self._settings["gateway"]["plan"] = self.plan
        self._opened_beside = ExitStack()

    def beside(self) -> dict[str, str]:
        """The addresses of a second generation, whose processes are started: the encoder that ships, and a database of its own."""
        at = {name: f"127.0.0.1:{free_port()}" for name in PARTS}
        own: dict[str, dict[str, object]] = {
            "encoder": {},
            "detector": {},
            "catalogue": {"encoder": at["encoder"], "database": "second", "pictures": self.folder / "second" / "pictures"},
            "ranker": {"encoder": at["encoder"], "weights": self.folder / "second" / "weights"},
            "ingest": {
                **{name: at[name] for name in ("detector", "encoder", "catalogue")},
                "features": self.folder / "second" / "features.db",
                "group": "shoplens-ingest-second",
            },
        }
        for name in ("detector", "encoder", "catalogue", "ranker", "ingest"):
            ports = {"port": at[name].rpartition(":")[2], "metrics_port": free_port()}
            started = ServiceProcess(name, log=self.folder / f"{name}-second.log", **{**self.settings(name), **own[name], **ports})
            self._opened_beside.callback(started.stop)
        return at

    def another_gateway(self) -> ServiceProcess:
        ports = {"port": free_port(), "metrics_port": free_port(), "http_port": 0}
        environment = dict(self._environment or {})
        gateway = ServiceProcess(
            "gateway", log=self.folder / "gateway-2.log", environment=environment, **{**self.settings("gateway"), **ports}
        )
        self._opened_beside.callback(gateway.stop)
        return gateway

    def migrate(self, command: str, *options: str) -> tuple[int, Any]:
        return shoplens("migrate", command, "--redis", self.plan, *options)

    def progress(self) -> dict[str, Any]:
        code, status = self.migrate("status")
        assert code == 0
        return status["progress"] or {}

    def in_step(self, products: int) -> bool:
        progress = self.progress()
        return bool(progress.get("in_step")) and (progress.get("other") or {}).get("products") == products == progress["live"]["products"]

    def __exit__(self, *given: object) -> None:
        self._opened_beside.close()
        super().__exit__(*given)


def test_two_gateways_change_over_to_a_second_set_of_services(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(2 * PRODUCTS):
        (pictures / f"{number}.png").write_bytes(png(number))
    photo = png(3)

    def stored(number: int) -> dict[str, Any]:
        return {"title": f"Product {number}", "images": [{"id": "1", "uri": f"file:{number}.png"}]}

    with Shop(tmp_path / "shop", pictures) as shop:
        shop.wait_until_ready()
        with (
            closing(KafkaProducer(bootstrap_servers=shop.addresses["kafka"])) as log,
            httpx.Client(base_url=shop.address, timeout=60.0, trust_env=False) as client,
        ):
            for number in range(PRODUCTS // 2):
                client.put(f"/v1/products/p{number}", json=stored(number)).raise_for_status()
            for number in range(PRODUCTS // 2, PRODUCTS):
                event = {"product_id": f"p{number}", **stored(number)}
                log.send("catalogue.updates", key=f"p{number}".encode(), value=json.dumps(event).encode()).get(30)
            until(lambda: len(client.get("/v1/products", params={"page_size": 100}).json()["products"]) == PRODUCTS)

            second = shop.another_gateway()
            parts = [option for name, address in shop.beside().items() for option in ("--part", f"{name}={address}")]
            code, _ = shop.migrate("start", *parts[:-2])
            assert code == 1  # a part is missing
            until(lambda: shop.progress().get("servers") == 2)
            # Its exit code is not looked at: until all parts serve, the gateways cannot open it, say so, and try again.
            shop.migrate("start", *parts)
            until(lambda: shop.in_step(PRODUCTS))

            table = tmp_path / "photos.csv"
            table.write_text(f"photo,product_id\n{pictures / '3.png'},p3\n")
            code, compared = shop.migrate("compare", "--labelled", str(table))
            assert (code, compared["labelled"]["other"]["r@1"]) == (0, 1.0)

            with shopper(shop.address, photo) as here, shopper(f"http://{second.http_address}", photo) as there:
                until(lambda: bool(here and there))
                old = here[0][1]
                assert shop.migrate("switch")[0] == 0
                until(lambda: here[-1][1] != old and there[-1][1] == here[-1][1])
                new = here[-1][1]
                client.put(f"/v1/products/p{PRODUCTS}", json=stored(PRODUCTS)).raise_for_status()
                client.patch("/v1/products/p1", json={"title": "Other"}).raise_for_status()
                client.delete("/v1/products/p2").raise_for_status()
                until(lambda: shop.in_step(PRODUCTS))
                assert shop.migrate("rollback")[0] == 0
                until(lambda: here[-1][1] == old and there[-1][1] == old)
                assert client.get("/v1/products/p1").json()["title"] == "Other"
                until(lambda: shop.in_step(PRODUCTS))
                assert shop.migrate("switch")[0] == 0
                until(lambda: here[-1][1] == new and there[-1][1] == new)
            assert {status for status, _ in [*here, *there]} == {200}

            # Whichever gateway passes over both indexes, another takes that up when it is killed.
            second.kill()
            until(lambda: shop.progress().get("servers") == 1 and shop.in_step(PRODUCTS))
            assert shop.migrate("finish")[0] == 0
        # A gateway that starts now knows who answers, though its settings name the first generation.
        third = shop.another_gateway()
        answer = httpx.post(f"http://{third.http_address}/v1/search", files={"image": ("photo", photo)}, timeout=60.0, trust_env=False)
        assert answer.json()["model"] == new
        assert answer.json()["results"][0]["product_id"] == "p3"
