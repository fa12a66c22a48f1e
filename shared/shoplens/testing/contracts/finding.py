"""What every catalogue finds by what the shop says of its products: filters and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shoplens.domain import Price, ProductDraft, ProductPatch, RegionQuery
from shoplens.filters import parse
from shoplens.ports import Catalogue
from shoplens.testing.contracts.catalogue import MODEL, found, frame, put
from shoplens.testing.products import draft


def described(product_id: str, seed: int, **details: Any) -> ProductDraft:
    """A draft whose details say this."""
    plain_draft = draft(product_id, seed)
    return replace(plain_draft, details=replace(plain_draft.details, **details))


class FindingContract:
    """Asks for the fixture ``catalogue``, as ``CatalogueContract`` does."""

    def test_a_filter_leaves_the_products_that_it_is_true_of_nearest_first(self, catalogue: Catalogue) -> None:
        put(catalogue, described("p1", 1, price=Price(10.0, "EUR"), brand="Acme", attributes={"colour": "Red"}))
        put(catalogue, described("p2", 2, price=Price(20.0, "EUR"), brand="acme ", attributes={"colour": "blue", "size": "42"}))
        put(catalogue, described("p3", 3, price=None, brand="Other", in_stock=False, category="Women/Shirts"), node="shirt")
        assert found(catalogue, 2, only="brand = ACME")[0] == "p2"
        for only, expected in {
            "price < 20": {"p1"},
            "price <= 20 AND in_stock = true": {"p1", "p2"},
            "NOT brand = acme": {"p3"},
            "colour != red": {"p2", "p3"},
            "size >= 40 OR category = women": {"p2", "p3"},
            "category = top AND product_id IN (p2, p3)": {"p2", "p3"},
            "price > 1000": set(),
        }.items():
            assert set(found(catalogue, 1, only=only)) == expected, only

    def test_a_filter_sees_what_a_patch_or_a_new_put_says(self, catalogue: Catalogue) -> None:
        put(catalogue, described("p1", 1, in_stock=True, brand="Old"))
        catalogue.patch(ProductPatch("p1", {"in_stock": False}))
        assert found(catalogue, 1, only="in_stock = true") == []
        assert found(catalogue, 1, only="in_stock = false") == ["p1"]
        put(catalogue, described("p1", 5, brand="New"))
        assert found(catalogue, 1, only="brand = old") == []
        assert found(catalogue, 1, only="brand = new") == ["p1"]
        catalogue.delete("p1")
        assert found(catalogue, 1, only="brand = new") == []

    def test_a_filter_and_a_category_restrict_together(self, catalogue: Catalogue) -> None:
        put(catalogue, described("p1", 1, brand="Acme"))
        put(catalogue, described("p2", 2, brand="Acme"), node="sandals")
        put(catalogue, draft("p3", 3), node="sandals")
        assert found(catalogue, 1, nodes=("sandals",), only="brand = acme") == ["p2"]

    def test_words_add_the_products_that_they_fit_however_far_they_are(self, catalogue: Catalogue) -> None:
        for seed in range(6):
            put(catalogue, described(f"p{seed}", seed, title="linen shirt" if seed == 5 else "plain tee"))
        plain = RegionQuery([frame(0).embedding], limit=1, model=MODEL)
        assert [hit.words for hit in catalogue.search(plain)] == [None]
        worded = replace(plain, words="linen")
        assert {hit.product_id: hit.words for hit in catalogue.search(worded)} == {"p0": 0.0, "p5": 1.0}
        narrowed = replace(worded, only=parse("product_id != p5"))
        assert {hit.product_id for hit in catalogue.search(narrowed)} == {"p0"}
