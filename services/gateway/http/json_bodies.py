"""JSON bodies: taken whole, within the limit of their route, and read in the thread that works on them."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from services.gateway.http.refusals import UnsupportedMedia


async def received(request: Request) -> bytes:
    """The body. Raises ``UnsupportedMedia`` where it is not said to be JSON, and ``BodyTooLarge``."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != "application/json" and not sent.endswith("+json"):
        raise UnsupportedMedia("Send the body as JSON, with the header Content-Type: application/json.")
    return await request.body()


def documented(schema: str) -> dict[str, Any]:
    """A route's request body in the OpenAPI document, by the name of its schema."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}
