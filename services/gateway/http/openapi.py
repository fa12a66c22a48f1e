"""The OpenAPI document: what a shop's developer reads first."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from services.gateway.http.feedback_schemas import FeedbackIn
from services.gateway.http.problems import Problem
from services.gateway.http.product_schemas import EventLine, ImportLineOut, PatchIn, ProductIn, ProductLine

ABOUT: dict[str, Any] = {
    "title": "shoplens",
    "version": "1",
    "summary": "Visual product search for shops: a photo in, the shop's products out.",
    "description": """
Put your products with their pictures, then search with a shopper's photo:

```sh
curl -X PUT localhost:8080/v1/products/SKU-1042 -H 'Content-Type: application/json' \\
     -d '{"title": "Linen shirt", "images": [{"uri": "https://shop.example/img/1042.jpg"}]}'
curl -F image=@photo.jpg localhost:8080/v1/search
```

**Boxes** are `[x0, y0, x1, y1]`, relative to the upright picture, 0..1 from the top left.
**Ids** are your own, 1 to 256 bytes of text without control characters; in an address they are percent-encoded.
**Errors** are `application/problem+json` (RFC 9457): build on `type`, show `detail`, keep `request_id` for support.
**Requests** may carry an `X-Request-Id`; every answer does.
""".strip(),
    "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "openapi_tags": [
        {"name": "search", "description": "A photo in, products out."},
        {"name": "copies", "description": "A picture in, its edited copies in the catalogue out."},
        {"name": "products", "description": "The catalogue: put, change, read, delete, import."},
        {"name": "operations", "description": "Alive, ready, measured."},
    ],
}

_BESIDE: tuple[type[BaseModel], ...] = (Problem, ProductIn, PatchIn, ProductLine, EventLine, ImportLineOut, FeedbackIn)
"""Schemas that no route's signature mentions."""


def install(app: FastAPI) -> None:
    """Complete the document that FastAPI makes; it is made once, when it is first asked for."""
    plain = app.openapi

    def document() -> dict[str, Any]:
        return app.openapi_schema or _completed(plain())

    app.openapi = document  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """With the schemas that no signature mentions, and without FastAPI's own 422, which is never answered here."""
    schemas = document["components"]["schemas"]
    for model in _BESIDE:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return document
