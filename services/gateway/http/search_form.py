"""The multipart form of a search: what it may hold, and how it becomes a ``SearchQuery``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from services.gateway.http.identifiers import checked
from services.gateway.http.refusals import BodyTooLarge, InvalidField, UnsupportedMedia
from shoplens import filters
from shoplens.domain import Box, Filter
from shoplens.errors import ForbiddenAddress, InvalidArgument
from shoplens.taxonomy import taxonomy

MAX_TOP_K = 200
MAX_WEIGHT = 10.0
SOURCES = ("image", "url", "product_id")
PHOTOS = ("image", "url")
OPTIONS = ("box", "category", "text", "filter", "region_score", "top_k", "weights", "explain")
LOOK_OPTIONS = ("text", "filter", "region_score", "top_k", "weights", "explain")
MAX_TEXT = 500
FIELD_BYTES = 16_384
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

_WEIGHTS = ("visual", "category", "colour", "text", "attributes", "business", "variety")
"""What carries a weight: the parts of a score, and how much likes give way to one another."""


@dataclass(frozen=True, slots=True)
class SearchForm:
    """A search as it was asked for; exactly one of ``image``, ``url`` and ``product_id``."""

    image: bytes | None
    url: str | None
    product_id: str | None
    box: Box | None
    category: str | None
    text: str
    only: Filter | None
    region_score: float | None
    top_k: int
    weights: Mapping[str, float]
    explain: bool


async def read(
    request: Request, max_picture_bytes: int, *, sources: Sequence[str] = SOURCES, options: Sequence[str] = OPTIONS
) -> SearchForm:
    """Read the form, which has exactly one of ``sources`` and any of ``options``.

    Raises ``InvalidField``, ``UnsupportedMedia``, ``BodyTooLarge`` and ``UnknownCategory``.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in FORMS:
        raise UnsupportedMedia(f"Send a form (multipart/form-data) with one of {', '.join(sources[:-1])} and {sources[-1]}.")
    async with request.form(max_files=1, max_fields=20, max_part_size=FIELD_BYTES) as form:
        fields = texts(form, (*sources, *options))
        image = await picture(form, max_picture_bytes)
    _one_source(image, fields, sources)
    category = fields.get("category")
    return SearchForm(
        image=image,
        url=address(fields["url"]) if "url" in fields else None,
        product_id=checked("product_id", fields["product_id"]) if "product_id" in fields else None,
        box=_box(fields["box"]) if "box" in fields else None,
        category=taxonomy().node(category) if category is not None else None,
        text=_text(fields.get("text", "")),
        only=_only(fields["filter"]) if "filter" in fields else None,
        region_score=_number("region_score", fields["region_score"], 0.0, 1.0) if "region_score" in fields else None,
        top_k=top_k(fields["top_k"]) if "top_k" in fields else 20,
        weights=_weights(fields["weights"]) if "weights" in fields else {},
        explain=_yes("explain", fields["explain"]) if "explain" in fields else False,
    )


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InvalidField("text", f"write at most {MAX_TEXT} characters.")
    return text


def _only(text: str) -> Filter:
    try:
        return filters.parse(text)
    except InvalidArgument as error:
        raise InvalidField("filter", error.message.removeprefix("filter, ")) from error


def texts(form: FormData, known: Sequence[str]) -> dict[str, str]:
    """The form's texts by name; an empty one counts as left out, as browsers send them. Raises ``InvalidField``.

    known: the fields that a form may have.
    """
    fields: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in form.multi_items():
        if name in seen:
            raise InvalidField(name, "this is there twice; send it once.")
        seen.add(name)
        if name not in known:
            raise InvalidField(name, f"there is no such field; use {', '.join(known)}.")
        if isinstance(value, str):
            if name == "image" and value:
                raise InvalidField("image", "send a file, with a filename in its part; curl: -F image=@photo.jpg.")
            if value.strip():
                fields[name] = value.strip() if name != "product_id" else value
        elif name != "image":
            raise InvalidField(name, "send text, not a file.")
    return fields


async def picture(form: FormData, max_picture_bytes: int) -> bytes | None:
    """The file of the field ``image``; None where there is none. Raises ``BodyTooLarge``."""
    upload = form.get("image")
    if not isinstance(upload, UploadFile) or (not upload.filename and not upload.size):
        return None
    if (upload.size or 0) > max_picture_bytes:
        raise BodyTooLarge(f"The picture has more than {max_picture_bytes:,} bytes; send a smaller one.")
    return await upload.read()


def _one_source(image: bytes | None, fields: Mapping[str, str], sources: Sequence[str]) -> None:
    given = [name for name in sources if name in fields or (name == "image" and image is not None)]
    if len(given) != 1:
        found = " and ".join(given) if given else "none of them"
        raise InvalidArgument(f"Send exactly one of {', '.join(sources[:-1])} and {sources[-1]}; there is {found}.")
    if given == ["product_id"] and "box" in fields:
        raise InvalidField("box", "a box goes with a photo (image or url), not with a product_id.")


def address(text: str) -> str:
    """A picture's address, from outside. Raises ``ForbiddenAddress``."""
    # The fetcher can also read files, for the operator's own imports; a stranger's search must never reach that.
    if not text.lower().startswith(("http://", "https://")):
        raise ForbiddenAddress("url: send the address of a picture that begins with http:// or https://.")
    return text


def _box(text: str) -> Box:
    wanted = "send [x0, y0, x1, y1], relative to the photo, with 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1"
    values = _json("box", text, wanted)
    if not isinstance(values, list) or len(values) != 4 or not all(_is_number(value) for value in values):
        raise InvalidField("box", f"{wanted}.")
    x0, y0, x1, y1 = map(float, values)
    if not (0.0 <= x0 < x1 <= 1.0 and 0.0 <= y0 < y1 <= 1.0):
        raise InvalidField("box", f"this box is outside the photo or empty; {wanted}.")
    return Box(x0, y0, x1, y1)


def _weights(text: str) -> Mapping[str, float]:
    wanted = f'send an object of parts ({", ".join(_WEIGHTS)}) and numbers from 0 to {MAX_WEIGHT:g}, such as {{"colour": 2}}'
    values = _json("weights", text, wanted)
    if not isinstance(values, dict) or not all(_is_number(value) and 0 <= value <= MAX_WEIGHT for value in values.values()):
        raise InvalidField("weights", f"{wanted}.")
    for part in values:
        if part not in _WEIGHTS:
            raise InvalidField("weights", f"there is no part {part!r}; {wanted}.")
    return {part: float(value) for part, value in values.items()}


def top_k(text: str) -> int:
    """How many results to answer with. Raises ``InvalidField``."""
    # Sixteen digits are plenty to be told that it is too many; more would cost time to read.
    if not text.removeprefix("-").isdecimal() or len(text) > 16 or not 1 <= int(text) <= MAX_TOP_K:
        raise InvalidField("top_k", f"send a whole number from 1 to {MAX_TOP_K}.")
    return int(text)


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InvalidField(name, f"send a number from {low:g} to {high:g}.")
    return value


def _yes(name: str, text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise InvalidField(name, "send true or false.")
    return known[text.lower()]


def _json(name: str, text: str, wanted: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise InvalidField(name, f"this is not JSON; {wanted}.") from error


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e6 < value < 1e6
