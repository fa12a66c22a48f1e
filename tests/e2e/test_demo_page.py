"""The page before the real parts and the demo catalogue: what `make demo` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect

from shoplens.testing.serving import serving
from tests.e2e.conftest import DESKTOP, PHONE, shot

pytestmark = [pytest.mark.browser, pytest.mark.demo, pytest.mark.timeout(600)]

Visit = Callable[..., Page]
ANSWER_MS = 30_000
"""A machine that is busy with other things answers slowly; that is no fault of the page."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("demo") / "data", catalogue="demo") as client:
        yield client


@pytest.fixture
def address(demo: httpx.Client) -> str:
    """In place of the drawn shop."""
    return str(demo.base_url)


@pytest.fixture(scope="module")
def shirt(demo: httpx.Client) -> dict[str, Any]:
    """A product that is sure to be clothing."""
    found: list[dict[str, Any]] = demo.get("/v1/products", params={"page_size": 500}).json()["products"]
    return next(each for each in found if "hoodie" in each["title"].lower() or "shirt" in each["title"].lower())


@pytest.fixture(scope="module")
def photo(demo: httpx.Client, shirt: dict[str, Any]) -> FilePayload:
    return {"name": "photo.png", "mimeType": "image/png", "buffer": demo.get(shirt["images"][0]["image_url"]).content}


def search(page: Page, photo: FilePayload) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a photo").click()
    chooser.value.set_files([photo])
    expect(page.locator(".grid:not(.waiting) .card").first).to_be_visible(timeout=ANSWER_MS)


def test_a_products_own_photo_finds_it_first(visit: Visit, shirt: dict[str, Any], photo: FilePayload) -> None:
    page = visit()
    expect(page.locator("#suggested li")).to_have_count(9)
    shot(page, "demo-start")
    search(page, photo)
    expect(page.locator(".card").first).to_have_attribute("data-product", shirt["product_id"])
    shot(page, "demo-results")
    card = page.locator(".card").nth(1)
    card.locator(".match").click()
    expect(card.locator(".why")).to_be_visible()
    shot(page, "demo-why")


def test_a_product_leads_to_more_like_it_and_back(visit: Visit) -> None:
    page = visit()
    page.locator("#suggested a").nth(1).click()
    expect(page.locator(".grid:not(.waiting) .card").first).to_be_visible(timeout=ANSWER_MS)
    shot(page, "demo-more-like-this")
    page.go_back()
    expect(page.locator("#start")).to_be_visible()


@pytest.mark.parametrize(("device", "name"), [(DESKTOP, "desktop"), (PHONE, "phone")], ids=["desktop", "phone"])
def test_it_is_at_home_in_the_dark(visit: Visit, photo: FilePayload, device: dict[str, Any], name: str) -> None:
    page = visit(device=device, color_scheme="dark")
    search(page, photo)
    shot(page, f"demo-{name}-dark")


def test_on_a_phone(visit: Visit, photo: FilePayload) -> None:
    page = visit(device=PHONE)
    shot(page, "demo-phone-start")
    search(page, photo)
    shot(page, "demo-phone-results")
    page.locator(".card").nth(6).scroll_into_view_if_needed()
    expect(page.locator("#summary")).to_be_visible()
    shot(page, "demo-phone-scrolled")


def test_the_credits_are_those_that_the_licences_ask_for(visit: Visit) -> None:
    expect(visit().locator("#credits")).to_contain_text("Saleor")


def test_unreadable_photos_are_said_to_be_so(demo: httpx.Client, photo: FilePayload) -> None:
    truncated = demo.post("/v1/search", files={"image": photo["buffer"][: len(photo["buffer"]) // 3]})
    assert truncated.status_code == 400
    assert truncated.headers["content-type"] == "application/problem+json"
    fifty = demo.post("/v1/search", files={"image": bytes(50_000_000)})
    assert (fifty.status_code, fifty.json()["type"]) == (413, "/problems/body-too-large")
    private = demo.post("/v1/search", data={"url": "http://127.0.0.1:1/a.jpg"})
    assert (private.status_code, private.json()["type"]) == (400, "/problems/forbidden-address")
