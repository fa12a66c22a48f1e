"""Killed in the middle of writes, again and again: ``python -m benchmarks.durability``.

A server is killed (SIGKILL) while products are put, each with a picture of its own, some replaced, some deleted; then it is started
anew. In the end everything that was acknowledged must be as it was acknowledged, with its picture, and nothing may be half written.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import track

from benchmarks.report import publish
from shoplens.testing.pictures import png
from shoplens.testing.serving import server_of, serving

REPORT = Path("build/bench.json")


@dataclass(slots=True)
class Acknowledged:
    """By product, the titles that may be found: the last that was acknowledged, and one that was sent after it. None: no such product."""

    titles: dict[str, set[str | None]] = field(default_factory=dict)
    writes: int = 0


def kill_and_check(data: Path, kills: int, *, seed: int = 0) -> dict[str, float]:
    """The table: writes, kills, and what was lost or half written."""
    dice, known = random.Random(seed), Acknowledged()
    for number in track(range(kills), "killing"):
        with serving(data) as client:
            writer = threading.Thread(target=_write, args=(str(client.base_url), known, random.Random(seed * 1_000 + number)))
            writer.start()
            time.sleep(dice.uniform(0.05, 0.6))
            os.kill(server_of(data), signal.SIGKILL)
            writer.join()
    with serving(data) as client:
        lost = [product_id for product_id, titles in known.titles.items() if _title(client, product_id) not in titles]
        held = _all(client)
        broken = {each["product_id"]: wrong for each in held if (wrong := _wrong_with(client, each))}
        strange = [each["product_id"] for each in held if each["product_id"] not in known.titles]
    for product_id, wrong in broken.items():
        print(f"{product_id}: {wrong}")
    return {
        "durability_kills": float(kills),
        "durability_acknowledged_writes": float(known.writes),
        "durability_products": float(len(held)),
        "durability_lost": float(len(lost)),
        "durability_half_written": float(len(broken) + len(strange)),
    }


def _write(address: str, known: Acknowledged, dice: random.Random) -> None:
    """Put, replace and delete until the server is gone."""
    with httpx.Client(base_url=address, timeout=10.0) as client:
        while True:
            product_id, title = f"p{dice.randrange(200)}", f"{dice.getrandbits(40)}"
            titles = known.titles.setdefault(product_id, {None})
            delete = dice.random() < 0.1
            sent = None if delete else title
            titles.add(sent)
            try:
                if delete:
                    answer = client.delete(f"/v1/products/{product_id}")
                else:
                    picture = base64.b64encode(png(int(title) % 100_000)).decode()
                    answer = client.put(f"/v1/products/{product_id}", json={"title": title, "images": [{"id": "1", "content": picture}]})
            except httpx.HTTPError:
                return
            if answer.is_success or (delete and answer.status_code == httpx.codes.NOT_FOUND):
                known.titles[product_id] = {sent}
                known.writes += 1


def _title(client: httpx.Client, product_id: str) -> str | None:
    answer = client.get(f"/v1/products/{product_id}")
    return None if answer.status_code == httpx.codes.NOT_FOUND else str(answer.raise_for_status().json()["title"])


def _all(client: httpx.Client) -> list[dict[str, str]]:
    found, token = [], ""
    while True:
        page = client.get("/v1/products", params={"page_token": token} if token else {}).raise_for_status().json()
        found += page["products"]
        token = page.get("next_page_token") or ""
        if not token:
            return found


def _wrong_with(client: httpx.Client, product: dict[str, str]) -> str:
    """Nothing where its picture is there, is the one that its title says, and finds it."""
    picture = client.get(f"/v1/products/{product['product_id']}/images/1")
    if picture.status_code != httpx.codes.OK:
        return f"its picture is answered with {picture.status_code}: {picture.text[:200]}"
    if picture.content != png(int(product["title"]) % 100_000):
        return "its picture is not the one of its title"
    answer = client.post("/v1/search", files={"image": ("photo", picture.content)}).raise_for_status().json()
    # A picture much like another's is shown with it, once.
    found = [name for each in answer["results"] for name in (each["product_id"], *each.get("duplicates", ()))]
    return "" if product["product_id"] in found else f"its picture finds {answer['verdict']}, {found[:3]} of {len(found)}"


def main(kills: Annotated[int, typer.Option(help="How often the server is killed.")] = 100) -> None:
    """Kill, look, and print the table."""
    with tempfile.TemporaryDirectory(prefix="shoplens-durability-") as home:
        publish("Killed in the middle of writes", kill_and_check(Path(home) / "data", kills), REPORT)


if __name__ == "__main__":
    typer.run(main)
