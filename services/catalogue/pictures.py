"""The bytes of catalogue pictures: one file for each content, however many products show it.

A file is named by the SHA-256 of its content, two levels deep (``ab/cd/abcd…``), and appears whole or not at all: it is
written beside, flushed to disk and renamed.

The folder has one owner at a time, by a ``flock`` on ``.owner``. That keeps a second catalogue process from tidying up
under the first, on a Milvus server too, which knows nothing of owners.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shoplens.errors import FailedPrecondition, NotFound, Unavailable

_HASH_LENGTH = 64
_WRITERS = 8


class PictureFiles:
    """A folder of pictures by content hash (hex SHA-256)."""

    def __init__(self, root: Path) -> None:
        """Own the folder. Raises ``FailedPrecondition`` where another process does."""
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._owner = (root / ".owner").open("a")
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._owner.close()
            raise FailedPrecondition(f"The pictures in {root} belong to another catalogue process; stop that one first.") from None

    def close(self) -> None:
        self._owner.close()

    def keep(self, pictures: Iterable[tuple[str, bytes]]) -> None:
        """Store pictures, each a hash and its content, durably. Raises ``Unavailable`` where the disk refuses.

        Several at once, for what takes the time is waiting for the disk.
        """
        try:
            with ThreadPoolExecutor(_WRITERS) as pool:
                list(pool.map(lambda picture: self._keep(*picture), dict(pictures).items()))
        except OSError as error:
            raise Unavailable(f"The picture could not be stored ({error.strerror}); make room or mend the disk, and try again.") from error

    def _keep(self, content_hash: str, content: bytes) -> None:
        path = self._path(content_hash)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def read(self, content_hash: str) -> bytes:
        """Raises ``NotFound``."""
        try:
            return self._path(content_hash).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"The picture {content_hash} is gone from the catalogue; put its product again.") from None

    def drop(self, content_hash: str) -> None:
        self._path(content_hash).unlink(missing_ok=True)

    def sweep(self, wanted: Container[str]) -> int:
        """Remove every file that is not wanted, and what an interrupted write left; returns how many."""
        removed = 0
        for path in self._root.glob("??/??/*"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)
                removed += 1
        for path in self._root.glob("??/??/.new-*"):
            path.unlink(missing_ok=True)
            removed += 1
        return removed

    def _path(self, content_hash: str) -> Path:
        if len(content_hash) != _HASH_LENGTH or not content_hash.isalnum():
            raise ValueError(f"not a SHA-256 in hex: {content_hash!r}")
        return self._root / content_hash[:2] / content_hash[2:4] / content_hash


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
