"""What comes in, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.catalogue.engine import MOST_HITS, MilvusCatalogue
from services.catalogue.pictures import PictureFiles
from shoplens.domain import IndexedImage, ProductPatch, RegionQuery
from shoplens.errors import InvalidArgument
from shoplens.metrics import INDEX_ITEMS
from shoplens.testing.contracts.catalogue import ENCODER, MODEL, frame, put
from shoplens.testing.products import draft, indexed
from tests.unit.catalogue.memory_milvus import MemoryMilvus

DRAFT = draft("p1", 1, views=2)
IMAGES = indexed(ENCODER, DRAFT)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[MilvusCatalogue]:
    with MilvusCatalogue(MemoryMilvus(), PictureFiles(tmp_path), ENCODER.card()) as catalogue:  # type: ignore[arg-type]
        yield catalogue


def with_features(**changes: object) -> list[IndexedImage]:
    region = IMAGES[0].regions[0]
    return [replace(IMAGES[0], regions=(replace(region, features=replace(region.features, **changes)),))]  # type: ignore[arg-type]


REFUSED: dict[str, tuple[Callable[[MilvusCatalogue], object], str]] = {
    "no id": (lambda it: put(it, replace(DRAFT, id="")), "1 to 256 bytes, not 0"),
    "a long id": (lambda it: put(it, replace(DRAFT, id="é" * 129)), "1 to 256 bytes, not 258"),
    "half a character": (lambda it: put(it, replace(DRAFT, id="\ud800")), "valid Unicode"),
    "half a character in the title": (lambda it: put(it, replace(DRAFT, details=replace(DRAFT.details, title="\ud800"))), "valid Unicode"),
    "a huge version": (lambda it: put(it, replace(DRAFT, version=2**63)), "whole number"),
    "a negative version": (lambda it: put(it, replace(DRAFT, version=-1)), "whole number"),
    "a long description": (lambda it: put(it, replace(DRAFT, details=replace(DRAFT.details, description="x" * 70_000))), "shorten"),
    "no images": (lambda it: it.put(DRAFT, "hat", [], model=MODEL), "at least one image"),
    "an image twice": (lambda it: it.put(DRAFT, "hat", [IMAGES[0], IMAGES[0]], model=MODEL), "same id"),
    "an image without regions": (lambda it: it.put(DRAFT, "hat", [replace(IMAGES[0], regions=())], model=MODEL), "without features"),
    "another width": (lambda it: it.put(DRAFT, "hat", with_features(embedding=np.ones(3, np.float32)), model=MODEL), "another shape"),
    "no numbers": (
        lambda it: it.put(DRAFT, "hat", with_features(embedding=np.full_like(frame(1).embedding, np.nan)), model=MODEL),
        "not numbers",
    ),
    "half a character in the node": (lambda it: put(it, DRAFT, "\ud800"), "valid Unicode"),
    "an unknown field": (lambda it: (put(it, DRAFT), it.patch(ProductPatch("p1", {"colour": "red"}))), "no field 'colour'"),
    "a page of none": (lambda it: it.page(size=0), "1 to 1000"),
    "a page of too many": (lambda it: it.page(size=10**9), "1 to 1000"),
    "a stray token": (lambda it: it.page(token="%"), "without a token"),
    "a limit of none": (lambda it: it.search(RegionQuery([frame(1).embedding], limit=0, model=MODEL)), "1 to 16384"),
    "a limit of too many": (lambda it: it.search(RegionQuery([frame(1).embedding], limit=MOST_HITS + 1, model=MODEL)), "1 to 16384"),
    "a probe of another width": (lambda it: it.search(RegionQuery([np.ones(3, np.float32)], limit=1, model=MODEL)), "another width"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_with_advice(catalogue: MilvusCatalogue, name: str) -> None:
    call, advice = REFUSED[name]
    with pytest.raises(InvalidArgument, match=advice):
        call(catalogue)


def test_no_probes_find_nothing(catalogue: MilvusCatalogue) -> None:
    put(catalogue, DRAFT)
    assert catalogue.search(RegionQuery([], limit=1, model=MODEL)) == []


def test_the_gauge_counts_images(catalogue: MilvusCatalogue) -> None:
    put(catalogue, DRAFT)
    put(catalogue, draft("p2", 3))
    assert INDEX_ITEMS.labels(MODEL)._value.get() == 3
    catalogue.delete("p1")
    assert INDEX_ITEMS.labels(MODEL)._value.get() == 1


def test_an_index_that_was_closed_is_counted_no_more(catalogue: MilvusCatalogue) -> None:
    put(catalogue, DRAFT)
    catalogue.close()
    assert not any(sample.labels == {"model": MODEL} for metric in INDEX_ITEMS.collect() for sample in metric.samples)
