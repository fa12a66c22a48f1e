"""How likely a placed query is a copy: a logistic regression on what geometry and pixels say.

Fitted by ``python -m training.copies`` on edited copies, on photos recoloured as shops recolour them, and on strangers, none of
which is measured on; its numbers are part of the model's manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.copies.agreement import Agreement
from services.copies.geometry import Placement

EVIDENCE = (
    "inliers", "inlier_share", "structure", "correlation", "residual", "recoloured", "covered", "overlap", "query_overlap",
    "turned", "grey", "contrast", "recoloured_in_clear", "turned_in_clear",
)  # fmt: skip


def evidence(placement: Placement, agreed: Agreement) -> NDArray[np.float64]:
    """What speaks for and against, in the order of ``EVIDENCE``: each about −5..5, logarithms where the scale is one of ratios."""
    recoloured = np.log(agreed.recoloured + 0.01)
    clear = agreed.structure**2 * np.exp(-agreed.residual / 0.02) * np.exp(-agreed.covered / 0.1)
    return np.array(
        [
            np.log(placement.inliers),
            np.log(placement.inliers / max(placement.matches, 1)),
            agreed.structure,
            -np.log(1.02 - agreed.correlation),
            np.log(agreed.residual + 0.003),
            recoloured,
            np.log(agreed.covered + 0.01),
            np.log(agreed.overlap + 0.02),
            np.log(agreed.query_overlap + 0.02),
            float(agreed.rule == "hue"),
            float(agreed.rule == "grey"),
            abs(np.log(max(agreed.gain, 0.05))),
            recoloured * clear,
            (agreed.rule == "hue") * clear,
        ]
    )


@dataclass(frozen=True, slots=True)
class CopyProbability:
    """The fitted regression. threshold: what is called a copy, 0..1."""

    weights: NDArray[np.float64]
    bias: float
    threshold: float

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Of a manifest. Raises ``ValueError`` where it was fitted on other evidence than this module gathers."""
        table = parameters["probability"]
        if set(table["weights"]) != set(EVIDENCE):
            raise ValueError(f"the model's probability was fitted on {sorted(table['weights'])}, not on {sorted(EVIDENCE)}")
        weights = np.array([float(table["weights"][name]) for name in EVIDENCE])
        return cls(weights, float(table["bias"]), float(table["threshold"]))

    def __call__(self, placement: Placement, agreed: Agreement) -> float:
        """The probability that it is a copy, 0..1."""
        logit = float(evidence(placement, agreed) @ self.weights) + self.bias
        return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
