"""The cache of anything, in memory; those of bytes are held to their contract in tests/contract."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from shoplens.caches import MemoryCache


def test_the_values_used_last_stay() -> None:
    cache: MemoryCache[str, int] = MemoryCache("test", most=2, kept_s=60.0)
    cache.set("a", 1)
    cache.set("b", 2)
    assert cache.get("a") == 1
    cache.set("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_a_value_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("shoplens.caches.time.monotonic", lambda: now[0])
    cache: MemoryCache[str, int] = MemoryCache("test", most=2, kept_s=60.0)
    cache.set("a", 1)
    now[0] += 59.0
    assert cache.get("a") == 1
    now[0] += 2.0
    assert cache.get("a") is None


def test_what_has_run_out_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("shoplens.caches.time.monotonic", lambda: now[0])
    cache: MemoryCache[int, int] = MemoryCache("test", most=1_000, kept_s=60.0)
    for second in range(500):
        cache.set(second, second)
        now[0] += 1.0
    assert len(cache._kept) == 60
    assert cache.get(499) == 499


def test_what_is_not_known_is_computed_once() -> None:
    cache: MemoryCache[str, int] = MemoryCache("test", most=2, kept_s=60.0)
    assert cache.get_or("a", lambda: 1) == 1
    assert cache.get_or("a", lambda: 2) == 1


def test_what_cannot_be_computed_is_not_kept() -> None:
    cache: MemoryCache[str, int] = MemoryCache("test", most=2, kept_s=60.0)
    with pytest.raises(ZeroDivisionError):
        cache.get_or("a", lambda: 1 // 0)
    assert cache.get_or("a", lambda: 2) == 2


def test_its_hit_rate_is_told() -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("shoplens_cache_requests_total", {"cache": "counted", "outcome": outcome}) or 0.0

    cache: MemoryCache[str, int] = MemoryCache("counted", most=2, kept_s=60.0)
    cache.get("a")
    cache.set("a", 1)
    cache.get("a")
    cache.get("a")
    assert (counted("hit"), counted("miss")) == (2.0, 1.0)
