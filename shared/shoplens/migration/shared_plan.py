"""The plan of a migration on a Redis that keeps what it is given, for any number of gateways that follow it.

Each gateway looks at the plan on its own and tells under its own name, for ten seconds at a time, what it has carried out; a command is
done once all that are there say so. One of them, whichever holds the lease, passes over both indexes.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.exceptions import LockError

from shoplens.errors import FailedPrecondition, Unavailable
from shoplens.migration.plan import Plan, from_json, to_json

PREFIX: Final = "shoplens:migration:"
ANSWER_S: Final = 1.0
TOLD_S: Final = 10
"""A server that told nothing for so long is gone."""

LEASE_S: Final = 10.0
"""Two that lead at once do no harm: what one has put in order the other finds in order."""

_CHANGING_S: Final = 30.0


class SharedPlan:
    """Implements ``Plans``; ``close`` it, or use it as a context."""

    def __init__(self, url: str, *, member: str = "") -> None:
        """url: as in ``redis://127.0.0.1:6379/0``. member: names this server among all; host and process where nothing is given."""
        self._member = member or f"{socket.gethostname()}:{os.getpid()}"
        try:
            self._redis = redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, decode_responses=True)
        except ValueError as error:
            raise FailedPrecondition(f"The address of Redis will not do ({error}); give one as in redis://127.0.0.1:6379/0.") from error
        self._lease = self._redis.lock(f"{PREFIX}lead", timeout=LEASE_S, blocking=False, thread_local=False)
        self._known = False

    def read(self) -> Plan:
        with _speaking("say which generation answers"):
            text = self._redis.get(f"{PREFIX}plan")
        if text is None:
            if self._known:
                raise FailedPrecondition("Redis has lost the plan of the migration; generations stay as they are until it is given again.")
            return Plan()
        self._known = True
        return from_json(str(text), "The plan in Redis")

    @contextmanager
    def changing(self) -> Iterator[None]:
        lock = self._redis.lock(f"{PREFIX}changing", timeout=_CHANGING_S, blocking_timeout=_CHANGING_S)
        with _speaking("let the plan be changed"):
            if not lock.acquire():
                raise Unavailable("Somebody else changes the plan; try again in a moment.")
        try:
            yield
        finally:
            with _speaking("let the plan be changed"):
                _let_go(lock)

    def write(self, plan: Plan) -> None:
        with _speaking("keep the plan"):
            self._redis.set(f"{PREFIX}plan", to_json(plan))

    def leads(self) -> bool:
        with _speaking("say who leads"):
            try:
                return bool(self._lease.reacquire()) if self._lease.owned() else self._lease.acquire()
            except LockError:
                return False  # it ran out between two looks

    def tell(self, status: Mapping[str, Any]) -> None:
        with _speaking("take the progress"):
            self._redis.set(f"{PREFIX}told:{self._member}", json.dumps(status), ex=TOLD_S)

    def told(self) -> dict[str, Any] | None:
        with _speaking("tell the progress"):
            names = sorted(self._redis.scan_iter(f"{PREFIX}told:*"))
            texts = self._redis.mget(names) if names else []
        return together([json.loads(text) for text in texts if text is not None])

    def leave(self) -> None:
        with _speaking("take the progress"):
            self._redis.delete(f"{PREFIX}told:{self._member}")
            _let_go(self._lease)

    def close(self) -> None:
        self._redis.close()


def together(statuses: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What several servers say, as one: the progress of the one that leads, and of the rest what is not as it is there."""
    if not statuses:
        return None
    leader = next((each for each in statuses if each["leads"]), None)
    first = leader or statuses[0]
    return {
        **first,
        "servers": len(statuses),
        "as_of": min(each["as_of"] for each in statuses),
        "plan": first["plan"] if all(each["plan"] == first["plan"] for each in statuses) else None,
        "problem": next((each["problem"] for each in statuses if each["problem"]), ""),
        "other": first.get("other") if all(each.get("other") for each in statuses) else None,
        "in_step": leader is not None and leader["in_step"],
    }


def _let_go(lock: redis.lock.Lock) -> None:
    try:
        lock.release()
    except LockError:
        return  # it ran out, or was never ours


@contextmanager
def _speaking(what: str) -> Iterator[None]:
    try:
        yield
    except LockError:
        raise
    except redis.RedisError as error:
        raise Unavailable(
            f"Redis, which keeps the plan of a migration, did not {what} ({error}); start it, or correct its address."
        ) from error
