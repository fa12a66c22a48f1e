"""What needs more than the default installation says so, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shoplens.errors import FailedPrecondition


@contextmanager
def the_extra(name: str) -> Iterator[None]:
    """Around imports of what this extra of pyproject.toml brings. Raises ``FailedPrecondition``, which says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = f"This needs {error.name}; install shoplens with its {name} extra: pip install 'shoplens[{name}]'."
        raise FailedPrecondition(missing) from error
