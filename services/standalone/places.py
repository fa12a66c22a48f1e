"""Where shoplens keeps what is no catalogue."""

from __future__ import annotations

from pathlib import Path


def demo_cache() -> Path:
    """The packages of the demo catalogue, fetched once for every data folder of this user."""
    return Path.home() / ".cache" / "shoplens" / "demo"
