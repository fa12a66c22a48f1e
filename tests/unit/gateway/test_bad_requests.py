"""What a client may get wrong: each time a problem that says what to do, never a 500, and nothing lost."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from PIL import Image

from shoplens.errors import Unavailable
from tests.unit.gateway.shop import Shop, picture

JPEG = picture()


def photo(content: bytes = JPEG, name: str = "photo.jpg") -> dict[str, Any]:
    return {"image": (name, content, "application/octet-stream")}


def problem(answer: Response, status: int, kind: str, field: str | None = None) -> dict[str, Any]:
    """The problem, after checking its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert set(found) - {"field"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert (found["type"], found["status"], found.get("field")) == (f"/problems/{kind}", status, field)
    assert found["request_id"] == answer.headers["x-request-id"]
    assert found["detail"]
    assert "Traceback" not in answer.text
    return found


def huge_png(side: int) -> bytes:
    """A PNG that says it has ``side`` × ``side`` pixels, in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b"this is no picture", 400, "unreadable-picture"),
        (b"", 400, "unreadable-picture"),
        (picture(400, 400)[:900], 400, "unreadable-picture"),
        (huge_png(30_000), 413, "picture-too-large"),
    ],
    ids=["text", "empty", "truncated", "30000x30000"],
)
def test_a_picture_that_cannot_be_read(client: TestClient, content: bytes, status: int, kind: str) -> None:
    problem(client.post("/v1/search", files=photo(content)), status, kind)


def animated() -> bytes:
    encoded = BytesIO()
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(encoded, "GIF", save_all=True, append_images=frames[1:])
    return encoded.getvalue()


def rotated() -> bytes:
    encoded, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40), "red").save(encoded, "JPEG", exif=exif)
    return encoded.getvalue()


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (picture(mode="CMYK", colour=(0, 200, 200, 0)), (60, 80)),
        (picture(mode="I;16", colour=(40_000,), kind="PNG"), (60, 80)),
        (picture(mode="RGBA", colour=(9, 9, 9, 0), kind="PNG"), (60, 80)),
        (picture(1, 1), (1, 1)),
        (animated(), (40, 40)),
        (rotated(), (40, 80)),
    ],
    ids=["cmyk", "16-bit", "transparent", "1x1", "animated", "exif-rotated"],
)
def test_an_unusual_picture_is_searched_for(client: TestClient, shop: Shop, content: bytes, size: tuple[int, int]) -> None:
    assert client.post("/v1/search", files=photo(content)).status_code == 200
    seen = shop.queries[0].picture
    assert seen is not None
    assert (seen.width, seen.height) == size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("box", "[0.5, 0.5, 1.5, 1.5]"),
        ("box", "[-0.1, 0, 0.5, 0.5]"),
        ("box", "[0.5, 0.5, 0.5, 0.9]"),
        ("box", "[0.9, 0.1, 0.1, 0.9]"),
        ("box", "[NaN, 0, 1, 1]"),
        ("box", "[0, 0, 1e999, 1]"),
        ("box", "[0, 0, 1]"),
        ("box", "[0, 0, true, 1]"),
        ("box", '{"x0": 0}'),
        ("box", "0,0,1,1"),
        ("box", "[" * 5000),
        ("top_k", "-1"),
        ("top_k", "0"),
        ("top_k", "201"),
        ("top_k", str(10**9)),
        ("top_k", "9" * 10_000),
        ("top_k", "ten"),
        ("top_k", "1.5"),
        ("top_k", "²"),
        ("region_score", "nan"),
        ("region_score", "inf"),
        ("region_score", "-0.1"),
        ("region_score", "1.01"),
        ("weights", "[1]"),
        ("weights", '{"colour": -1}'),
        ("weights", '{"colour": NaN}'),
        ("weights", '{"colour": 1e999}'),
        ("weights", '{"colour": "2"}'),
        ("weights", '{"magic": 1}'),
        ("weights", "{"),
        ("explain", "perhaps"),
        ("size", "large"),
        ("filter", "price <"),
        ("filter", "red"),
        ("text", "x" * 501),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, shop: Shop, name: str, value: str) -> None:
    found = problem(client.post("/v1/search", files=photo(), data={name: value}), 400, "invalid-field", name)
    assert found["detail"].startswith(f"{name}: ")
    assert not shop.queries


def test_an_error_in_a_filter_points_at_the_column(client: TestClient) -> None:
    found = problem(client.post("/v1/search", files=photo(), data={"filter": "price < cheap"}), 400, "invalid-field", "filter")
    assert found["detail"] == "filter: column 9: price is compared with a number, not with cheap."


def test_an_unknown_category_lists_those_there_are(client: TestClient) -> None:
    found = problem(client.post("/v1/search", files=photo(), data={"category": "spaceship"}), 400, "unknown-category")
    assert "t-shirt" in found["detail"]


def test_none_and_two_sources(client: TestClient) -> None:
    problem(client.post("/v1/search", data={"top_k": "3"}), 400, "invalid-argument")
    problem(client.post("/v1/search", files=photo(), data={"product_id": "a-1"}), 400, "invalid-argument")
    problem(client.post("/v1/search", data={"product_id": "a-1", "box": "[0,0,1,1]"}), 400, "invalid-field", "box")
    problem(client.post("/v1/search", data={"product_id": "nobody"}), 404, "not-found")


@pytest.mark.parametrize("address", ["http://private/a.jpg", "file:///etc/passwd", "ftp://host/a.jpg", "//host/a.jpg"])
def test_an_address_that_may_not_be_fetched(client: TestClient, address: str) -> None:
    problem(client.post("/v1/search", data={"url": address}), 400, "forbidden-address")


def test_a_body_that_is_no_form(client: TestClient) -> None:
    problem(client.post("/v1/search", json={"top_k": 3}), 415, "unsupported-media-type")
    broken = client.post("/v1/search", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"})
    assert broken.status_code == 400
    missing = client.post("/v1/search", content=b"abc", headers={"content-type": "multipart/form-data"})
    problem(missing, 400, "invalid-argument")


def test_fifty_megabytes_are_refused(client: TestClient, shop: Shop) -> None:
    problem(client.post("/v1/search", files=photo(bytes(50_000_000))), 413, "body-too-large")
    assert not shop.queries


def test_an_upload_of_no_declared_length_is_cut_at_the_limit(connect: Callable[..., TestClient]) -> None:
    client = connect(max_picture_bytes=1_000_000)

    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        for _ in range(50):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    answer = client.post("/v1/search", content=form(), headers={"content-type": "multipart/form-data; boundary=x"})
    problem(answer, 413, "body-too-large")


def test_a_picture_over_its_own_limit_is_refused(connect: Callable[..., TestClient]) -> None:
    client = connect(max_picture_bytes=1_000)
    problem(client.post("/v1/search", files=photo(bytes(2_000))), 413, "body-too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "no-such-address"),
        ("GET", "/v1/feedback", 405, "method-not-allowed"),
        ("GET", "/v1/search", 405, "method-not-allowed"),
        ("DELETE", "/v1/products", 405, "method-not-allowed"),
        ("GET", "/v1/products/", 404, "no-such-address"),
        ("GET", "/v1/products/a/b", 404, "no-such-address"),
        ("GET", "/assets/../../app.py", 404, "no-such-address"),
        ("GET", "/assets/%2e%2e%2f%2e%2e%2fapp.py", 404, "no-such-address"),
        ("GET", "/problems/none-such", 404, "no-such-address"),
        ("GET", "/redoc", 404, "no-such-address"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(client: TestClient, method: str, path: str, status: int, kind: str) -> None:
    answer = client.request(method, path)
    problem(answer, status, kind)
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(("query", "field"), [("page_size=0", "page_size"), ("page_size=501", "page_size"), ("page_size=x", "page_size")])
def test_a_wrong_query_parameter_is_named(client: TestClient, query: str, field: str) -> None:
    problem(client.get(f"/v1/products?{query}"), 400, "invalid-field", field)
    problem(client.get("/v1/products/a-1/similar?top_k=-1"), 400, "invalid-field", "top_k")
    problem(client.get("/v1/products/a-1/images/front?width=161"), 400, "invalid-field", "width")


def test_an_unexpected_failure_says_nothing_of_its_cause(client: TestClient, shop: Shop) -> None:
    shop.failure = RuntimeError("the password is hunter2")
    found = problem(client.post("/v1/search", files=photo()), 500, "internal")
    assert "hunter2" not in json.dumps(found)


def test_a_dependency_that_is_away_is_503_with_when_to_come_back(client: TestClient, shop: Shop) -> None:
    shop.failure = Unavailable("The catalogue is away; try again.")
    answer = client.post("/v1/search", files=photo())
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    shop.failure = None
    assert client.post("/v1/search", files=photo()).status_code == 200
