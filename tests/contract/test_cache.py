"""The caches' contract: in memory, in a file, on a real Valkey, and one before the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shoplens.caches import Layered, RedisCache, SqliteCache
from shoplens.errors import FailedPrecondition
from shoplens.ports import Cache
from shoplens.testing.contracts.cache import CacheContract
from shoplens.testing.fakes import FakeCache
from tools.stack.valkey import Valkey, valkey

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture(params=["fake", "sqlite", "redis", "layered"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cache]:
    if request.param == "fake":
        yield FakeCache()
    elif request.param == "sqlite":
        with SqliteCache(tmp_path / "cache.db") as durable:
            yield durable
    elif request.param == "redis":
        url = request.getfixturevalue("server").url
        with RedisCache(url, prefix=f"test{next(_numbers)}:") as near:
            yield near
    else:
        with SqliteCache(tmp_path / "cache.db") as durable:
            yield Layered(FakeCache(), durable)


class TestCache(CacheContract):
    pass


def test_a_file_keeps_what_it_was_given(tmp_path: Path) -> None:
    with SqliteCache(tmp_path / "deep" / "cache.db") as cache:
        cache.set("a", b"one")
    with SqliteCache(tmp_path / "deep" / "cache.db") as cache:
        assert cache.get("a") == b"one"


def test_a_file_that_is_no_cache_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"something else entirely " * 100)
    with pytest.raises(FailedPrecondition, match="move it away"):
        SqliteCache(tmp_path / "cache.db")


def test_the_near_one_is_filled_by_the_far_one() -> None:
    near, far = FakeCache(), FakeCache()
    far.set("a", b"one")
    assert Layered(near, far).get("a") == b"one"
    assert near.kept == {"a": b"one"}


def test_a_redis_that_is_away_knows_nothing_and_costs_nothing(tmp_path: Path) -> None:
    def away() -> float:
        return REGISTRY.get_sample_value("shoplens_cache_requests_total", {"cache": "redis", "outcome": "away"}) or 0.0

    server = Valkey(tmp_path)
    server.start()
    far = FakeCache()
    with RedisCache(server.url) as near:
        both = Layered(near, far)
        both.set("a", b"one")
        server.stop()
        before = away()
        assert near.get("a") is None
        assert both.get("a") == b"one"
        both.set("b", b"two")
        assert far.get("b") == b"two"
        assert away() >= before + 2


def test_a_wrong_address_is_told() -> None:
    with pytest.raises(FailedPrecondition, match="redis://"):
        RedisCache("nonsense")
