"""Milvus filter expressions. Filter templates are refused by Lite and by 2.3 servers, so literals are written here."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens.errors import InvalidArgument


def quoted(text: str) -> str:
    """A string literal. Raises ``InvalidArgument`` for control characters, which Milvus Lite's grammar cannot hold."""
    if not text.isprintable():
        raise InvalidArgument(f"A category must be printable text, not {text!r}.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def one_of(field: str, values: Sequence[str]) -> str:
    """True where the field has one of the values; empty (no restriction) where there are none."""
    return f"{field} in [{', '.join(quoted(value) for value in sorted(set(values)))}]" if values else ""
