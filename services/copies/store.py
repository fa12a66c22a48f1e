"""The signatures on disk: one SQLite file, written ahead, one row a picture.

Pictures are keyed by what they are (SHA-256) and by the signature's version: the same picture is signed once, however many
products show it, and a new model's signatures are made beside the old.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from services.copies.fingerprint import Codes
from services.copies.signature import Outline, Signature, pack_keypoints, unpack_keypoints
from shoplens.errors import FailedPrecondition, Unavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS signatures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    version TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    codes BLOB NOT NULL,
    keypoints BLOB NOT NULL,
    thumbnail BLOB NOT NULL,
    linked INTEGER NOT NULL DEFAULT 0,
    UNIQUE (version, content_hash)
);
CREATE INDEX IF NOT EXISTS unlinked ON signatures (version, number) WHERE linked = 0;
CREATE TABLE IF NOT EXISTS links (
    version TEXT NOT NULL,
    one BLOB NOT NULL,
    other BLOB NOT NULL,
    PRIMARY KEY (version, one, other)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS linked_to ON links (version, other);
CREATE TABLE IF NOT EXISTS identity (name TEXT NOT NULL);
"""
_COLUMNS = "content_hash, width, height, fingerprint, codes, keypoints, thumbnail"
_PAGE_BYTES = 32_768
"""Of a new file. A signature of 25 KB lies on one page or two: on pages of the usual 4 KB it lies on seven, one found by the other."""
_MOST_AT_ONCE = 500
_BUSY_S = 10.0


def row_of(version: str, signature: Signature) -> tuple[str | bytes | int, ...]:
    """A signature as its row of the table, from ``version`` to ``thumbnail``."""
    return (
        version,
        bytes.fromhex(signature.content_hash),
        signature.width,
        signature.height,
        signature.fingerprint.tobytes(),
        signature.codes.tobytes(),
        pack_keypoints(signature.keypoints),
        signature.thumbnail,
    )


class SignatureStore:
    """Safe to use from many threads; one writer at a time."""

    def __init__(self, path: Path, version: str) -> None:
        """Open or create the file. Raises ``FailedPrecondition`` where it is no such file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._version = path, version
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_S, isolation_level=None)
            self._connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
            self._connection.execute("INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)", (uuid.uuid4().hex,))
            self.identity = str(self._connection.execute("SELECT name FROM identity").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise FailedPrecondition(f"{path} is not a store of copy signatures ({error}); move it away, and it is made anew.") from error

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def sealed(self) -> tuple[Path, int] | None:
        """The newest file of sealed words that belongs to these signatures, with the number up to which it holds them."""
        last = self.last()
        found = [(path, number) for path, number in self._all_sealed() if number <= last]
        return max(found, key=lambda one: one[1], default=None)

    def to_seal(self) -> Path:
        """Where the words of all signatures so far are to be sealed."""
        return self._path.with_name(f"{self._sealed_prefix()}{self.last()}.words")

    def drop_sealed(self, *, but: Path) -> None:
        """Remove the sealed files that ``but`` stands for."""
        for path, _ in self._all_sealed():
            if path != but:
                path.unlink(missing_ok=True)

    def _all_sealed(self) -> list[tuple[Path, int]]:
        prefix = self._sealed_prefix()
        paths = self._path.parent.glob(f"{prefix}*.words")
        return [(path, int(number)) for path in paths if (number := path.stem.removeprefix(prefix)).isdigit()]

    def _sealed_prefix(self) -> str:
        # A store that was put back from a backup counts on from an older number: the name of its life keeps files of another out.
        return f"{self._path.stem}-{self.identity}-{self._version}-"

    def add(self, signature: Signature) -> int | None:
        """Keep a signature durably; its number, or None where the picture is known already. Raises ``Unavailable``."""
        with self._using() as database:
            row = database.execute(
                "INSERT OR IGNORE INTO signatures (version, content_hash, width, height, fingerprint, codes, keypoints, thumbnail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
                row_of(self._version, signature),
            ).fetchone()
        return None if row is None else int(row[0])

    def signatures(self, *, after: int = 0) -> Iterator[tuple[int, Signature]]:
        """Every signature with its number, in the order they came, those above ``after``; hundreds at a time are in memory, never all."""
        for row in self._in_order(_COLUMNS, after):
            yield int(row[0]), _signature(row[1:])

    def outlines(self, *, up_to: int) -> Iterator[tuple[int, Outline]]:
        """What is searched as a whole of the signatures up to a number: a hundredth of them all, and read as quickly."""
        for row in self._in_order("fingerprint, codes", 0):
            if row[0] > up_to:
                return
            yield int(row[0]), Outline(_codes(row[1]), _codes(row[2]))

    def _in_order(self, columns: str, after: int) -> Iterator[Any]:
        while True:
            with self._using() as database:
                rows = database.execute(
                    f"SELECT number, {columns} FROM signatures WHERE version = ? AND number > ? ORDER BY number LIMIT ?",  # noqa: S608
                    (self._version, after, _MOST_AT_ONCE),
                ).fetchall()
            if not rows:
                return
            after = int(rows[-1][0])
            yield from rows

    def last(self) -> int:
        """The highest number ever given to a signature; 0 where there was none."""
        with self._using() as database:
            row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'signatures'").fetchone()
        return 0 if row is None else int(row[0])

    def names(self, *, after: str = "", limit: int = _MOST_AT_ONCE) -> Sequence[str]:
        """The content hashes of what is kept, in their own order, those above ``after``; ``limit`` of them at most."""
        with self._using() as database:
            rows = database.execute(
                "SELECT content_hash FROM signatures WHERE version = ? AND content_hash > ? ORDER BY content_hash LIMIT ?",
                (self._version, bytes.fromhex(after), limit),
            ).fetchall()
        return [row[0].hex() for row in rows]

    def remove(self, content_hashes: Iterable[str]) -> Sequence[int]:
        """Keep these no more, nor their links; the numbers that they had. Unknown ones are left out."""
        numbers: list[int] = []
        with self._using() as database, _whole(database):
            for name in map(bytes.fromhex, content_hashes):
                key = (self._version, name)
                rows = database.execute("DELETE FROM signatures WHERE version = ? AND content_hash = ? RETURNING number", key).fetchall()
                numbers += [int(row[0]) for row in rows]
                database.execute("DELETE FROM links WHERE version = ? AND one = ?", key)
                database.execute("DELETE FROM links WHERE version = ? AND other = ?", key)
        return numbers

    def numbered(self, numbers: Iterable[int]) -> Mapping[int, Signature]:
        """Signatures by number; unknown ones are left out."""
        return {int(row[0]): _signature(row[1:]) for row in self._rows("number", list(numbers))}

    def known(self, content_hashes: Iterable[str]) -> set[str]:
        """Those of the pictures that are kept."""
        names = [bytes.fromhex(name) for name in content_hashes]
        return {row[0].hex() for row in self._rows("content_hash", names, columns="content_hash")}

    def read(self, content_hashes: Iterable[str]) -> Mapping[str, Signature]:
        """Whole signatures by content hash; unknown ones are left out."""
        names = [bytes.fromhex(name) for name in content_hashes]
        signatures = (_signature(row[1:]) for row in self._rows("content_hash", names))
        return {signature.content_hash: signature for signature in signatures}

    def _rows(self, key: str, values: Sequence[bytes | int], *, columns: str | None = None) -> list[Any]:
        wanted = list(dict.fromkeys(values))
        rows: list[Any] = []
        for start in range(0, len(wanted), _MOST_AT_ONCE):
            some = wanted[start : start + _MOST_AT_ONCE]
            names, marks = columns or f"number, {_COLUMNS}", ", ".join("?" * len(some))
            question = f"SELECT {names} FROM signatures WHERE version = ? AND {key} IN ({marks})"  # noqa: S608 - names of our own
            with self._using() as database:
                rows += database.execute(question, (self._version, *some)).fetchall()
        return rows

    def is_linked(self, content_hash: str) -> bool:
        """Whether a picture is known and its copies in the index have been looked for."""
        with self._using() as database:
            row = database.execute(
                "SELECT linked FROM signatures WHERE version = ? AND content_hash = ?", (self._version, bytes.fromhex(content_hash))
            ).fetchone()
        return row is not None and bool(row[0])

    def unlinked(self, limit: int) -> Sequence[str]:
        """Content hashes of pictures whose copies in the index have not been looked for, oldest first."""
        with self._using() as database:
            rows = database.execute(
                "SELECT content_hash FROM signatures WHERE version = ? AND linked = 0 ORDER BY number LIMIT ?", (self._version, limit)
            ).fetchall()
        return [row[0].hex() for row in rows]

    def count_unlinked(self) -> int:
        """Pictures whose copies in the index are still to be looked for."""
        with self._using() as database:
            row = database.execute("SELECT COUNT(*) FROM signatures WHERE version = ? AND linked = 0", (self._version,)).fetchone()
        return int(row[0])

    def link(self, content_hash: str, others: Iterable[str]) -> None:
        """Keep which pictures ``content_hash`` is a copy of, and that they were looked for."""
        one = bytes.fromhex(content_hash)
        with self._using() as database, _whole(database):
            pairs = [(self._version, *sorted((one, bytes.fromhex(other)))) for other in others]
            database.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", pairs)
            database.execute("UPDATE signatures SET linked = 1 WHERE version = ? AND content_hash = ?", (self._version, one))

    def links(self) -> Iterator[tuple[str, str]]:
        """All pairs of pictures that copy each other."""
        with self._using() as database:
            rows = database.execute("SELECT one, other FROM links WHERE version = ?", (self._version,)).fetchall()
        for one, other in rows:
            yield one.hex(), other.hex()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise Unavailable(f"The copy signatures cannot be read or written ({error}); make room or mend the disk.") from error


@contextmanager
def _whole(database: sqlite3.Connection) -> Iterator[None]:
    """All that is done meanwhile is kept, or none of it."""
    database.execute("BEGIN")
    try:
        yield
        database.execute("COMMIT")
    except sqlite3.Error:
        database.execute("ROLLBACK")
        raise


def _codes(content: bytes) -> Codes:
    return np.frombuffer(content, np.uint8).reshape(-1, 32)


def _signature(row: tuple[bytes, int, int, bytes, bytes, bytes, bytes]) -> Signature:
    content_hash, width, height, print_, codes, keypoints, thumbnail = row
    return Signature(
        content_hash=content_hash.hex(),
        width=width,
        height=height,
        fingerprint=_codes(print_),
        codes=_codes(codes),
        keypoints=unpack_keypoints(keypoints),
        thumbnail=thumbnail,
    )
