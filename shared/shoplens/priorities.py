"""Who goes first: a shopper waits for his answer with the page open, bulk work (imports, the update stream, batches) does not.

Carried along a call like its deadline. The edge of bulk work says so with :func:`bulk`; who hands out something scarce
asks :func:`is_bulk`; a gRPC client passes it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HEADER: Final = ("shoplens-priority", "bulk")

_bulk: ContextVar[bool] = ContextVar("bulk", default=False)


@contextmanager
def bulk() -> Iterator[None]:
    """Everything inside gives way to shoppers."""
    token = _bulk.set(True)
    try:
        yield
    finally:
        _bulk.reset(token)


def is_bulk() -> bool:
    return _bulk.get()


def metadata() -> tuple[tuple[str, str], ...]:
    """What a gRPC call carries so that the other side knows."""
    return (_HEADER,) if _bulk.get() else ()


@contextmanager
def as_told(carried: Iterable[tuple[str, str | bytes]]) -> Iterator[None]:
    """Everything inside has the priority that a call's metadata tells."""
    token = _bulk.set(_HEADER in tuple(carried))
    try:
        yield
    finally:
        _bulk.reset(token)
