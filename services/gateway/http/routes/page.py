"""The camera-search page and its files: static, from this server alone."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from services.gateway.http.refusals import NoSuchAddress

WEB = Path(__file__).resolve().parents[2] / "web"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, and nothing inline."""

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
"""``no-cache``: kept, but asked for again each time, which the files' ETags make cheap; a new release shows at once."""

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def index() -> Response:
    return _file(WEB / "index.html")


@router.get("/docs")
async def reference() -> Response:
    return _file(WEB / "reference.html")


@router.get("/favicon.ico")
async def icon() -> Response:
    return _file(WEB / "icons" / "shoplens.svg")


@router.get("/assets/{path:path}")
async def asset(path: str) -> Response:
    found = (WEB / path).resolve()
    if not found.is_relative_to(WEB) or not found.is_file() or found.suffix not in _MEDIA_TYPES:
        raise NoSuchAddress("There is no such file of the page.")
    return _file(found)


def _file(path: Path) -> Response:
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=_HEADERS)
