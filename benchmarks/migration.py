"""A migration under load: searches and changes all the time, a new model, the switch, the way back, the switch again.

``python -m benchmarks.migration`` serves generated products with version 2 of the encoder, changes over to the one that ships, and
prints what shoppers noticed. Searches come at their own times (no caller waits for another's answer); whatever is not answered with
200 counts as failed. The switch counts as seen when no answer names the old model any more.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from benchmarks.load import Answers, never_the_same, open_
from benchmarks.report import publish
from benchmarks.updates import made_pictures
from shoplens.model_store import model_folder
from shoplens.testing.serving import serving, shoplens

REPORT = Path("build/bench.json")
OLD, NEW = "2", model_folder("encoder").name
SEARCHES_A_SECOND = 20.0
CHANGES_A_SECOND = 2.0
SETTLED_S = 8.0
SPARE = 200
"""Pictures of products that come while it goes on."""
_FILLED_S = 1_800.0

_console = Console()


def main(
    products: Annotated[int, typer.Option(help="Products of one picture each.")] = 300,
    rate: Annotated[float, typer.Option(help="Searches a second.")] = SEARCHES_A_SECOND,
) -> None:
    """Run the migration and print the table."""
    with tempfile.TemporaryDirectory(prefix="shoplens-migration-") as home:
        folder = Path(home)
        models = {version: _models(folder / f"models-{version}", version) for version in (OLD, NEW)}
        made_pictures(folder / "pictures", products + SPARE)
        pictures = [folder / "pictures" / f"{number}.jpg" for number in range(products + SPARE)]
        updates, data = folder / "updates.ndjson", folder / "data"
        updates.write_text("".join(_event(number, picture) for number, picture in enumerate(pictures[:products])), "utf-8")
        settings = {
            "SHOPLENS_STANDALONE_COPIES_IN_SEARCH": "false",  # every photo would be one, as hardly any shopper's is
            "SHOPLENS_STANDALONE_MODELS": str(models[OLD]),
            "SHOPLENS_STANDALONE_UPDATES": str(updates),
            "SHOPLENS_STANDALONE_FILE_ROOT": str(folder / "pictures"),
        }
        with serving(data, catalogue="none", environment=settings) as client:
            _until(lambda: _products(data) == products, "the products to be there")
            publish("A migration under load", _measured(client, data, models[NEW], updates, pictures, products, rate), REPORT)


def _measured(
    client: httpx.Client, data: Path, models: Path, updates: Path, pictures: list[Path], products: int, rate: float
) -> dict[str, float]:
    port = int(client.base_url.port or 80)
    shoppers = _Shoppers(port, [picture.read_bytes() for picture in pictures[:products]], rate)
    teller, watch = _Teller(updates, pictures, products), _Watch(client, pictures[0].read_bytes())
    with shoppers, teller, watch:
        time.sleep(SETTLED_S)
        begun = time.monotonic()
        _migrate("start", data, "--models", str(models))
        _until(lambda: _migrate("status", data)["progress"]["in_step"], "both generations to be in step")
        filled_s = time.monotonic() - begun
        time.sleep(SETTLED_S)
        compared = _migrate("compare", data)["shoppers"]
        _console.print("shoppers' photos, compared:", compared)
        seen = {}
        for step, to in (("switch", NEW), ("rollback", OLD), ("switch", NEW)):
            if seen:
                _until(lambda: _migrate("status", data)["progress"]["in_step"], "both generations to be in step")
            asked = datetime.fromisoformat(_migrate(step, data)["asked_at"]).timestamp()
            time.sleep(SETTLED_S)
            seen[f"{step}_{len(seen)}"] = watch.settled(asked, to)
        _migrate("finish", data)
        time.sleep(SETTLED_S)
    answers = shoppers.answers
    return {
        "migration_products": float(_products(data)),
        "migration_searches": float(sum(answers.statuses.values())),
        "migration_failed": float(sum(answers.statuses.values()) - answers.statuses[200] + shoppers.broken + watch.failed),
        "migration_watched": float(len(watch.seen)),
        "migration_changes_told": float(teller.told),
        "migration_filled_s": filled_s,
        "migration_search_p50_ms": answers.percentile(0.5),
        "migration_search_p99_ms": answers.percentile(0.99),
        "migration_overlap_at_10": float(compared.get("overlap_at_10", float("nan"))),
        "migration_switch_seen_s": max(seen["switch_0"], seen["switch_2"]),
        "migration_rollback_seen_s": seen["rollback_1"],
    }


class _Shoppers:
    """Searches at ``rate`` a second, from entering to leaving."""

    def __init__(self, port: int, photos: list[bytes], rate: float) -> None:
        self.answers, self.broken = Answers(), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, photos, rate))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, port: int, photos: list[bytes], rate: float) -> None:
        requests = never_the_same(photos)
        while not self._stop.is_set():
            try:
                part = open_(port, requests, a_second=rate, seconds=5.0)
            except BaseExceptionGroup as group:
                self.broken += len(group.exceptions)
                continue
            self.answers.waits_ms += part.waits_ms
            self.answers.statuses += part.statuses
            self.answers.seconds += part.seconds


class _Teller:
    """Changes of the catalogue, appended to the file that the server follows: prices, and now and then a new product."""

    def __init__(self, updates: Path, pictures: list[Path], products: int) -> None:
        self.told = 0
        self._updates, self._pictures, self._products = updates, pictures, products
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1 / CHANGES_A_SECOND):
            number, new = self.told % self._products, self._products + self.told // 5
            with self._updates.open("a", encoding="utf-8") as file:
                if self.told % 5 == 0 and new < len(self._pictures):
                    file.write(_event(new, self._pictures[new]))
                else:
                    price = {"amount": 1.0 + self.told, "currency": "EUR"}
                    file.write(json.dumps({"op": "patch", "product_id": f"p{number:05d}", "price": price}) + "\n")
            self.told += 1


class _Watch:
    """Asks for the same photo some twenty times a second, and notes which model answered when it was asked."""

    def __init__(self, client: httpx.Client, photo: bytes) -> None:
        self.seen: list[tuple[float, str]] = []
        self.failed = 0
        self._client, self._photo = client, photo
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def settled(self, since: float, version: str) -> float:
        """Seconds from ``since`` until the last question that another model than ``version`` answered."""
        others = [asked - since for asked, model in self.seen if asked >= since and not model.endswith(f"-{version}")]
        return max(others, default=0.0)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            asked = time.time()
            answer = self._client.post("/v1/search", files={"image": ("photo", self._photo)})
            if answer.status_code == httpx.codes.OK:
                self.seen.append((asked, answer.json()["model"]))
            else:
                self.failed += 1


def _products(data: Path) -> int:
    return int(_migrate("status", data)["progress"]["live"]["products"])


def _models(folder: Path, version: str) -> Path:
    """All models that ship, but the encoder is ``version``."""
    for part in ("detector", "copies", "encoder"):
        source = model_folder(part, version=version if part == "encoder" else None)
        shutil.copytree(source, folder / part / source.name)
    return folder


def _event(number: int, picture: Path) -> str:
    product = {"title": f"Product {number}", "images": [{"id": "1", "uri": f"file:{picture.name}"}]}
    return json.dumps({"product_id": f"p{number:05d}", **product}) + "\n"


def _migrate(command: str, data: Path, *options: str) -> Any:
    code, told = shoplens("migrate", command, "--data", str(data), *options)
    if code:
        raise RuntimeError(f"migrate {command}: {told}")
    return told


def _until(holds: Any, what: str) -> None:
    until = time.monotonic() + _FILLED_S
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.5)


if __name__ == "__main__":
    typer.run(main)
