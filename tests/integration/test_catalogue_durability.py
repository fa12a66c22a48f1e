"""kill -9 in the middle of concurrent writes loses nothing acknowledged and leaves nothing half."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.catalogue.engine import MilvusCatalogue
from shoplens.domain import Product, RegionQuery
from shoplens.testing.contracts.catalogue import ENCODER, MODEL
from tests.integration.catalogue_writer import node, operation, pictured, title, wanted

ROUNDS = 4


def killed_in_the_middle(folder: Path, after: int, steps: int) -> tuple[dict[str, int], dict[str, int]]:
    """Run the writer for so many acknowledged steps, and kill it; returns the versions begun and acknowledged last."""
    command = [
        sys.executable,
        "-m",
        "tests.integration.catalogue_writer",
        str(folder / "catalogue.db"),
        str(folder / "pictures"),
        str(after),
    ]
    begun: dict[str, int] = {}
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            word, product_id, version = line.split()
            (begun if word == "begin" else acknowledged)[product_id] = int(version)
            steps -= word == "ack"
            if steps == 0:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return begun, acknowledged


def expect_whole(catalogue: MilvusCatalogue, product: Product) -> None:
    """Everything of the product is of one version: details, node, images, vectors, pictures, and what a search shows."""
    version = product.version
    made, images = wanted(product.id, pictured(version))
    assert product.node == node(version)
    if operation(version) == "patch":
        assert product.details.title == title(version)
    assert product.images == tuple(image.image for image in images)
    for stored, image in zip(catalogue.features(product.id), images, strict=True):
        np.testing.assert_array_equal(stored.embedding, image.regions[0].features.embedding)
    for source, image in zip(made.images, images, strict=True):
        assert catalogue.picture(product.id, source.id).content == source.content
        hits = catalogue.search(RegionQuery([image.regions[0].features.embedding], limit=200, nodes=[product.node], model=MODEL))
        (mine,) = [hit for hit in hits if (hit.product_id, hit.image_id, hit.box) == (product.id, source.id, image.regions[0].box)]
        assert mine.details == product.details


@pytest.mark.timeout(600)
def test_killed_writers_lose_nothing(tmp_path: Path) -> None:
    there: dict[str, Product] = {}
    after = 0
    for round_ in range(ROUNDS):
        begun, acknowledged = killed_in_the_middle(tmp_path, after, 70 + 17 * round_)
        assert begun
        with MilvusCatalogue.open(str(tmp_path / "catalogue.db"), tmp_path / "pictures", ENCODER.card()) as catalogue:
            before, there = there, {product.id: product for product in catalogue.page(size=1000).products}
            for product_id, begun_last in begun.items():
                # What was begun and not acknowledged may stand or not; what was acknowledged stands.
                settled = acknowledged.get(product_id, before[product_id].version if product_id in before else 0)
                possible = {None if operation(version) == "delete" else version for version in (settled, begun_last)}
                assert (there[product_id].version if product_id in there else None) in possible, product_id
            for product in there.values():
                expect_whole(catalogue, product)
            probe = catalogue.features(next(iter(there)))[0].embedding
            for hit in catalogue.search(RegionQuery([probe], limit=1000, model=MODEL)):
                assert hit.details == there[hit.product_id].details
            status = catalogue.status()
            assert (status.products, status.items) == (len(there), sum(len(product.images) for product in there.values()))
        after = max(begun.values())
        after += -after % 7  # each round begins with a put
