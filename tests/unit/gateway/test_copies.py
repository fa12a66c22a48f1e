"""Searching for copies: the order of matches, and the contract of ``POST /v1/copies``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from services.gateway.copy_search import CatalogueCopySearch
from shoplens.domain import Change, Copy, CopyOrder, CopyQuery, ImageHolder, ImageSource, ProductDetails, ProductDraft, ProductImage
from shoplens.testing import pictures
from tests.unit.gateway.shop import Shop, picture

Connect = Callable[..., TestClient]


class Known:
    """Finds two copies, the likelier one first, and says who shows them."""

    def find(self, picture: object, *, limit: int = 100) -> list[Copy]:
        return [Copy("a", 0.99, Change(amount=0.1)), Copy("b", 0.9, Change(amount=0.6)), Copy("gone", 0.8, Change())]

    def holders(self, content_hashes: list[str]) -> dict[str, list[ImageHolder]]:
        old, new = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
        return {
            "a": [ImageHolder("small", ProductImage("1", "a", 100, 100, published_at=new))],
            "b": [
                ImageHolder("large", ProductImage("1", "b", 900, 900, published_at=old)),
                ImageHolder("undated", ProductImage("1", "b", 9, 9)),
            ],
        }


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (CopyOrder.BEST, ["small", "large", "undated"]),
        (CopyOrder.MOST_CHANGED, ["large", "undated", "small"]),
        (CopyOrder.BIGGEST, ["large", "small", "undated"]),
        (CopyOrder.NEWEST, ["small", "large", "undated"]),
        (CopyOrder.OLDEST, ["large", "small", "undated"]),
    ],
)
def test_matches_come_in_the_order_asked_for_and_only_where_a_product_shows_them(order: CopyOrder, wanted: list[str]) -> None:
    search = CatalogueCopySearch(Known(), Known())  # type: ignore[arg-type]
    matches = search.copies(CopyQuery(pictures.picture(1), order))
    assert [match.holder.product_id for match in matches] == wanted


def test_an_answer_has_the_fields_of_the_contract(connect: Connect, shop: Shop) -> None:
    shop.put(ProductDraft("p1", ProductDetails(), (ImageSource("front", content=picture()),)))
    response = connect().post("/v1/copies", files={"image": ("a.jpg", picture())}, data={"sort": "biggest", "top_k": "30"})
    assert response.status_code == 200
    (match,) = [match for match in response.json()["matches"] if match["product_id"] == "p1"]
    assert response.json().keys() == {"request_id", "matches"}
    assert match.keys() >= {"product_id", "image_id", "score", "change", "width", "height", "page_url", "creator", "published_at"}
    assert match["change"].keys() >= {"flipped", "overlap", "affine"}
    assert (match["product_id"], match["image_id"], match["width"], match["height"]) == ("p1", "front", 60, 80)
    assert match["change"]["affine"] == [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    assert (shop.copy_queries[0].order, shop.copy_queries[0].top_k) == (CopyOrder.BIGGEST, 30)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"sort": "prettiest"}, "sort"),
        ({"top_k": "0"}, "top_k"),
        ({"product_id": "p1"}, "product_id"),
        ({"url": "https://shop.example/a.jpg"}, "image and url"),
    ],
)
def test_a_wrong_field_is_named(connect: Connect, form: dict[str, str], says: str) -> None:
    response = connect().post("/v1/copies", files={"image": ("a.jpg", picture())}, data=form)
    assert response.status_code == 400
    assert says in response.json()["detail"]


def test_a_broken_picture_is_refused(connect: Connect) -> None:
    response = connect().post("/v1/copies", files={"image": ("a.jpg", b"rubbish")})
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/problem+json"


def test_without_a_picture_it_says_what_to_send(connect: Connect) -> None:
    response = connect().post("/v1/copies", data={"sort": "best"})
    assert response.status_code == 400
    assert "exactly one" in response.json()["detail"]
