"""``shoplens compare``: one picture against another, without a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from services.standalone.searching import photo_content
from services.standalone.settings import StandaloneSettings
from shoplens.cores import Cores
from shoplens.errors import InvalidArgument
from shoplens.images import decode
from shoplens.model_store import model_folder


def compare_pictures(one: Path, other: Path, drawing: Path, settings: StandaloneSettings) -> dict[str, Any]:
    """Whether ``one`` is a copy of ``other``, and how it was changed; what is over what is drawn in the file ``drawing``.

    ``change`` and ``overlay`` are null where nothing of the two matches, and then nothing is drawn.
    """
    query, reference = decode(photo_content(one)), decode(photo_content(other))
    # Only here: loading the models takes a second that a wrong path need not wait for.
    from services.copies.comparison import PictureComparer, overlay
    from services.gateway.http.copy_schemas import ChangeOut

    with PictureComparer(model_folder("copies", root=settings.models), cores=Cores(settings.threads)) as comparer:
        comparison = comparer.compare(query, reference)
    copy = comparison.copy
    if copy is not None:
        _save(overlay(query.pixels, reference.pixels, copy.change.affine), drawing)
    return {
        "copy": comparison.is_copy,
        "exact": copy is not None and copy.exact,
        "score": 0.0 if copy is None else copy.probability,
        "threshold": comparison.threshold,
        "change": None if copy is None else ChangeOut.of(copy.change).model_dump(mode="json"),
        "overlay": None if copy is None else str(drawing),
    }


def _save(pixels: Any, drawing: Path) -> None:
    try:
        Image.fromarray(pixels).save(drawing, format="PNG")
    except OSError as error:
        raise InvalidArgument(f"{drawing} cannot be written ({error.strerror}); give another path with --overlay.") from error
