"""Parquet: a product a row, its columns called as the fields of ``PUT /v1/products/{id}``; ``images`` is a list of structs.

A picture's ``content`` may be binary. It needs the extra ``batch``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from services.standalone.feeds.rows import Row, row
from shoplens.extras import the_extra

MAGIC: Final = b"PAR1"
_ROWS: Final = 256


def read(path: Path) -> Iterator[Row]:
    """Raises ``FailedPrecondition`` without Arrow, ``OSError`` where the file is damaged."""
    with the_extra("batch"):
        from pyarrow import ArrowException, parquet
    try:
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=_ROWS):
            for record in batch.to_pylist():
                number += 1
                yield row(number, _document(record))
    except ArrowException as error:
        raise OSError(0, f"no whole Parquet file: {error}") from error


def _document(value: Any) -> Any:
    """What JSON would hold: nothing where nothing is set, base64 for bytes, ISO 8601 for moments."""
    match value:
        case dict():
            return {name: _document(each) for name, each in value.items() if each is not None}
        case list():
            if value and all(isinstance(each, tuple) and len(each) == 2 for each in value):  # Arrow's maps
                return {name: _document(each) for name, each in value if each is not None}
            return [_document(each) for each in value]
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime():
            return value.isoformat()
    return value
