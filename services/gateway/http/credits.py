"""Whom the pictures of a catalogue are owed to; the page shows it in its footer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credit:
    """One source: what to say, where it leads, and under which licence (an SPDX name, or the licence's address)."""

    text: str
    url: str
    licence: str
