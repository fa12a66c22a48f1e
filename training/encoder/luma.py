"""What has to be known of the development catalogue before it measures anything."""

from __future__ import annotations

from pathlib import Path

_RECOLOURED = Path(__file__).with_name("recoloured.txt")


def recoloured() -> frozenset[str]:
    """The products whose main photo shows another colour than their other photos: nobody could find these by colour."""
    lines = _RECOLOURED.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
