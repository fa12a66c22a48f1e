"""Prices, descriptions, and parsers that no input surprises."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.standalone.feeds import Row, open_feed
from services.standalone.feeds.texts import amount, listed, plain, price
from shoplens.domain import ProductDraft
from shoplens.errors import InvalidArgument

NUMBERS = {
    "12": 12.0,
    "12.5": 12.5,
    "12,5": 12.5,
    "12.500": 12.5,
    "1,200": 1200.0,
    "1,234.50": 1234.5,
    "1.234,50": 1234.5,
    "1.234.567": 1234567.0,
    "1 200": 1200.0,
    "1’200.00": 1200.0,
    "12.": 12.0,
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_numbers_as_people_write_them(text: str, number: float) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "-5", "free", "1e9", "nan", "٣", ".", "5 EUR"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a price"):
        amount(text)


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_both_ways_of_writing_a_price_are_read_alike(units: int, cents: int) -> None:
    english = f"{units:,}.{cents:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert amount(english) == amount(german) == pytest.approx(units + cents / 100)


@pytest.mark.parametrize("text", ["12.50 EUR", "EUR 12.50", "12.50EUR", "eur12,50", " 12.50  eur "])
def test_prices(text: str) -> None:
    assert price(text) == {"amount": 12.5, "currency": "EUR"}


def test_a_price_without_currency() -> None:
    assert price("12.50", "GBP") == {"amount": 12.5, "currency": "GBP"}
    for text in ("12.50", "12.50 Euro", "", "EUR", "€12"):
        with pytest.raises(ValueError, match="is not a price"):
            price(text)


def test_lists() -> None:
    assert listed(" a, b,,a ,c") == ["a", "b", "c"]


def test_descriptions() -> None:
    assert plain("<p>One&nbsp;<b>two</b><br>three</p><style>x{}</style>\n\n<li>four") == "One two\nthree\nfour"
    assert plain("5 < 6 & 7 > 2") == "5 < 6 & 7 > 2"
    assert len(plain("x" * 30_000)) == 20_000


@given(st.text())
def test_any_description_becomes_text(html: str) -> None:
    assert isinstance(plain(html), str)


def read(path: Path) -> list[Row]:
    try:
        feed = open_feed(path)
    except InvalidArgument:
        return []
    return list(feed.rows())


ANY_FILE = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@ANY_FILE
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"{", b"<rss>", b"handle,title,image src\n", b"id\timage_link\n", b"file,x\n", b"PAR1"])
)
def test_any_bytes_are_rows_or_a_refusal(tmp_path: Path, content: bytes, start: bytes) -> None:
    (tmp_path / "feed").write_bytes(start + content)
    if (start + content).startswith(b"PAR1"):
        with pytest.raises(OSError, match="no whole Parquet file"):
            read(tmp_path / "feed")
        return
    for row in read(tmp_path / "feed"):
        assert row.line >= 1
        assert isinstance(row.result, ProductDraft) or str(row.result).endswith(".")


cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).map(str.strip)


@ANY_FILE
@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True), cells, cells), min_size=1, max_size=8))
def test_what_a_csv_writer_writes_is_read_back(tmp_path: Path, items: list[tuple[str, str, str]]) -> None:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(("Handle", "Title", "Vendor", "Image Src"))
    writer.writerows(
        (f"{handle}-{place}", title, vendor, "https://cdn.example/1.jpg") for place, (handle, title, vendor) in enumerate(items)
    )
    (tmp_path / "feed").write_text(text.getvalue(), "utf-8", newline="")
    results = [row.result for row in read(tmp_path / "feed")]
    drafts = [result for result in results if isinstance(result, ProductDraft)]
    assert [(draft.details.title, draft.details.brand) for draft in drafts] == [(title, vendor) for _, title, vendor in items]
