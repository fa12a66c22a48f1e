"""What `serve` starts with, and when it calls itself ready."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.standalone.loading import Loading, Source, open_source
from services.standalone.terminal import Terminal
from shoplens.domain import ImageSource, ProductDetails, ProductDraft
from shoplens.errors import InvalidArgument, Unavailable


def test_ready_only_once_everything_is_loaded() -> None:
    loading = Loading(total=10, loaded=3)
    with pytest.raises(Unavailable, match="3 of 10 products"):
        loading.require()
    loading.finished.set()
    loading.require()


def test_no_catalogue() -> None:
    source = open_source("none", currency="USD", terminal=Terminal(quiet=True))
    assert source.count() == 0
    assert list(source.rows()) == []


def test_a_feed(tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    feed.write_text(json.dumps({"product_id": "1", "images": [{"uri": "https://shop.example/1.jpg"}]}))
    source = open_source(str(feed), currency="USD", terminal=Terminal(quiet=True))
    assert source.count() == 1
    assert [row.product_id for row in source.rows()] == ["1"]
    with pytest.raises(InvalidArgument, match="There is no"):
        open_source(str(tmp_path / "missing"), currency="USD", terminal=Terminal(quiet=True))


def test_products_at_hand() -> None:
    drafts = tuple(ProductDraft(str(number), ProductDetails(), (ImageSource("1", b""),)) for number in range(3))
    source = Source(drafts=drafts)
    assert source.count() == 3
    assert [(row.line, row.result) for row in source.rows()] == [(1, drafts[0]), (2, drafts[1]), (3, drafts[2])]


def test_json_alone_is_printed_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(quiet=True)
    terminal.say("said")
    terminal.remark("remarked")
    assert list(terminal.progress([1, 2], total=2, what="Working")) == [1, 2]
    terminal.json({"title": "Größe"})
    assert capsys.readouterr() == ('{"title": "Größe"}\n', "")
