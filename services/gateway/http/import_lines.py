"""The lines of a bulk import: which became drafts, which were refused, and in which order they are answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import IO

from services.gateway.http.product_schemas import ImportLineOut
from shoplens.domain import ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.products import named_product, parse_product, read_json


class Lines:
    """Reads lines ahead as far as the ingest asks, and remembers what it owes an answer to.

    A draft is owed its outcome, a refused line its reason; both in the order of the lines.
    """

    def __init__(self, upload: IO[bytes]) -> None:
        self._upload = upload
        self._owed: deque[int | ImportLineOut] = deque()
        self.number = 0

    def drafts(self) -> Iterator[ProductDraft]:
        """The good lines as drafts."""
        for number, line in enumerate(self._upload, start=1):
            self.number = number
            if not line.strip():
                continue
            try:
                draft = parsed(line)
            except InvalidLine as error:
                self._owed.append(ImportLineOut(line=number, product_id=error.product_id, ok=False, error=f"Line {number}: {error}"))
                continue
            self._owed.append(number)
            yield draft

    def refused_before_next(self) -> Iterator[ImportLineOut]:
        """The refused lines that come before the next draft's outcome."""
        while self._owed and isinstance(self._owed[0], ImportLineOut):
            refused = self._owed.popleft()
            assert isinstance(refused, ImportLineOut)
            yield refused

    def answered(self) -> int:
        """The line number of the draft whose outcome is next."""
        number = self._owed.popleft()
        assert isinstance(number, int)
        return number


class InvalidLine(InvalidArgument):
    """A line that is no product; ``product_id`` as far as it could be read."""

    def __init__(self, product_id: str, message: str) -> None:
        super().__init__(message)
        self.product_id = product_id


def parsed(line: bytes) -> ProductDraft:
    """A line as a draft. Raises ``InvalidLine``."""
    try:
        return parse_product(None, read_json(line))
    except InvalidArgument as error:
        raise InvalidLine(named_product(line), error.message) from error
