"""Writes to the catalogue, in an order that a crash at any point cannot spoil.

Rows are only ever added and removed, never changed, under ids from one rising sequence. A write of a product goes

1. **pictures**: its files, each whole and on disk;
2. **images**: its vectors, in rows that no product owns yet;
3. **products**: one row that names them. *This is the commit*: one row, which Milvus adds whole or not at all;
4. **directory and lookup**: the swap in memory; from here on everyone sees the new product, and the write is acknowledged;
5. **retirement**: the old rows and the pictures that nobody shows any more are removed, a batch at a time, later.

A deletion's commit is a row too, a *tombstone*, retired after everything it buries; one that came with a version or over
a log is kept for a week, so that what comes late or again does not bring the product back. A patch that keeps the node
adds a product row only, and its images stay. Writes of many products are committed by one insert.

So a process that dies leaves, besides whole products, only: files without a row (1), image rows without an owner (2),
rows that a newer row of the same product supersedes (3, 4, 5). :meth:`Ledger.recover` reads both collections' ids at
open and takes **the newest row of each product**; everything else is retired. An acknowledged write has that row; an
interrupted one either has it (and stands, whole, for its images came first) or has not (and never was). Between 2 and 4
a search may meet rows that nobody owns: the directory does not know them, and they are left out.

A product row whose image rows are *not* all there is no crash's doing but damage (a collection dropped, a backup half
restored): the product is left out, nothing of it is removed, and the log says to put it again.

Where a call fails half way (a server gone, a deadline past) nobody knows whether its rows arrived. They are retired like
any others, product rows first, so that an in-doubt commit is undone before its images are.

One process writes, and one thread at a time in it: :class:`Ledger` is not safe without its caller's lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from services.catalogue import rows, schema
from services.catalogue.connection import Milvus, Row
from services.catalogue.directory import Burial, Directory, Entry
from services.catalogue.kept import Nearby
from services.catalogue.lookup import Lookup
from services.catalogue.pictures import PictureFiles
from shoplens.domain import Position
from shoplens.errors import ShoplensError

RETIRE_ROWS = 256
"""Removing a row takes Milvus Lite as long as removing hundreds (30–150 ms at 100k rows: it reads the whole table)."""

REMEMBERED_S = 7 * 86_400
"""How long a deletion is remembered: what Kafka keeps of a log, unless told otherwise."""

_LOOKED_UP = 1000
"""Products made known to the lookup at once."""

_SCANNED = ("id", "product_id", "version", "deleted", "base", "rows", "pictures", "document", "log", "offset")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A product to commit.

    text: the document as it is stored. images: its new rows from id ``base`` on, none where the old rows stay.
    pictures: their files, by name and content. position: of the event that this comes from, or of the last one before.
    """

    document: rows.Document
    text: str
    base: int
    images: Sequence[Row] = ()
    pictures: Sequence[tuple[str, bytes]] = ()
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """A product that goes; with a version or a position, that is remembered for ``REMEMBERED_S``."""

    product_id: str
    version: int | None = None
    position: Position | None = None


@dataclass(slots=True)
class _Retired:
    """Ids of rows to be removed, in this order."""

    products: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    tombstones: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.products) + len(self.images) + len(self.tombstones)


class Ledger:
    """The one writer of the two collections, the pictures' folder, the directory and the lookup."""

    def __init__(self, milvus: Milvus, images: str, pictures: PictureFiles, directory: Directory, lookup: Lookup, nearby: Nearby) -> None:
        self._milvus = milvus
        self._images = images
        self._pictures = pictures
        self._directory = directory
        self._lookup = lookup
        self._nearby = nearby
        self._retired = _Retired()
        self._in_flight = 0
        self._just_removed = 0
        self._last = 0

    @property
    def hidden(self) -> int:
        """How many image rows a search may meet that it must not show: a server finds removed ones for a moment still."""
        return len(self._retired.images) + self._in_flight + self._just_removed

    def take(self, count: int) -> int:
        """The first of ``count`` new ids in a row, above all before, in this process and in earlier ones."""
        first = max(self._last + 1, time.time_ns())
        self._last = first + count - 1
        return first

    def commit(self, changes: Sequence[Change | Removal]) -> None:
        """Make these real, all of different products; on an error none of them is."""
        numbered = [(self.take(1), change) for change in changes]
        product_rows = [_product_row(number, change) for number, change in numbered]
        puts = [change for change in changes if isinstance(change, Change)]
        image_rows = [row for change in puts for row in change.images]
        image_ids = [int(row["id"]) for row in image_rows]
        self._in_flight = len(image_rows)
        try:
            self._pictures.keep(picture for change in puts for picture in change.pictures)
            if image_rows:
                self._milvus.insert(self._images, image_rows)
            self._milvus.insert(schema.PRODUCTS, product_rows)
        except ShoplensError:
            self._retired.products += [number for number, _ in numbered]
            self._retired.images += image_ids
            self._drop_unused(file for change in puts for file in change.document.files)
            raise
        finally:
            self._in_flight = 0
        for row in image_rows:
            self._nearby.records.add(int(row["id"]), row["record"])
        for number, change in numbered:
            if isinstance(change, Change):
                self._enter(number, change)
            else:
                self._bury(number, change)
        self._lookup.add((number, change.base, change.document) for number, change in numbered if isinstance(change, Change))
        self._tidy()

    def _enter(self, number: int, change: Change) -> None:
        product, files = change.document.product, change.document.files
        self._nearby.documents.add(number, change.text)
        entry = Entry(product.id, number, product.version, change.base, change.document.rows, files, change.position)
        before = self._directory.set(entry)
        if before is not None:
            self._lookup.remove(before.number)
        self._retire(before, change.base)
        self._forget(product.id)

    def _bury(self, number: int, removal: Removal) -> None:
        entry = self._directory.find(removal.product_id)
        if entry is not None:
            self._directory.remove(entry)
            self._lookup.remove(entry.number)
            self._retire(entry, None)
        self._forget(removal.product_id)
        burial = Burial(removal.product_id, number, removal.version, removal.position)
        if _is_memorable(burial):
            self._directory.bury(burial)
        else:
            self._retired.tombstones.append(number)

    def _forget(self, product_id: str) -> None:
        burial = self._directory.exhume(product_id)
        if burial is not None:
            self._retired.tombstones.append(burial.number)

    def flush(self) -> None:
        """Remove every retired row. An error leaves the rest for the next time."""
        retired = self._retired
        self._just_removed = len(retired.images)
        for name, ids, kept in (
            (schema.PRODUCTS, retired.products, self._nearby.documents),
            (self._images, retired.images, self._nearby.records),
            (schema.PRODUCTS, retired.tombstones, self._nearby.documents),
        ):
            if ids:
                self._milvus.delete(name, ids)
                kept.forget(ids)  # not a moment earlier: until now a search may have met them
                ids.clear()

    def recover(self) -> None:
        """Fill the directory with what is whole, and remove what interrupted writes left."""
        image_ids = self._image_ids()
        self._last = int(image_ids[-1]) if len(image_ids) else 0
        wanted = np.zeros(len(image_ids), dtype=bool)
        files: set[str] = set()
        buried: set[str] = set()
        burials: list[Burial] = []
        for row in sorted(self._product_rows(), key=lambda row: -int(row["id"])):
            number, product_id = int(row["id"]), str(row["product_id"])
            self._last = max(self._last, number)
            superseded = product_id in buried or self._directory.find(product_id) is not None
            if row["deleted"]:
                burial = Burial(product_id, number, None if row["version"] < 0 else int(row["version"]), rows.position_of(row))
                if superseded or not _is_memorable(burial):
                    self._retired.tombstones.append(number)
                if not superseded:
                    buried.add(product_id)
                    if _is_memorable(burial):
                        burials.append(burial)
                continue
            if superseded:
                self._retired.products.append(number)
                continue
            files_of = tuple(str(row["pictures"]).split())
            entry = Entry(product_id, number, int(row["version"]), int(row["base"]), int(row["rows"]), files_of, rows.position_of(row))
            start, stop = np.searchsorted(image_ids, (entry.base, entry.base + entry.rows))
            wanted[start:stop] = True
            files |= {*entry.files}
            if stop - start == entry.rows:
                self._directory.set(entry)
            else:
                _log.error("product without all of its vectors left out; put it again", product_id=product_id, rows=int(stop - start))
        for burial in reversed(burials):  # the oldest first
            self._directory.bury(burial)
        self._look_up()
        self._retired.images = [int(number) for number in image_ids[~wanted]]
        leftovers = len(self._retired)
        self.flush()
        swept = self._pictures.sweep(files)
        _log.info(
            "catalogue open", products=len(self._directory), images=self._directory.images, rows_removed=leftovers, files_removed=swept
        )

    def _look_up(self) -> None:
        """Make every product known to the lookup."""
        everything = self._directory.after("", len(self._directory))
        for start in range(0, len(everything), _LOOKED_UP):
            entries = everything[start : start + _LOOKED_UP]
            documents = self._nearby.documents.of(entry.number for entry in entries)
            self._lookup.add((entry.number, entry.base, documents[entry.number]) for entry in entries)

    def _image_ids(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        ids: list[int] = []
        self._milvus.scan(self._images, ["id"], lambda batch: ids.extend(row["id"] for row in batch))
        return np.sort(np.array(ids, dtype=np.int64))

    def _product_rows(self) -> list[Row]:
        found: list[Row] = []

        def visit(batch: list[Row]) -> None:
            for row in batch:
                self._nearby.documents.add(int(row["id"]), row.pop("document"))
                found.append(row)

        self._milvus.scan(schema.PRODUCTS, _SCANNED, visit)
        return found

    def _retire(self, entry: Entry | None, base: int | None) -> None:
        if entry is None:
            return
        self._retired.products.append(entry.number)
        if entry.base != base:
            self._retired.images += entry.image_ids()
        self._drop_unused(entry.files)

    def _drop_unused(self, files: Iterable[str]) -> None:
        for file in files:
            if not self._directory.uses(file):
                self._pictures.drop(file)

    def _tidy(self) -> None:
        oldest = self._directory.oldest_burial()
        while oldest is not None and not _is_memorable(oldest):
            self._forget(oldest.product_id)
            oldest = self._directory.oldest_burial()
        if len(self._retired) < RETIRE_ROWS:
            return
        try:
            self.flush()
        except ShoplensError as error:
            # The write itself stands; what could not be removed stays hidden and is tried again.
            _log.warning("retired rows remain for now", rows=len(self._retired), error=str(error))


def _product_row(number: int, change: Change | Removal) -> Row:
    if isinstance(change, Change):
        return rows.product_row(number, change.document, change.text, change.base, change.position)
    return rows.tombstone_row(number, change.product_id, change.version, change.position)


def _is_memorable(burial: Burial) -> bool:
    """Whether something may still come that the burial keeps out; a row's id is the time at which it was taken."""
    young = burial.number > time.time_ns() - REMEMBERED_S * 10**9
    return young and (burial.version is not None or burial.position is not None)
