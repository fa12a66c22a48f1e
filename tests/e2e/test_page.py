"""The page as a shopper uses it: by mouse, by finger, by keyboard, with a screen reader."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from shoplens.domain import Box, Lack
from shoplens.errors import Unavailable
from tests.e2e import wardrobe
from tests.e2e.conftest import DESKTOP, PHONE, shot
from tests.e2e.visits import PHOTO, Visit, cards, choose, searched, verdict
from tests.unit.gateway.shop import REGIONS, Shop

pytestmark = pytest.mark.browser


def test_a_photo_is_chosen_and_its_products_are_shown(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    expect(page.locator("#suggested li")).to_have_count(9)
    shot(page, "start")
    choose(page)
    expect(verdict(page)).to_have_text("Looks like this very product")
    expect(verdict(page)).to_be_focused()
    expect(cards(page)).to_have_count(18)
    expect(page.locator("#announcer")).to_have_text("Looks like this very product. 18 products.")
    first = cards(page).first
    expect(first).to_contain_text("€39.00")
    expect(first).to_contain_text("In stock")
    expect(first).to_contain_text("90% match")
    first.locator(".match").click()
    expect(first.locator(".why")).to_be_visible()
    shot(page, "results")
    assert shop.queries[0].picture is not None


def test_a_shopper_is_told_what_an_answer_goes_without(visit: Visit, shop: Shop) -> None:
    shop.degraded = (Lack.REGIONS, Lack.COPIES)
    page = visit(device=PHONE)
    choose(page)
    expect(page.locator(".lacking")).to_have_text(
        "We could not look at single pieces of the picture just now, so the whole of it was compared."
    )
    expect(cards(page)).to_have_count(18)
    shot(page, "degraded")


def test_a_photo_is_dropped(visit: Visit, address: str) -> None:
    page = visit(address)
    content = base64.b64encode(wardrobe.street_photo()).decode()
    transfer = page.evaluate_handle(
        """async (content) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
          transfer.items.add(new File([bytes], "street.jpg", { type: "image/jpeg" }));
          return transfer;
        }""",
        content,
    )
    page.dispatch_event("#dropzone", "dragenter", {"dataTransfer": transfer})
    expect(page.locator("#drop-anywhere")).to_be_visible()
    page.dispatch_event("#dropzone", "drop", {"dataTransfer": transfer})
    expect(page.locator("#drop-anywhere")).to_be_hidden()
    expect(cards(page)).to_have_count(18)


def test_a_photo_is_pasted(visit: Visit, address: str) -> None:
    page = visit(address)
    page.evaluate(
        """(content) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
          transfer.items.add(new File([bytes], "street.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        base64.b64encode(wardrobe.street_photo()).decode(),
    )
    expect(cards(page)).to_have_count(18)


def test_a_large_photo_is_made_small_before_it_is_sent(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page, {**PHOTO, "buffer": wardrobe.street_photo(3000, 4000)})
    expect(cards(page)).to_have_count(18)
    seen = shop.queries[0].picture
    assert seen is not None
    assert (seen.width, seen.height) == (960, 1280)


def test_a_hot_spot_searches_for_its_piece(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    spots = page.locator(".spot")
    expect(spots).to_have_count(3)
    expect(spots.nth(0)).to_have_attribute("aria-pressed", "true")
    with searched(page):
        page.get_by_role("button", name="Search for the pants").click()
    expect(spots.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(spots).to_have_count(3)
    assert shop.queries[-1].box == REGIONS[1].box


def test_the_frame_is_dragged_and_resized_with_the_mouse(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    frame = page.locator(".frame")
    expect(frame).to_be_visible()
    photo = page.locator(".stage").bounding_box()
    held = frame.bounding_box()
    assert photo
    assert held
    with searched(page):
        page.mouse.move(held["x"] + held["width"] / 2, held["y"] + held["height"] * 0.8)
        page.mouse.down()
        page.mouse.move(held["x"] + held["width"] / 2, held["y"] + held["height"] * 0.8 + photo["height"] * 0.2, steps=4)
        page.mouse.up()
    moved = shop.queries[-1].box
    assert moved is not None
    assert moved.as_tuple() == pytest.approx((0.2, 0.25, 0.8, 0.7), abs=0.01)
    with searched(page):
        page.mouse.move(photo["x"] + photo["width"] * 0.8, photo["y"] + photo["height"] * 0.7)
        page.mouse.down()
        page.mouse.move(photo["x"] + photo["width"] * 0.6, photo["y"] + photo["height"] * 0.5, steps=4)
        page.mouse.up()
    resized = shop.queries[-1].box
    assert resized is not None
    assert resized.as_tuple() == pytest.approx((0.2, 0.25, 0.6, 0.5), abs=0.01)
    shot(page, "framed")


def test_a_frame_is_drawn_on_a_free_part_of_the_photo(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(page.locator(".frame")).to_be_visible()
    photo = page.locator(".stage").bounding_box()
    assert photo
    with searched(page):
        page.mouse.move(photo["x"] + photo["width"] * 0.05, photo["y"] + photo["height"] * 0.55)
        page.mouse.down()
        page.mouse.move(photo["x"] + photo["width"] * 0.45, photo["y"] + photo["height"] * 0.95, steps=4)
        page.mouse.up()
    drawn = shop.queries[-1].box
    assert drawn is not None
    assert drawn.as_tuple() == pytest.approx((0.05, 0.55, 0.45, 0.95), abs=0.01)


def test_the_frame_is_moved_and_resized_with_the_keyboard(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(verdict(page)).to_be_focused()
    frame = page.locator(".frame")
    frame.focus()
    with searched(page):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowLeft")
    box = shop.queries[-1].box
    assert box is not None
    assert box.as_tuple() == pytest.approx((0.22, 0.07, 0.80, 0.52), abs=0.001)
    expect(frame).to_have_attribute("aria-label", re.compile("22 percent from the left, 7 percent from the top"))


def test_the_guess_is_corrected(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    choose(page)
    expect(cards(page)).to_have_count(18)
    with searched(page):
        page.get_by_role("button", name="Shirt", exact=True).click()
    assert shop.queries[-1].category == "shirt"
    expect(page.get_by_role("button", name="Shirt", exact=True)).to_have_attribute("aria-pressed", "true")
    with searched(page):
        page.get_by_label("Another kind of thing").select_option("dress")
    assert shop.queries[-1].category == "dress"
    assert shop.queries[-1].box == Box(0.2, 0.05, 0.8, 0.5)


def test_more_like_this_and_back(visit: Visit, address: str) -> None:
    page = visit(address)
    choose(page)
    cards(page).nth(4).get_by_role("link", name="More like").click()
    expect(page).to_have_url(re.compile(r"\?like=shirt%2Fsky|\?like=shirt%2F"))
    expect(cards(page)).to_have_count(17)
    expect(page.locator(".caption h2")).to_be_visible()
    shot(page, "more-like-this")
    page.go_back()
    expect(page.locator(".stage")).to_be_visible()
    expect(cards(page)).to_have_count(18)
    page.go_back()
    expect(page.locator("#start")).to_be_visible()


def test_a_shared_address_opens_what_it_names(visit: Visit, address: str) -> None:
    page = visit(f"{address}/?like=sneakers%2Fmoss")
    expect(page.locator(".caption h2")).to_have_text("Moss sneakers")
    expect(cards(page)).to_have_count(17)


def test_an_error_says_what_to_do_and_can_be_tried_again(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    shop.failure = Unavailable("The catalogue does not answer; try again in a moment.")
    choose(page)
    expect(page.get_by_role("alert")).to_contain_text("The catalogue does not answer; try again in a moment.")
    shot(page, "error")
    shop.failure = None
    page.get_by_role("button", name="Try again").click()
    expect(cards(page)).to_have_count(18)


def test_what_is_no_picture_is_said_to_be_none(visit: Visit, address: str) -> None:
    page = visit(address)
    choose(page, {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"})
    expect(page.get_by_role("alert")).to_contain_text("send a JPEG, PNG")


def test_nothing_found_says_what_may_help(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address)
    shop.products.clear()
    choose(page)
    expect(verdict(page)).to_have_text("Nothing found")
    expect(page.locator("#announcer")).to_have_text("Nothing found.")
    shot(page, "nothing-found")


def test_while_it_looks_the_shape_of_the_answer_is_there(visit: Visit, address: str) -> None:
    page = visit(address)
    held: list[Route] = []

    def hold(route: Route) -> None:  # playwright cannot wrap a built-in method
        held.append(route)

    page.route("**/v1/search", hold)
    choose(page)
    expect(verdict(page)).to_have_text("Looking…")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    shot(page, "loading")
    held[0].continue_()
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    expect(cards(page)).to_have_count(18)


def test_on_a_phone(visit: Visit, address: str) -> None:
    page = visit(address, PHONE)
    expect(page.get_by_text("Take a photo")).to_be_visible()
    expect(page.locator("#capture")).to_have_attribute("capture", "environment")
    shot(page, "phone-start")
    choose(page)
    expect(cards(page)).to_have_count(18)
    shot(page, "phone-results")
    first, second = cards(page).nth(0).bounding_box(), cards(page).nth(1).bounding_box()
    assert first
    assert second
    assert first["y"] == second["y"]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE["viewport"]["width"]
    with searched(page):
        page.get_by_role("button", name="Search for the pants").tap()
    expect(page.locator(".spot").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")
    cards(page).nth(6).scroll_into_view_if_needed()
    expect(page.locator("#summary")).to_be_visible()
    shot(page, "phone-scrolled")


def test_the_frame_is_dragged_with_a_finger(visit: Visit, address: str, shop: Shop) -> None:
    page = visit(address, PHONE)
    choose(page)
    expect(cards(page)).to_have_count(18)
    photo = page.locator(".stage").bounding_box()
    assert photo
    touch = page.context.new_cdp_session(page)

    def finger(event: str, *at: float) -> None:
        points = [{"x": photo["x"] + photo["width"] * at[0], "y": photo["y"] + photo["height"] * at[1]}] if at else []
        touch.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})

    with searched(page):
        finger("touchStart", 0.5, 0.3)
        for step in (0.35, 0.4, 0.45, 0.5):
            finger("touchMove", 0.5, step)
        finger("touchEnd")
    box = shop.queries[-1].box
    assert box is not None
    assert box.as_tuple() == pytest.approx((0.2, 0.25, 0.8, 0.7), abs=0.02)
    assert page.evaluate("scrollY") == 0


def test_an_empty_shop_says_how_to_fill_it(visit: Visit, address: str, shop: Shop) -> None:
    shop.products.clear()
    page = visit(address)
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#suggestions")).to_be_hidden()
    shot(page, "empty-shop")


def test_the_start_is_reached_by_keyboard_alone(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator("#suggested li")).to_have_count(9)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#suggested') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?like="))
    expect(cards(page)).to_have_count(17)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_serious_violation_of_the_accessibility_rules(visit: Visit, address: str, device: dict[str, Any], scheme: str) -> None:
    # Axe is injected, which the page's own policy would not allow.
    page = visit(address, device, color_scheme=scheme, bypass_csp=True)
    expect(page.locator("#suggested li")).to_have_count(9)
    assert serious(page) == []
    choose(page)
    expect(cards(page)).to_have_count(18)
    assert serious(page) == []
    shot(page, f"{'phone' if device is PHONE else 'desktop'}-{scheme}")
    page.get_by_role("tab", name="The whole look").click()
    expect(page.locator(".piece")).to_have_count(3)
    assert serious(page) == []
    page.get_by_role("tab", name="Copies of this photo").click()
    expect(page.locator(".copy")).to_have_count(18)
    assert serious(page) == []
    shot(page, f"{'phone' if device is PHONE else 'desktop'}-{scheme}-copies")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


def test_the_reference_is_readable(visit: Visit, address: str) -> None:
    page = visit(f"{address}/docs", bypass_csp=True)
    search = page.locator(".operation", has_text="/v1/search")
    search.locator("summary").click()
    expect(search).to_contain_text("region_score")
    expect(search).to_contain_text("request_id")
    assert serious(page) == []
    shot(page, "reference")


def test_the_credits_are_shown(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator("#credits")).to_contain_text("Drawn for the tests (CC0 1.0)")
