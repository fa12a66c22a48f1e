"""NDJSON: a product a line, as ``PUT /v1/products/{id}`` takes it, with its ``product_id``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from services.standalone.feeds.rows import Row, bad_row, row
from services.standalone.feeds.texts import encoding_of


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
                yield bad_row(number, f"The line is not JSON ({reason}); write one product a line.")
                continue
            if isinstance(document, dict):
                yield row(number, document)
            else:
                yield bad_row(number, "The line is JSON, but not an object; write one product a line.")
