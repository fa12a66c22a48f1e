"""The page's tab of copies: the photo laid over the shop's pictures of which it is an edited copy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import shot
from tests.e2e.visits import Visit, cards, choose, verdict
from tests.unit.gateway.shop import Shop

pytestmark = pytest.mark.browser


def look_for_copies(page: Page) -> None:
    choose(page)
    expect(cards(page)).to_have_count(18)
    page.get_by_role("tab", name="Copies of this photo").click()


def test_the_photo_is_laid_over_the_shops_pictures_of_which_it_is_a_copy(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    look_for_copies(page)
    expect(verdict(page)).to_have_text("The shop has this very picture 18 times")
    expect(page.get_by_role("tab", name="Copies of this photo")).to_be_focused()
    copy = page.locator(".copy").first
    expect(copy).to_contain_text("Your photo is a copy, shows 80% of it, with something around it, mirrored.")
    laid, under = copy.locator(".over img").bounding_box(), copy.locator(".under").bounding_box()
    assert laid
    assert under
    assert laid == pytest.approx(under, abs=1)
    shot(page, "copies")
    assert (shop.copy_queries[0].picture.width, shop.copy_queries[0].top_k) == (900, 24)


def test_the_divider_is_moved_by_mouse_and_by_keyboard(visit: Visit, address: str) -> None:
    page = visit(address)
    look_for_copies(page)
    overlay = page.locator(".overlay").first
    slider = overlay.get_by_role("slider")
    box = overlay.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert int(slider.input_value()) == pytest.approx(80, abs=4)
    before = int(slider.input_value())
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value(str(before - 1))
    expect(slider).to_have_attribute("aria-valuetext", f"{before - 1} percent your photo")
    divider = overlay.locator(".divider").bounding_box()
    assert divider
    assert divider["x"] - box["x"] == pytest.approx(box["width"] * (before - 1) / 100, abs=2)


def test_copies_are_put_in_another_order(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    look_for_copies(page)
    with page.expect_response(lambda answer: answer.url.endswith("/v1/copies")):
        page.get_by_label("Order of the copies").select_option("newest")
    expect(page.get_by_label("Order of the copies")).to_have_value("newest")
    expect(page.get_by_label("Order of the copies")).to_be_focused()
    assert [query.order.value for query in shop.copy_queries] == ["best", "newest"]


def test_tabs_are_changed_with_the_arrow_keys_and_ask_once(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    look_for_copies(page)
    expect(page.locator(".copy")).to_have_count(18)
    page.get_by_role("tab", name="Copies of this photo").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="The whole look")).to_be_focused()
    expect(page.locator(".piece")).to_have_count(3)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Products")).to_be_focused()
    expect(cards(page)).to_have_count(18)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".copy")).to_have_count(18)
    assert (len(shop.queries), len(shop.copy_queries)) == (2, 1)


def test_a_photo_of_which_the_shop_has_no_copy(visit: Visit, address: str, shop: Shop) -> None:
    shop.copied = False
    page = visit(address)
    look_for_copies(page)
    expect(verdict(page)).to_have_text("No copy of this picture")
    shot(page, "no-copies")
    page.get_by_role("button", name="Search for the pants").click()
    expect(page.get_by_role("tab", name="Products")).to_have_attribute("aria-selected", "true")
    expect(cards(page)).to_have_count(18)
