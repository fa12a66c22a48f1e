"""The fields of a search's form, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.gateway.http.search_form import MAX_TEXT, MAX_TOP_K
from shoplens import filters

FIELDS: dict[str, dict[str, Any]] = {
    "image": {
        "type": "string",
        "format": "binary",
        "description": "The photo: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.",
    },
    "url": {
        "type": "string",
        "description": "Where to fetch the photo. Private addresses are refused.",
        "examples": ["https://shop.example/img/look-12.jpg"],
    },
    "product_id": {
        "type": "string",
        "description": "A product of the catalogue to find the like of.",
        "examples": ["SKU-1042"],
    },
    "box": {
        "type": "string",
        "description": "What in the photo is meant: JSON `[x0, y0, x1, y1]`, relative to the upright photo. "
        "Left out, the region that stands out is taken.",
        "examples": ["[0.2, 0.1, 0.8, 0.7]"],
    },
    "category": {
        "type": "string",
        "description": "What it is, where the guess is wrong: a name of /v1/categories, or a common synonym.",
        "examples": ["shirt"],
    },
    "text": {
        "type": "string",
        "maxLength": MAX_TEXT,
        "description": "What the photo does not show: colours and attributes become targets, the rest is matched "
        "by words with titles, brands and descriptions.",
        "examples": ["this, but in red, with long sleeves"],
    },
    "filter": {
        "type": "string",
        "maxLength": filters.MAX_LENGTH,
        "description": "What a product must fulfil: category, brand, price, currency, in_stock, title, product_id or "
        "any attribute by its name, with `= != < <= > >= IN AND OR NOT ( )`. The language is that of AIP-160: OR binds "
        "closer than AND.",
        "examples": ['price < 50 AND in_stock = true AND colour IN (red, "dark blue")'],
    },
    "region_score": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Regions less sure than this are left out; 0 returns all.",
        "examples": [0.5],
    },
    "top_k": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_TOP_K,
        "default": 20,
        "description": "How many results.",
        "examples": [20],
    },
    "weights": {
        "type": "string",
        "description": "How much each part counts: JSON, part → 0..10. Parts left out keep their weight. "
        "`variety` lets likes give way to one another.",
        "examples": ['{"visual": 1, "colour": 2}'],
    },
    "explain": {
        "type": "boolean",
        "default": False,
        "description": "Add an `explanation` to each result.",
        "examples": [True],
    },
}


def documented(names: Sequence[str], description: str) -> dict[str, Any]:
    """A route's form with these fields."""
    schema = {"type": "object", "additionalProperties": False, "properties": {name: FIELDS[name] for name in names}}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}
