"""A process to be killed: four threads write products, and say what they begin and what was acknowledged.

Each thread owns its products and takes each through the same life: put, replaced, patched into another node, deleted,
put again. Everything of a product follows from its version, so a reader can tell whole from half.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import count
from pathlib import Path

from services.catalogue.engine import MilvusCatalogue
from shoplens import log
from shoplens.domain import IndexedImage, ProductDraft, ProductPatch
from shoplens.testing.contracts.catalogue import ENCODER, MODEL
from shoplens.testing.products import draft, indexed

THREADS = 4
PRODUCTS = 8
"""Of each thread."""

NODES = ("t-shirt", "sandals")


def operation(version: int) -> str:
    """What the step that leads to this version does."""
    return "delete" if version % 7 == 0 else "patch" if version % 7 in (3, 5) else "put"


def node(version: int) -> str:
    return NODES[version // 2 % 2]


def pictured(version: int) -> int:
    """The version whose put brought the pictures that this version shows."""
    return version if operation(version) == "put" else pictured(version - 1)


def wanted(product_id: str, version: int) -> tuple[ProductDraft, list[IndexedImage]]:
    made = draft(product_id, seed_of(product_id, version), views=1 + version % 3, version=version)
    return made, indexed(ENCODER, made)


def seed_of(product_id: str, version: int) -> int:
    """Some products share pictures with each other and with their past, most do not."""
    return (int(product_id.rpartition("-")[2]) * 5 + version * 3) % 64


def title(version: int) -> str:
    return f"version {version}"


def _step(catalogue: MilvusCatalogue, product_id: str, version: int) -> None:
    match operation(version):
        case "put":
            made, images = wanted(product_id, version)
            catalogue.put(made, node(version), images, model=MODEL)
        case "patch":
            catalogue.patch(ProductPatch(product_id, {"title": title(version)}, version), node=node(version))
        case "delete":
            catalogue.delete(product_id)


def _say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _write(catalogue: MilvusCatalogue, thread: int, after: int) -> None:
    for version in count(after + 1):
        for number in range(PRODUCTS):
            product_id = f"thread-{thread}-{number}"
            _say("begin", product_id, version)
            _step(catalogue, product_id, version)
            _say("ack", product_id, version)


if __name__ == "__main__":
    log.configure(service="writer")  # to standard error; standard output is for what is acknowledged
    uri, pictures, first = sys.argv[1:]
    opened = MilvusCatalogue.open(uri, Path(pictures), ENCODER.card())
    threads = [threading.Thread(target=_write, args=(opened, index, int(first))) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
