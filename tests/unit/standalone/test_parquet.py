"""A catalogue as Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.standalone.feeds import open_feed
from shoplens.domain import ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.testing.pictures import png

pa = pytest.importorskip("pyarrow", reason="Parquet needs the batch extra")
parquet = pytest.importorskip("pyarrow.parquet")


def test_a_product_a_row(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [
        {
            "product_id": "a",
            "title": "Dress",
            "price": {"amount": 9.5, "currency": "EUR"},
            "attributes": [("fit", "slim")],
            "images": [{"id": "1", "content": png(1), "uri": None, "published_at": moment}],
        },
        {"product_id": "b", "title": None, "price": None, "attributes": None, "images": [{"id": "1", "content": None, "uri": "b.jpg"}]},
        {"product_id": "", "title": "Nameless", "price": None, "attributes": None, "images": []},
    ]
    image = pa.struct([("id", pa.string()), ("content", pa.binary()), ("uri", pa.string()), ("published_at", pa.timestamp("us", "UTC"))])
    price = pa.struct([("amount", pa.float64()), ("currency", pa.string())])
    schema = pa.schema(
        [
            ("product_id", pa.string()), ("title", pa.string()), ("price", price),
            ("attributes", pa.map_(pa.string(), pa.string())), ("images", pa.list_(image)),
        ]
    )  # fmt: skip
    file = tmp_path / "catalogue"  # recognised by what stands in it
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    feed = open_feed(file)
    one, two, bad = (row.result for row in feed.references())
    assert feed.format == "Parquet"
    assert isinstance(one, ProductDraft)
    assert isinstance(two, ProductDraft)
    assert (one.details.title, one.details.price.amount, one.details.attributes) == ("Dress", 9.5, {"fit": "slim"})  # type: ignore[union-attr]
    assert (one.images[0].content, one.images[0].published_at) == (png(1), moment)
    assert (two.images[0].content, two.images[0].uri) == (None, "b.jpg")
    assert isinstance(bad, InvalidArgument)


def test_half_a_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "half.parquet"
    parquet.write_table(pa.table({"product_id": ["a"]}), file)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(OSError, match="no whole Parquet file"):
        list(open_feed(file).references())
