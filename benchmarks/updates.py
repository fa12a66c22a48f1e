"""A shop's day as a log of updates: products come, change all the time, and go; and what the catalogue must hold after it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shoplens.domain import Product

SIDE = 240
"""Pixels of a made picture: small files, and as much work for the models as any."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event: the product's id and the message's value."""

    product_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Day:
    """``events`` in order, and the ``products`` that there are after them, by id: the fields that the events set."""

    events: tuple[Told, ...]
    products: dict[str, dict[str, Any]]


def made_day(pictures: Sequence[str], *, products: int, patches: int, deletes: int, seed: int = 4) -> Day:
    """Interleaved at random: a product's changes come after it; some come back after they went, some patches are of nobody then.

    pictures: addresses to draw from.
    """
    rng = np.random.default_rng(seed)
    kinds = ["upsert"] * products + ["patch"] * patches + ["delete"] * deletes
    events: list[Told] = []
    held: dict[str, dict[str, Any]] = {}
    fresh = 0
    # The first tenth come first, so that there is something to change.
    head, rest = kinds[: products // 10], kinds[products // 10 :]
    rng.shuffle(rest)
    for number, kind in enumerate([*head, *rest]):
        match kind:
            case "upsert":
                product_id, fresh = f"product-{fresh:05}", fresh + 1
                events.append(_upsert(held, product_id, number, pictures, rng))
            case "patch":
                product_id = f"product-{rng.integers(fresh):05}"
                events.append(_patch(held, product_id, number, rng))
            case "delete":
                product_id = f"product-{rng.integers(fresh):05}"
                held.pop(product_id, None)
                events.append(_told(product_id, {"op": "delete"}))
    return Day(tuple(events), held)


def what_is_held(product: Product) -> dict[str, Any]:
    """A product of the catalogue, as a ``Day`` writes it."""
    details = product.details
    return {
        "title": details.title,
        "price": None if details.price is None else details.price.amount,
        "in_stock": details.in_stock,
        "attributes": dict(details.attributes),
        "pictures": [image.uri for image in product.images],
        "version": product.version,
    }


def made_pictures(folder: Path, count: int, *, seed: int = 5) -> list[str]:
    """Different pictures as files, each of some coloured shapes; returns their ``file:`` addresses below the folder."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        canvas = np.full((SIDE, SIDE, 3), rng.integers(180, 256, 3), np.uint8)
        for _ in range(12):
            centre, axes = rng.integers(0, SIDE, 2), rng.integers(8, 70, 2)
            colour = [int(value) for value in rng.integers(0, 256, 3)]
            cv2.ellipse(canvas, centre.tolist(), axes.tolist(), float(rng.integers(180)), 0, 360, colour, -1)
        cv2.imwrite(str(folder / f"{number}.jpg"), canvas)
    return [f"file:{number}.jpg" for number in range(count)]


def made_poison(count: int, *, seed: int = 6) -> list[tuple[bytes | None, bytes | None]]:
    """Messages, key and value, that can never be applied, each wrong in a way of its own or in a place of its own."""
    rng = np.random.default_rng(seed)
    wrong: list[Any] = [True, 7, -1.5, [], {}, "\u0000", ["a", 1], {"amount": "much"}]
    found: dict[bytes, tuple[bytes | None, bytes | None]] = {}
    while len(found) < count:
        name = f"poison-{len(found):03}"
        good = {"title": name, "brand": "B", "images": [{"uri": "file:0.jpg"}], "price": {"amount": 5.0, "currency": "EUR"}}
        text = json.dumps(good).encode()
        ways: list[bytes] = [
            text[: rng.integers(1, len(text) - 1)],
            rng.bytes(int(rng.integers(1, 60))) + b"{",
            json.dumps(wrong[rng.integers(len(wrong))]).encode() if rng.random() < 0.1 else b'"' + name.encode() + b'"',
            json.dumps(good | {"op": f"op{rng.integers(1000)}"}).encode(),
            json.dumps(good | {f"field{rng.integers(1000)}": 1}).encode(),
            json.dumps(good | {"title": 7 + int(rng.integers(99))}).encode(),
            json.dumps(good | {"brand": ["b"] * int(rng.integers(1, 9))}).encode(),
            json.dumps(good | {"price": {"amount": -float(rng.integers(1, 99)), "currency": "EUR"}}).encode(),
            json.dumps(good | {"price": {"amount": 1.0, "currency": "E" * int(rng.integers(4, 9))}}).encode(),
            json.dumps(good | {"version": -int(rng.integers(1, 99))}).encode(),
            json.dumps(good | {"in_stock": f"perhaps {rng.integers(99)}"}).encode(),
            json.dumps(good | {"url": f"javascript:alert({rng.integers(99)})"}).encode(),
            json.dumps(good | {"attributes": {"a": {"deep": int(rng.integers(99))}}}).encode(),
            json.dumps(good | {"images": []}).encode(),
            json.dumps(good | {"images": [{"content": "!" * int(rng.integers(1, 9))}]}).encode(),
            json.dumps(good | {"images": [{"content": base64.b64encode(rng.bytes(30)).decode()}]}).encode(),
            json.dumps(good | {"images": [{"uri": f"file:missing{rng.integers(999)}.jpg"}]}).encode(),
            json.dumps(good | {"images": [{"uri": f"file:../{rng.integers(999)}"}]}).encode(),
            json.dumps(good | {"images": [{"uri": f"http://127.0.0.1:{rng.integers(1, 999)}/a.jpg"}]}).encode(),
            json.dumps(good | {"images": [{"uri": f"ftp://shop.example/{rng.integers(999)}.jpg"}]}).encode(),
            json.dumps(good | {"images": [{"uri": "file:0.jpg", "id": "a"}] * 2, "title": name}).encode(),
            json.dumps(good | {"product_id": f"another-{rng.integers(999)}"}).encode(),
            json.dumps({"op": "patch", "title": name}).encode(),
            json.dumps({"op": "patch", "images": [], "title": name}).encode(),
            json.dumps({"op": "delete", "title": name}).encode(),
        ]
        value = ways[rng.integers(len(ways))]
        found.setdefault(value, (name.encode(), value))
    return list(found.values())


def _upsert(held: dict[str, dict[str, Any]], product_id: str, number: int, pictures: Sequence[str], rng: np.random.Generator) -> Told:
    shown = [str(uri) for uri in rng.choice(pictures, 1 + int(rng.random() < 0.2), replace=False)]
    held[product_id] = {
        "title": f"Title {number}",
        "price": 10.0 + number % 90,
        "in_stock": True,
        "attributes": {"season": "spring"},
        "pictures": shown,
        "version": 1,
    }
    document = {
        "title": f"Title {number}",
        "category": "Dresses",
        "price": {"amount": 10.0 + number % 90, "currency": "EUR"},
        "attributes": {"season": "spring"},
        "images": [{"uri": uri} for uri in shown],
    }
    return _told(product_id, document)


def _patch(held: dict[str, dict[str, Any]], product_id: str, number: int, rng: np.random.Generator) -> Told:
    kind = rng.integers(3)
    document: dict[str, Any]
    if kind == 0:
        document, change = {"price": {"amount": float(number), "currency": "EUR"}}, {"price": float(number)}
    elif kind == 1:
        document, change = {"in_stock": bool(number % 2)}, {"in_stock": bool(number % 2)}
    else:
        document, change = {"attributes": {f"note{number % 5}": number}}, {}
    if product_id in held:
        product = held[product_id]
        product.update(change)
        if kind == 2:
            product["attributes"] = {**product["attributes"], f"note{number % 5}": number}
        product["version"] += 1
    return _told(product_id, {"op": "patch", **document})


def _told(product_id: str, document: dict[str, Any]) -> Told:
    return Told(product_id, json.dumps(document).encode())
