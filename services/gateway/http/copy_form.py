"""The multipart form of a search for copies."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from services.gateway.http import search_form
from services.gateway.http.refusals import InvalidField, UnsupportedMedia
from shoplens.domain import CopyOrder
from shoplens.errors import InvalidArgument

FIELDS = ("image", "url", "sort", "top_k")


@dataclass(frozen=True, slots=True)
class CopyForm:
    """A search for copies as it was asked for; exactly one of ``image`` and ``url``."""

    image: bytes | None
    url: str | None
    order: CopyOrder
    top_k: int


async def read(request: Request, max_picture_bytes: int) -> CopyForm:
    """Read the form. Raises ``InvalidField``, ``InvalidArgument``, ``UnsupportedMedia`` and ``BodyTooLarge``."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in search_form.FORMS:
        raise UnsupportedMedia("Send a form (multipart/form-data) with one of image and url.")
    async with request.form(max_files=1, max_fields=10, max_part_size=search_form.FIELD_BYTES) as form:
        fields = search_form.texts(form, FIELDS)
        image = await search_form.picture(form, max_picture_bytes)
    if (image is None) == ("url" not in fields):
        found = "none of them" if image is None else "image and url"
        raise InvalidArgument(f"Send exactly one of image (a file) and url; there is {found}.")
    return CopyForm(
        image=image,
        url=search_form.address(fields["url"]) if "url" in fields else None,
        order=_order(fields["sort"]) if "sort" in fields else CopyOrder.BEST,
        top_k=search_form.top_k(fields["top_k"]) if "top_k" in fields else 20,
    )


def _order(text: str) -> CopyOrder:
    if text not in set(CopyOrder):
        raise InvalidField("sort", f"there is no such order; use {', '.join(CopyOrder)}.")
    return CopyOrder(text)
