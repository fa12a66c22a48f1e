"""A real Chromium before a real server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from services.gateway.http import Credit, HttpSettings, create_app
from tests.e2e import wardrobe
from tests.e2e.serving import served
from tests.unit.gateway.shop import Shop, ShopCatalogue

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1360, "height": 860}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


# Not for the whole session: as long as it is open, Playwright keeps an event loop running in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "these tests need Chromium: `make system` installs it"
        pytest.fail(reason) if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    for draft in wardrobe.drafts():
        shop.put(draft)
    return shop


@pytest.fixture
def address(shop: Shop) -> Iterator[str]:
    """Where a drawn shop is open."""
    app = create_app(
        search=shop,
        copies=shop,
        ingest=shop,
        catalogue=ShopCatalogue(shop),
        fetcher=shop,
        feedback_log=shop,
        readiness={"shop": lambda: None},
        settings=HttpSettings(),
        credits=[Credit("Drawn for the tests", "https://example.org/", "CC0 1.0")],
    )
    with served(app) as at:
        yield at


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens a page on a device; fails the test if a script failed. Leaves before the server does."""
    contexts, complaints = [], []

    def opened(at: str = address, device: dict[str, Any] = DESKTOP, **options: Any) -> Page:
        context = chromium.new_context(**{**device, "locale": "en-GB", "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" and "status of" not in said.text else None)
        page.goto(at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep what the page looks like under ``build/screenshots``."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate(
        """() => {
          const seen = (each) => {
            const { top, left, right } = each.getBoundingClientRect();
            return each.checkVisibility() && top < innerHeight && left < innerWidth && right > 0;
          };
          const late = [...document.images].filter((each) => !each.complete && seen(each));
          return Promise.all(late.map((each) => new Promise((done) => { each.onload = each.onerror = done; })));
        }"""
    )
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
