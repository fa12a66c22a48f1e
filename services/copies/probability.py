"""How likely a placed query is a copy: a small network over what geometry and pixels say.

It sees the cells of :class:`services.copies.agreement.Agreement` side by side, and what was gathered of the whole as planes of one
number each. Made by ``python -m training.copies`` of edited copies, of photos recoloured as shops recolour them, and of strangers
that the search itself brings up, none of which is measured on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.copies.agreement import DISTANCE, GRID, Agreement
from services.copies.geometry import Placement
from shoplens.cores import Cores
from shoplens.models import LiteRtModel, Manifest, ModelError

FILE = "judge.tflite"
EVIDENCE = (
    "inliers", "inlier_share", "structure", "correlation", "residual", "recoloured", "covered", "overlap", "query_overlap",
    "turned", "grey", "contrast",
)  # fmt: skip

Floats = NDArray[np.float32]

_CLEAR = 0.99
"""The least probability where nothing is left over; see :func:`clear`."""

_CLEAR_INLIERS, _CLEAR_STRUCTURE, _CLEAR_DISTANCE = 20, 0.9, 0.05


def evidence(placement: Placement, agreed: Agreement) -> Floats:
    """What speaks for and against, in the order of ``EVIDENCE``: each about −5..5, logarithms where the scale is one of ratios."""
    return np.array(
        [
            np.log(placement.inliers),
            np.log(placement.inliers / max(placement.matches, 1)),
            agreed.structure,
            -np.log(1.02 - agreed.correlation),
            np.log(agreed.residual + 0.003),
            np.log(agreed.recoloured + 0.01),
            np.log(agreed.covered + 0.01),
            np.log(agreed.overlap + 0.02),
            np.log(agreed.query_overlap + 0.02),
            float(agreed.rule == "hue"),
            float(agreed.rule == "grey"),
            abs(np.log(max(agreed.gain, 0.05))),
        ],
        np.float32,
    )


def planes(placement: Placement, agreed: Agreement) -> Floats:
    """What the network sees: ``[40, 40, 13 + 12]``, the maps and then the evidence, the same in every cell."""
    spread = np.broadcast_to(evidence(placement, agreed), (GRID, GRID, len(EVIDENCE)))
    return np.concatenate([agreed.maps, spread], axis=2, dtype=np.float32)


def clear(placement: Placement, agreed: Agreement) -> bool:
    """Whether no cell is off the rule and hues are as they were: then there is nothing to judge.

    So are 85 of 400 copies under one to three edits, and none of 148 photos that shops recoloured.
    """
    return (
        agreed.rule == "none"
        and placement.inliers >= _CLEAR_INLIERS
        and agreed.structure >= _CLEAR_STRUCTURE
        and float(agreed.maps[..., DISTANCE].max()) < _CLEAR_DISTANCE
    )


class CopyProbability:
    """Runs the network; safe to call from many threads. threshold: what is called a copy, 0..1."""

    def __init__(self, model: LiteRtModel, threshold: float) -> None:
        self._model = model
        self.threshold = threshold

    @classmethod
    def load(cls, manifest: Manifest) -> CopyProbability:
        """Of the folder of ``manifest``. Raises ``ModelError`` where it was made for other evidence than this module gathers."""
        table = manifest.parameters.get("judge", {})
        if table.get("evidence") != list(EVIDENCE):
            raise ModelError(f"{manifest.path.parent}: it judges by {table.get('evidence')}, not by {list(EVIDENCE)}")
        return cls(LiteRtModel(manifest.path.parent / FILE, Cores(1)), float(table["threshold"]))

    def __call__(self, placed: Sequence[tuple[Placement, Agreement]]) -> list[float]:
        """The probability that it is a copy of each, 0..1."""
        if not placed:
            return []
        logits = self._model(np.stack([planes(*one) for one in placed]))["logit"][:, 0]
        chances = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -30, 30)))
        return [max(float(chance), _CLEAR if clear(*one) else 0.0) for chance, one in zip(chances, placed, strict=True)]
