"""What every visit to the page does: choose a photo, look at the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import FilePayload, Page

from tests.e2e import wardrobe

Visit = Callable[..., Page]
PHOTO: FilePayload = {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": wardrobe.street_photo()}


def choose(page: Page, photo: FilePayload = PHOTO) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a photo").click()
    chooser.value.set_files([photo])


def verdict(page: Page) -> Any:
    return page.locator("#verdict")


def cards(page: Page) -> Any:
    return page.locator(".grid:not(.waiting) .card")


def searched(page: Page) -> Any:
    return page.expect_response(lambda answer: answer.url.endswith("/v1/search"))
