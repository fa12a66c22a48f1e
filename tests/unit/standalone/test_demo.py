"""The demo catalogue, from the packages themselves (fetched once, kept in the cache) and from clients that fail."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.standalone.demo import Demo, load_demo
from services.standalone.demo.shops import SAKAI, SALEOR
from services.standalone.places import demo_cache
from shoplens.domain import Price
from shoplens.errors import Unavailable
from shoplens.images import decode


@pytest.fixture(scope="module")
def demo() -> Demo:
    try:
        return load_demo(demo_cache())
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.demo
def test_real_products_with_readable_photos(demo: Demo) -> None:
    by_id = {draft.id: draft for draft in demo.drafts}
    assert len(by_id) == len(demo.drafts) >= 31
    for draft in demo.drafts:
        assert draft.details.title
        assert draft.details.category
        assert draft.details.price is not None
        for image in draft.images:
            assert image.content is not None
            assert image.creator
            assert min(decode(image.content).pixels.shape[:2]) >= 200
    shoe = by_id["saleor-87"]
    assert (shoe.details.title, shoe.details.category, shoe.details.price) == ("Yellow Plimsolls", "Apparel/Footwear", Price(59.0, "USD"))
    assert len(shoe.images) == 4


@pytest.mark.demo
def test_no_two_products_show_the_same_picture(demo: Demo) -> None:
    pictures = [image.content for draft in demo.drafts for image in draft.images]
    assert len(set(pictures)) == len(pictures)


@pytest.mark.demo
def test_who_is_owed_is_said(demo: Demo) -> None:
    assert len(demo.credits) + len(demo.missing) == 3
    assert demo.credits[0].licence == "CC-BY-4.0"
    assert all(credit.text and credit.url.startswith("https://") and credit.licence for credit in demo.credits)


def client(monkeypatch: pytest.MonkeyPatch, answer: Exception | bytes) -> list[list[str]]:
    """A package client that fails so, or leaves these bytes; returns the commands it was called with."""
    commands: list[list[str]] = []

    def run(command: list[str], cwd: Path, **_: Any) -> None:
        commands.append(list(command))
        if isinstance(answer, Exception):
            raise answer
        (cwd / SALEOR.archive).write_bytes(answer)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_where_nothing_can_be_had_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(monkeypatch, subprocess.CalledProcessError(1, "pip", stderr="ERROR: No matching distribution found\n\n"))
    with pytest.raises(Unavailable, match=r"--catalogue none .* No matching distribution found"):
        load_demo(tmp_path)


def test_without_npm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="npm, which fetches sakai-ng"):
        SAKAI.fetch(tmp_path)


@pytest.mark.parametrize("accident", [OSError("no such program"), subprocess.TimeoutExpired("pip", 300)])
def test_a_client_that_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accident: Exception) -> None:
    client(monkeypatch, accident)
    with pytest.raises(Unavailable, match="could not fetch saleor"):
        SALEOR.fetch(tmp_path)


def test_an_archive_that_is_not_the_pinned_one_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(monkeypatch, b"something else")
    with pytest.raises(Unavailable, match="something else than was pinned"):
        SALEOR.fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_fetched_once_and_again_only_where_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = client(monkeypatch, b"wheel")
    package = replace(SALEOR, sha256=hashlib.sha256(b"wheel").hexdigest())
    assert package.fetch(tmp_path).read_bytes() == b"wheel"
    assert package.fetch(tmp_path).read_bytes() == b"wheel"
    assert len(commands) == 1
    (tmp_path / SALEOR.archive).write_bytes(b"damaged")
    assert package.fetch(tmp_path).read_bytes() == b"wheel"
    assert len(commands) == 2
    assert {"--no-deps", "--ignore-requires-python", "saleor==2.10.1"} <= set(commands[0])
