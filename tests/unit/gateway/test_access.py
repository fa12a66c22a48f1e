"""API keys: who may do what, how often, and what a refusal says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services.gateway.http import keys as keys_module
from services.gateway.http.access import Allowances, needed
from services.gateway.http.keys import KeyFile, KeyRing, Role
from shoplens.errors import FailedPrecondition, InvalidArgument, NotFound
from tests.unit.gateway.shop import Shop, picture

Connect = Callable[..., TestClient]


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def photo() -> dict[str, bytes]:
    return {"image": picture()}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_without_keys_everything_is_open(connect: Connect, tmp_path: Path) -> None:
    client = connect(keys=tmp_path / "keys.json")
    assert client.post("/v1/search", files=photo()).status_code == 200
    assert client.delete("/v1/products/a-1").status_code in (200, 204)
    assert client.get("/metrics").status_code == 200


def test_with_keys_searching_stays_open_and_writing_takes_one(connect: Connect, shop: Shop, file: KeyFile, tmp_path: Path) -> None:
    writes = file.add("feed", Role.WRITE)
    client = connect(keys=tmp_path / "keys.json")
    assert client.post("/v1/search", files=photo()).status_code == 200
    for path in ("/", "/healthz", "/readyz", "/v1/products", "/v1/products/a-1", "/v1/categories"):
        assert client.get(path).status_code == 200, path
    refused = client.delete("/v1/products/a-1")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/problems/unauthenticated"
    assert "a-1" in shop.products
    assert client.delete("/v1/products/a-1", headers=bearer(writes)).status_code in (200, 204)
    assert client.delete("/v1/products/b-2", headers={"X-API-Key": writes}).status_code in (200, 204)


def test_with_the_last_key_gone_the_door_stays_shut(connect: Connect, file: KeyFile, tmp_path: Path) -> None:
    file.add("feed", Role.WRITE)
    file.remove("feed")
    client = connect(keys=tmp_path / "keys.json")
    assert client.delete("/v1/products/a-1").status_code == 401
    assert client.post("/v1/search", files=photo()).status_code == 200


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(Role.SEARCH, {"search"}), (Role.WRITE, {"search", "write"}), (Role.ADMIN, {"search", "write", "metrics"})],
)
def test_a_role_may_do_what_those_before_it_may(connect: Connect, file: KeyFile, tmp_path: Path, role: Role, allowed: set[str]) -> None:
    secret = file.add("somebody", role)
    client = connect(keys=tmp_path / "keys.json", search_needs_key=True)
    answers = {
        "search": client.post("/v1/search", files=photo(), headers=bearer(secret)),
        "write": client.patch("/v1/products/a-1", json={"in_stock": False}, headers=bearer(secret)),
        "metrics": client.get("/metrics", headers=bearer(secret)),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 200} == allowed
    for name, answer in answers.items():
        if name not in allowed:
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert client.post("/v1/search", files=photo()).status_code == 401


@pytest.mark.parametrize("header", [{"Authorization": "Bearer wrong"}, {"X-API-Key": "sl_" + "x" * 43}, {"Authorization": "Bearer \udcff"}])
def test_a_key_that_is_not_known_is_refused_even_where_none_is_needed(
    connect: Connect, file: KeyFile, tmp_path: Path, header: dict[str, str]
) -> None:
    file.add("feed", Role.WRITE)
    client = connect(keys=tmp_path / "keys.json")
    encoded = {name: value.encode("utf-8", "surrogateescape") for name, value in header.items()}
    assert client.post("/v1/search", files=photo(), headers=encoded).status_code == 401


def test_a_key_has_so_many_requests_a_minute_and_is_told_when_to_come_again(connect: Connect, file: KeyFile, tmp_path: Path) -> None:
    secret = file.add("eager", Role.SEARCH, per_minute=2)
    client = connect(keys=tmp_path / "keys.json")
    found = [client.post("/v1/search", files=photo(), headers=bearer(secret)) for _ in range(3)]
    assert [each.status_code for each in found] == [200, 200, 429]
    assert 1 <= int(found[2].headers["Retry-After"]) <= 30
    assert client.post("/v1/search", files=photo()).status_code == 200


def test_an_address_without_a_key_has_so_many_searches_too(connect: Connect) -> None:
    client = connect(public_per_minute=1)
    assert [client.post("/v1/search", files=photo()).status_code for _ in range(2)] == [200, 429]
    assert client.get("/v1/products").status_code == 200


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("services.gateway.http.access.time.monotonic", lambda: clock[0])
    allowances = Allowances()
    assert [allowances.take("one", 60) for _ in range(60)] == [0.0] * 60
    assert allowances.take("one", 60) == pytest.approx(1.0)
    assert allowances.take("other", 60) == 0.0
    clock[0] = 1.0
    assert allowances.take("one", 60) == 0.0
    assert allowances.take("one", 60) > 0.0


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/", None),
        ("GET", "/assets/js/main.js", None),
        ("GET", "/v1/products/a/images/1", None),
        ("GET", "/v1/products/a/similar", Role.SEARCH),
        ("POST", "/v1/feedback", Role.SEARCH),
        ("POST", "/v1/products:import", Role.WRITE),
        ("POST", "/v1/events", Role.WRITE),
        ("POST", "/v1/whatever-comes", Role.WRITE),
        ("PUT", "/v1/products/a", Role.WRITE),
        ("GET", "/metrics", Role.ADMIN),
    ],
)
def test_what_each_request_takes(method: str, path: str, role: Role | None) -> None:
    assert needed(method, path) is role


def test_keys_are_followed_while_they_change(tmp_path: Path, file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "LOOK_EVERY_S", 0.0)
    ring = KeyRing(tmp_path / "keys.json")
    assert not ring.guards
    secret = file.add("feed", Role.WRITE)
    found = ring.find(secret)
    assert found is not None
    assert (found.name, found.role) == ("feed", Role.WRITE)
    (tmp_path / "keys.json").write_text("spoilt")
    assert ring.find(secret) is not None
    (tmp_path / "keys.json").unlink()
    file.add("other", Role.ADMIN)
    assert ring.find(secret) is None
    file.remove("other")
    assert ring.guards


def test_only_hashes_are_kept(tmp_path: Path, file: KeyFile) -> None:
    secret = file.add("feed", Role.WRITE)
    assert secret not in (tmp_path / "keys.json").read_text()
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidArgument, match="feed"):
        file.add("feed", Role.ADMIN)
    file.remove("feed")
    with pytest.raises(NotFound, match="feed"):
        file.remove("feed")
    assert file.read() == {}


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"a": {"sha256": "x", "role": "king"}}), json.dumps({"a": "b"})])
def test_a_file_that_is_none_of_ours_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(FailedPrecondition, match=r"keys\.json"):
        KeyRing(tmp_path / "keys.json")
