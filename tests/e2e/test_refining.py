"""What else a shopper wants: words beside the photo, filters, other colours, the whole look."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from shoplens.domain import Action
from tests.e2e.conftest import PHONE, shot
from tests.e2e.visits import Visit, cards, choose, searched, verdict
from tests.unit.gateway.shop import Shop

pytestmark = pytest.mark.browser


def test_words_go_with_the_photo(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(cards(page)).to_have_count(18)
    wish = page.get_by_label("Something about it should be different?")
    with searched(page):
        wish.fill("in red, with long sleeves")
        wish.press("Enter")
    assert (shop.queries[-1].text, shop.queries[-1].picture is not None) == ("in red, with long sleeves", True)
    expect(wish).to_have_value("in red, with long sleeves")
    with searched(page):
        wish.fill("")
        wish.press("Enter")
    assert shop.queries[-1].text == ""


def test_words_go_with_a_product_too(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(f"{address}?like=shirt%2Fbrick")
    expect(cards(page)).to_have_count(17)
    wish = page.get_by_label("Something about it should be different?")
    with searched(page):
        wish.fill("in moss")
        wish.press("Enter")
    assert (shop.queries[-1].text, shop.queries[-1].product_id) == ("in moss", "shirt/brick")
    expect(wish).to_be_focused()


def test_filters_narrow_the_products_and_are_taken_off_again(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(cards(page)).to_have_count(18)
    with searched(page):
        page.get_by_role("button", name="In stock").click()
    expect(cards(page)).to_have_count(15)
    expect(page.get_by_role("button", name="In stock")).to_be_focused()
    expect(page.get_by_role("button", name="In stock")).to_have_attribute("aria-pressed", "true")
    with searched(page):
        page.get_by_label("Price").select_option("50")
    expect(cards(page)).to_have_count(5)
    shot(page, "filters")
    assert str(shop.queries[-1].only) == "(price <= 50.0) AND (in_stock = true)"
    with searched(page):
        page.get_by_label("Price").select_option("")
    with searched(page):
        page.get_by_role("button", name="In stock").click()
    expect(cards(page)).to_have_count(18)
    assert shop.queries[-1].only is None


def test_a_filter_that_leaves_nothing_can_be_taken_off(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(cards(page)).to_have_count(18)
    with searched(page):
        page.get_by_role("button", name="In stock").click()
    shop.products = {name: each for name, each in shop.products.items() if not each.details.in_stock}
    with searched(page):
        page.get_by_label("Price").select_option("50")
    expect(verdict(page)).to_have_text("Nothing found")
    with searched(page):
        page.get_by_role("button", name="Look among everything").click()
    expect(cards(page)).to_have_count(3)


def test_other_colours_of_a_style_are_shown_as_swatches_that_lead_to_them(visit: Visit, address: str, shop: Shop) -> None:
    shop.swatches = True
    page = visit(address)
    choose(page)
    swatches = cards(page).first.get_by_role("list", name="Also in").get_by_role("link")
    expect(swatches).to_have_count(3)
    expect(swatches.first).to_have_attribute("title", "Moss shirt")
    shot(page, "swatches")
    swatches.first.click()
    expect(page).to_have_url(re.compile(r"like=shirt%2Fmoss"))


def test_the_whole_look_has_a_row_for_each_piece(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address, PHONE)
    choose(page)
    expect(cards(page)).to_have_count(18)
    page.get_by_role("tab", name="The whole look").click()
    expect(verdict(page)).to_have_text("3 pieces found")
    expect(page.locator(".piece h2")).to_have_text(["Top", "Pants", "Shoes"])
    expect(page.locator(".piece").first.locator(".card")).to_have_count(8)
    shot(page, "look-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_result_that_is_followed_is_told_to_the_shop(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(cards(page)).to_have_count(18)
    with page.expect_response(lambda answer: answer.url.endswith("/v1/feedback")) as told:
        cards(page).nth(1).get_by_role("link", name="More like").click()
    assert told.value.status == 202
    (reaction,) = shop.reactions
    assert (reaction.product_id, reaction.action) == ("shirt/moss", Action.CLICK)
    assert reaction.request_id == shop.impressions[0].request_id
