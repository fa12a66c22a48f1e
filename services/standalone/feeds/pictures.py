"""Pictures that lie beside the feed are read into the product, so that whoever stores it need not see the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.standalone.feeds.rows import Row
from shoplens.domain import ImageSource
from shoplens.errors import InvalidArgument
from shoplens.images import MAX_BYTES


def with_content(row: Row, folder: Path) -> Row:
    """The row with the bytes of its local pictures in place of their paths, relative to ``folder``; bad where one is missing."""
    if isinstance(row.result, InvalidArgument):
        return row
    try:
        images = tuple(_read(image, folder) for image in row.result.images)
    except (OSError, ValueError) as error:
        return Row(row.line, row.product_id, InvalidArgument(str(error)))
    return replace(row, result=replace(row.result, images=images))


def _read(image: ImageSource, folder: Path) -> ImageSource:
    if image.uri is None or image.uri.lower().startswith(("http://", "https://", "s3://")):
        return image
    name = unquote(urlsplit(image.uri).path) if image.uri.startswith("file:") else image.uri
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"Picture {image.uri!r} lies outside the feed's folder; move it into that.")
    if not path.is_file():
        raise ValueError(f"Picture {image.uri!r} is neither a web address nor a file beside the feed; check its name.")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"Picture {image.uri!r} is larger than {MAX_BYTES:,} bytes; give a smaller one.")
    return replace(image, content=path.read_bytes(), uri=None)
