"""Which parts of a picture are described, so that a copy of a part, or a copy within something larger, is found.

What of the catalogue's picture is left in a crop, one of its parts resembles; what of a collage or a screenshot is the copy, one
of the query's parts shows.
"""

from __future__ import annotations

from typing import Final

from shoplens.domain import WHOLE_FRAME, Box

REFERENCE_VIEWS: Final = (
    WHOLE_FRAME,
    Box(0.0, 0.0, 0.6, 0.6),
    Box(0.4, 0.0, 1.0, 0.6),
    Box(0.0, 0.4, 0.6, 1.0),
    Box(0.4, 0.4, 1.0, 1.0),
    Box(0.2, 0.2, 0.8, 0.8),
)
"""Of a catalogue picture: the whole, four corners and the middle."""

QUERY_VIEWS: Final = (
    WHOLE_FRAME,
    Box(0.0, 0.0, 0.5, 0.5),
    Box(0.5, 0.0, 1.0, 0.5),
    Box(0.0, 0.5, 0.5, 1.0),
    Box(0.5, 0.5, 1.0, 1.0),
    Box(0.1, 0.1, 0.9, 0.9),
    Box(0.2, 0.2, 0.8, 0.8),
)
"""Of a query: the whole, the four cells of a collage, and what a frame or a screen surrounds."""
