"""The log of updates, folded into a feed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.standalone.feeds import open_feed
from services.standalone.snapshots import Snapshot, of_file, snapshot
from shoplens.domain import ProductDraft
from shoplens.errors import InvalidArgument


def event(product_id: str, **more: object) -> tuple[None, bytes]:
    return None, json.dumps({"product_id": product_id, **more}).encode()


def put(product_id: str, title: str, **more: object) -> tuple[None, bytes]:
    return event(product_id, title=title, images=[{"id": "1", "uri": "https://shop.example/1.jpg"}], **more)


def titles(found: Snapshot) -> dict[str, str]:
    return {name: draft.details.title for name, draft in found.products.items()}


def test_the_last_word_counts() -> None:
    entries = [
        put("a", "First"), put("b", "B"), put("a", "Second"), event("b", op="delete"), put("c", "C"),
        event("c", op="patch", attributes={"fit": "slim", "old": 1}), event("c", op="patch", attributes={"old": None}, brand="Acme"),
    ]  # fmt: skip
    found = snapshot(entries)
    assert titles(found) == {"a": "Second", "c": "C"}
    details = found.products["c"].details
    assert (details.attributes, details.brand) == ({"fit": "slim"}, "Acme")
    assert [found.products[name].version for name in ("a", "c")] == [2, 3]
    assert found.refused == 0


def test_an_older_version_changes_nothing_and_a_deletion_is_remembered() -> None:
    entries = [
        put("a", "New", version=5), put("a", "Old", version=4), event("a", op="patch", title="Older", version=5),
        put("b", "B", version=1), event("b", op="delete", version=3), put("b", "Again", version=2),
        put("c", "C", version=1), event("c", op="delete", version=2), put("c", "Anew", version=3),
    ]  # fmt: skip
    assert titles(snapshot(entries)) == {"a": "New", "c": "Anew"}


def test_what_cannot_be_read_or_changes_nothing_there_is_counted() -> None:
    found = snapshot([(None, b"{"), event("a", op="patch", title="A"), (None, b'{"op": "odd"}'), (b"a", None), put("b", "B")])
    assert (titles(found), found.refused) == ({"b": "B"}, 3)


def test_the_feed_that_is_written_reads_as_the_products_were(tmp_path: Path) -> None:
    found = snapshot(
        [put("b", "Bl\u00fcte", price={"amount": 3.5, "currency": "EUR"}, attributes={"sizes": ["S"]}), put("a", "A", version=7)]
    )
    feed = tmp_path / "snapshot.ndjson"
    feed.write_text("".join(found.lines()), "utf-8")
    rows = [row.result for row in open_feed(feed).references()]
    assert all(isinstance(row, ProductDraft) for row in rows)
    assert [row.id for row in rows] == ["a", "b"]  # type: ignore[union-attr]
    assert {row.id: row for row in rows} == found.products  # type: ignore[union-attr]


def test_a_file_of_events(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(put("a", "A")[1] + b"\n\n" + put("b", "B")[1] + b"\n")
    assert titles(snapshot(of_file(file))) == {"a": "A", "b": "B"}
    with pytest.raises(InvalidArgument, match="cannot be read"):
        list(of_file(tmp_path / "missing"))
