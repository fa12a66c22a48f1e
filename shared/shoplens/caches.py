"""Caches: bytes by key, near (Redis, shared by all processes) and durable (one SQLite file); and anything, in this process.

A cache never fails its caller: what it cannot say, it does not know. Redis that is away is asked again after ``AGAIN_S``, so
that nobody waits for its time-out at every picture.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import closing
from pathlib import Path
from typing import Final, Generic, Self, TypeVar

import redis
import structlog

from shoplens.errors import FailedPrecondition
from shoplens.metrics import CACHE_REQUESTS
from shoplens.ports import Cache

AGAIN_S: Final = 2.0
ANSWER_S: Final = 0.5
KEPT_S: Final = 30 * 86_400
"""Redis forgets what nobody asked for in a month; the durable cache does not."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_log = structlog.get_logger(__name__)


class MemoryCache(Generic[Key, Value]):
    """The ``most`` values used last, by key, each for ``kept_s`` seconds. Safe to use from many threads.

    name: its label in the metrics. A value may be handed out many times, so it must not be changed.
    """

    def __init__(self, name: str, *, most: int, kept_s: float) -> None:
        self._most = most
        self._kept_s = kept_s
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._lock = threading.Lock()
        self._hits, self._misses = (CACHE_REQUESTS.labels(cache=name, outcome=outcome) for outcome in ("hit", "miss"))

    def get(self, key: Key) -> Value | None:
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            if until > time.monotonic():
                self._kept.move_to_end(key)
            else:
                self._kept.pop(key, None)
                value = None
        (self._misses if value is None else self._hits).inc()
        return value

    def set(self, key: Key, value: Value) -> None:
        now = time.monotonic()
        with self._lock:
            self._kept[key] = (now + self._kept_s, value)
            self._kept.move_to_end(key)
            # What has run out makes room by itself: else the cache would grow to its most, however little of it is of use.
            while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[0] <= now):
                self._kept.popitem(last=False)

    def get_or(self, key: Key, compute: Callable[[], Value]) -> Value:
        """What is kept, or else what ``compute`` gives, kept from now on. Two who ask at once may both compute."""
        value = self.get(key)
        if value is None:
            value = compute()
            self.set(key, value)
        return value


class RedisCache:
    """Implements ``ports.Cache`` on Redis 7 or Valkey. url: as in ``redis://127.0.0.1:6379/0``."""

    def __init__(self, url: str, *, prefix: str = "shoplens:") -> None:
        self._prefix = prefix
        self._away_until = 0.0
        try:
            self._client = redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        except ValueError as error:
            raise FailedPrecondition(f"The address of Redis will not do ({error}); give one as in redis://127.0.0.1:6379/0.") from error

    def get(self, key: str) -> bytes | None:
        if time.monotonic() < self._away_until:
            return self._asked("away")
        try:
            value = self._client.getex(self._prefix + key, ex=KEPT_S)
        except redis.RedisError as error:
            self._gone(error)
            return self._asked("away")
        self._asked("miss" if value is None else "hit")
        return value if isinstance(value, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            self._client.set(self._prefix + key, value, ex=KEPT_S)
        except redis.RedisError as error:
            self._gone(error)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gone(self, error: redis.RedisError) -> None:
        self._away_until = time.monotonic() + AGAIN_S
        _log.warning("redis does not answer", problem=str(error))

    @staticmethod
    def _asked(outcome: str) -> None:
        CACHE_REQUESTS.labels(cache="redis", outcome=outcome).inc()


class SqliteCache:
    """Implements ``ports.Cache`` in one file, written ahead: a kill loses at most what the last moments added."""

    def __init__(self, path: Path) -> None:
        """Raises ``FailedPrecondition`` where the file is none of ours."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise FailedPrecondition(f"The file {path} is no cache that can be read; move it away, and a new one is made.") from error

    def get(self, key: str) -> bytes | None:
        try:
            with self._lock, closing(self._database.execute("SELECT value FROM kept WHERE key = ?", (key,))) as found:
                row = found.fetchone()
        except sqlite3.Error as error:
            _log.warning("the durable cache does not answer", problem=str(error))
            CACHE_REQUESTS.labels(cache="durable", outcome="away").inc()
            return None
        CACHE_REQUESTS.labels(cache="durable", outcome="miss" if row is None else "hit").inc()
        return None if row is None else bytes(row[0])

    def set(self, key: str, value: bytes) -> None:
        try:
            with self._lock:
                self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))
        except sqlite3.Error as error:
            _log.warning("the durable cache keeps nothing", problem=str(error))

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Layered:
    """Implements ``ports.Cache``: the near one first, then the far one, which fills the near one."""

    def __init__(self, near: Cache, far: Cache) -> None:
        self._near = near
        self._far = far

    def get(self, key: str) -> bytes | None:
        value = self._near.get(key)
        if value is None:
            value = self._far.get(key)
            if value is not None:
                self._near.set(key, value)
        return value

    def set(self, key: str, value: bytes) -> None:
        self._far.set(key, value)
        self._near.set(key, value)
