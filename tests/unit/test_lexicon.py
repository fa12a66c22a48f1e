"""What shoppers' and shops' words about clothes mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoplens.domain import ProductDetails, Wish
from shoplens.lexicon import COLOUR, lexicon


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("", Wish()),
        ("like this one, please", Wish()),
        ("this, but in red", Wish("red", "", ("red",))),
        ("with long sleeves", Wish("long sleeves", "", (), {"sleeve": ("long",)})),
        ("Long-sleeved", Wish("long sleeved", "", (), {"sleeve": ("long",)})),
        ("in navy blue", Wish("navy blue", "", ("navy",))),
        ("red or light blue", Wish("red light blue", "", ("red", "light blue"))),
        (
            "striped cotton men's shirt",
            Wish("striped cotton mens shirt", "shirt", (), {"pattern": ("striped",), "material": ("cotton",), "gender": ("men",)}),
        ),
        ("a dress without stripes, not black", Wish("dress", "dress", (), {}, {"pattern": ("striped",), "colour": ("black",)})),
        ("no sleeves", Wish("no sleeves", "", (), {"sleeve": ("none",)})),
        ("GRÜN", Wish("grün", "", ("green",))),
        ("Acme Deluxe 3000", Wish("acme deluxe 3000", "acme deluxe 3000")),
    ],
)
def test_a_wish_is_read(text: str, wish: Wish) -> None:
    assert lexicon().wish(text) == wish


def test_a_product_speaks_of_itself_in_its_title_and_in_attributes_by_name() -> None:
    said = lexicon().mentions(
        ProductDetails(
            title="Long-Sleeved Navy Shirt",
            description="goes with red shoes",
            attributes={"Fit": "Slim", "color": "Dark Blue/White", "season": ("Spring", "Warm"), "sku": "red", "organic": True, "size": 42},
        )
    )
    assert said == {
        "sleeve": {"long"},
        "colour": {"navy", "white"},
        "fit": {"slim"},
        "season": {"spring"},
    }


def test_a_value_under_its_attribute_needs_no_context() -> None:
    assert lexicon().mentions(ProductDetails(attributes={"sleeve length": "long"})) == {"sleeve": {"long"}}
    assert lexicon().mentions(ProductDetails(title="long")) == {}


@pytest.mark.parametrize(
    ("wanted", "said", "agreement"),
    [("blue", "blue", 1.0), ("blue", "navy", 1.0), ("navy", "blue", 0.5), ("navy", "light blue", 0.5), ("red", "blue", 0.0)],
)
def test_shades_meet_the_wish_for_their_colour_and_half_each_other(wanted: str, said: str, agreement: float) -> None:
    assert lexicon().agreement(COLOUR, (wanted,), {said}) == agreement


def test_every_shade_is_of_a_colour_that_is_there() -> None:
    words = lexicon()
    assert set(words.shades.values()) <= set(words.colours)
    assert set(words.shades) <= set(words.colours)


@given(st.text(max_size=200))
def test_whatever_is_written_is_read(text: str) -> None:
    words = lexicon()
    wish = words.wish(text)
    assert set(wish.colours) <= set(words.colours)
    words.mentions(ProductDetails(title=text, attributes={"colour": text}))
