"""What the shop says of its products, so that filters and words find them: an index in memory, by SQLite.

Prices and stock change far more often than pictures. They are kept out of the rows of vectors, so that a patch never
writes a vector again, and Milvus is told which products a filter leaves: a filter of 4,000 products of 25,000 makes its
search quicker, not slower (16 against 18 ms over 200,000 rows; of 100 products, 4 ms). Milvus' own filters could not do
it: Lite refuses ``NOT`` and ``EXISTS``, and text in its expressions is a matter of escapes that no two versions share.

Words are ranked by BM25 (Robertson and Zaragoza 2009), as SQLite's FTS5 has it: English stems, accents left out.

It is made anew when the catalogue opens, from the documents that are read then anyway: 100,000 products with descriptions of
60 words take 7 seconds and 240 MB. There a filter takes 0.1 to 60 ms (the more it leaves, the longer), words 3 to 95.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from services.catalogue.rows import Document
from shoplens.domain.filters import Comparison, Conjunction, Disjunction, Filter, FilterValue, Membership, Negation, Operator
from shoplens.filters import facts, folded

# ruff: noqa: S608  Statements are put together of our own words; all that comes from outside is a parameter.
_SCHEMA = """
CREATE TABLE products (number INTEGER PRIMARY KEY, base INTEGER NOT NULL);
CREATE TABLE texts (field TEXT, text TEXT, number INTEGER, PRIMARY KEY (field, text, number)) WITHOUT ROWID;
CREATE TABLE numbers (field TEXT, value REAL, number INTEGER, PRIMARY KEY (field, value, number)) WITHOUT ROWID;
CREATE INDEX texts_of ON texts (number);
CREATE INDEX numbers_of ON numbers (number);
CREATE VIRTUAL TABLE words USING fts5 (title, brand, category, attributes, description, tokenize = 'porter unicode61 remove_diacritics 2');
"""

_WORTH = (5.0, 3.0, 3.0, 3.0, 1.0)
"""How much a word counts in each column of ``words``: a title says what a thing is, a description also what it goes with."""

_MOST_DESCRIPTION = 2_000
"""Characters of a description that are read for words; what matters comes first."""

_MOST_WORDS = 32

_KEPT_ANSWERS = 16
"""Filters whose answers are kept until something changes: a page asks for the same one again and again."""

Condition = tuple[str, list[Any]]
"""SQL that is true of a row of ``products``, and its parameters."""


class Lookup:
    """Products by what is said of them. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._matching: OrderedDict[str, list[int]] = OrderedDict()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, entries: Iterable[tuple[int, int, Document]]) -> None:
        """Products by their number and the base of their image rows, all of them new."""
        products, texts, numbers, words = [], [], [], []
        for number, base, document in entries:
            known = facts(document.product)
            products.append((number, base))
            texts += [(field, text, number) for field, text in known.texts]
            numbers += [(field, value, number) for field, value in known.numbers]
            words.append((number, *_words_of(document)))
        with self._lock:
            self._matching.clear()
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO products VALUES (?, ?)", products)
            self._connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", texts)
            self._connection.executemany("INSERT OR IGNORE INTO numbers VALUES (?, ?, ?)", numbers)
            self._connection.executemany(
                "INSERT OR REPLACE INTO words (rowid, title, brand, category, attributes, description) VALUES (?, ?, ?, ?, ?, ?)", words
            )
            self._connection.execute("COMMIT")

    def remove(self, number: int) -> None:
        """A number that is not there is fine."""
        with self._lock:
            self._matching.clear()
            self._connection.execute("BEGIN")
            for statement in (
                "DELETE FROM products WHERE number = ?",
                "DELETE FROM texts WHERE number = ?",
                "DELETE FROM numbers WHERE number = ?",
                "DELETE FROM words WHERE rowid = ?",
            ):
                self._connection.execute(statement, (number,))
            self._connection.execute("COMMIT")

    def matching(self, wanted: Filter) -> list[int]:
        """The bases of the products that a filter is true of, in order."""
        name = str(wanted)
        condition, parameters = _condition(wanted)
        with self._lock:
            found = self._matching.get(name)
            if found is None:
                rows = self._connection.execute(f"SELECT base FROM products WHERE {condition} ORDER BY base", parameters)
                found = self._matching[name] = [base for (base,) in rows]
            self._matching.move_to_end(name)
            while len(self._matching) > _KEPT_ANSWERS:
                self._matching.popitem(last=False)
            return found

    def worded(self, text: str, *, limit: int, wanted: Filter | None = None) -> Mapping[int, float]:
        """Base → how well its words fit, 0..1, of the ``limit`` best; 1 is the best of those that ``wanted`` leaves.

        A product fits that has any of the words.
        """
        query = _match(text)
        if not query:
            return {}
        condition, parameters = ("1", []) if wanted is None else _condition(wanted)
        statement = (
            f"SELECT base, -bm25(words, {', '.join(map(str, _WORTH))}) AS score FROM words JOIN products ON number = words.rowid "
            f"WHERE words MATCH ? AND {condition} ORDER BY score DESC LIMIT ?"
        )
        with self._lock:
            found = self._connection.execute(statement, [query, *parameters, limit]).fetchall()
        best = max((score for _, score in found), default=0.0)
        # Where a word is in more than half of all products BM25 has nothing to say for it, and may even be negative.
        return {base: max(score, 0.0) / best for base, score in found} if best > 0 else {base: 1.0 for base, _ in found}


def _words_of(document: Document) -> tuple[str, ...]:
    product = document.product
    details = product.details
    attributes = " ; ".join(
        f"{name} {value if isinstance(value, str | int | float) else ' '.join(value)}"
        for name, value in details.attributes.items()
        if not isinstance(value, bool)
    )
    return details.title, details.brand, f"{details.category} {product.node}", attributes, details.description[:_MOST_DESCRIPTION]


def _match(text: str) -> str:
    """An FTS5 query: any of the words, each quoted, for to FTS5 ``NEAR`` and ``-`` mean something."""
    words = re.findall(r"\w+", text)[:_MOST_WORDS]
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(words))


def _condition(wanted: Filter) -> Condition:
    match wanted:
        case Comparison(field, Operator.EQUAL, value):
            return _equals(field, (value,))
        case Comparison(field, Operator.UNEQUAL, value):
            return _negated(_equals(field, (value,)))
        case Comparison(field, operator, value):
            return f"number IN (SELECT number FROM numbers WHERE field = ? AND value {operator} ?)", [field, float(value)]
        case Membership(field, values):
            return _equals(field, values)
        case Negation(part):
            return _negated(_condition(part))
        case Conjunction(parts):
            return _joined("AND", parts)
        case Disjunction(parts):
            return _joined("OR", parts)
    assert_never(wanted)


def _equals(field: str, values: Iterable[FilterValue]) -> Condition:
    texts, numbers = [], []
    for value in values:
        if isinstance(value, bool):
            texts.append("true" if value else "false")
        elif isinstance(value, str):
            texts.append(folded(value))
        else:
            numbers.append(value)
    conditions: list[str] = []
    parameters: list[Any] = []
    for table, column, wanted in (("texts", "text", texts), ("numbers", "value", numbers)):
        if wanted:
            conditions.append(f"number IN (SELECT number FROM {table} WHERE field = ? AND {column} IN ({', '.join('?' * len(wanted))}))")
            parameters += [field, *wanted]
    return f"({' OR '.join(conditions)})", parameters


def _negated(condition: Condition) -> Condition:
    return f"NOT {condition[0]}", condition[1]


def _joined(word: str, parts: Iterable[Filter]) -> Condition:
    conditions = [_condition(part) for part in parts]
    return f"({f' {word} '.join(text for text, _ in conditions)})", [value for _, values in conditions for value in values]
