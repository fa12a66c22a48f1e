"""What every cache does."""

from __future__ import annotations

from shoplens.ports import Cache


class CacheContract:
    """Asks for the fixture ``cache``, an empty one."""

    def test_what_is_set_is_there_to_the_byte(self, cache: Cache) -> None:
        assert cache.get("a") is None
        cache.set("a", b"\x00\xff one")
        cache.set("b", b"")
        assert (cache.get("a"), cache.get("b")) == (b"\x00\xff one", b"")

    def test_the_last_value_stands(self, cache: Cache) -> None:
        cache.set("a", b"one")
        cache.set("a", b"two")
        assert cache.get("a") == b"two"

    def test_keys_may_be_odd(self, cache: Cache) -> None:
        for key in ("features:1:lite0-1:ab", "ü:名", "a b\n", "x" * 500):
            cache.set(key, key.encode())
        assert cache.get("ü:名") == "ü:名".encode()
        assert cache.get("ü") is None
