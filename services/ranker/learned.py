"""A ranker that learned from shoppers: LambdaMART (Burges 2010) over the parts of a score, by LightGBM.

It takes the place of the weighted sum, and of nothing else: it sees only the parts, so whatever the shop changes in them it
follows. Its explanation is TreeSHAP's (Lundberg et al. 2020), one contribution a part, which add up to the score; the score is
the trees' sum on a scale on which the learned searches lie between 0 and 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.ranker.weights import PARTS
from shoplens.domain import Contribution

if TYPE_CHECKING:
    from lightgbm import Booster

_MISSING = float("nan")


@dataclass(frozen=True)
class LearnedRanker:
    """trees: LightGBM's own text. low, high: the sums of trees that become the scores 0 and 1. figures: how it was judged."""

    trees: str
    low: float
    high: float
    figures: Mapping[str, float]

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> LearnedRanker:
        """Raises ``ValueError``."""
        try:
            read = cls(**json.loads(text))
            if not read.low < read.high:
                raise ValueError("low is below high")
            _ = read._booster
        except (TypeError, ValueError) as error:
            raise ValueError(f"this is no learned ranker ({error})") from error
        return read

    @cached_property
    def _booster(self) -> Booster:
        import lightgbm  # 0.3 s, and only where something was learned

        try:
            return lightgbm.Booster(model_str=self.trees)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(str(error)) from error

    def scores(self, values: Sequence[Mapping[str, float]]) -> list[float]:
        """A score for each of a search's products, from the parts that have something to say."""
        if not values:
            return []
        return [self._on_scale(float(each)) for each in self.sums(matrix(values))]

    def sums(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The trees' sums, ``[products]``, of ``[products, parts]``."""
        return np.asarray(self._booster.predict(features, num_threads=1))

    def explained(self, values: Mapping[str, float], score: float) -> tuple[Contribution, ...]:
        """What each part adds to a score; ``expected`` is what a product of which nothing is known has."""
        shares = np.asarray(self._booster.predict(matrix([values]), pred_contrib=True, num_threads=1))[0] / (self.high - self.low)
        parts = tuple(Contribution(part, 1.0, float(share)) for part, share in zip(PARTS, shares, strict=False))
        return (*parts, Contribution("expected", 1.0, score - sum(each.value for each in parts)))

    def _on_scale(self, value: float) -> float:
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def matrix(values: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """``[products, parts]``; NaN where a part has nothing to say, which the trees know as missing."""
    return np.array([[each.get(part, _MISSING) for part in PARTS] for each in values], dtype=np.float64)


def fit(features: NDArray[np.float64], gains: NDArray[np.int64], sizes: Sequence[int], positions: NDArray[np.int64], **options: Any) -> str:
    """LambdaMART's trees as text. ``sizes``: how many rows each search has. ``positions``: the places at which they were shown.

    LightGBM corrects for the positions by itself (unbiased LambdaMART after Hu et al. 2019).
    """
    import lightgbm

    data = lightgbm.Dataset(features, label=gains, group=list(sizes), position=positions, feature_name=list(PARTS), free_raw_data=False)
    settings = {
        "objective": "lambdarank",
        "verbosity": -1,
        "num_leaves": 15,
        "learning_rate": 0.08,
        "min_data_in_leaf": 50,
        "lambda_l2": 1.0,
        "lambdarank_truncation_level": 20,
        # More of what is like the photo is never worse; what sells better is the shoppers' to say.
        "monotone_constraints": [int(part == "visual") for part in PARTS],
        "deterministic": True,
        "force_row_wise": True,
        "seed": 0,
        "num_threads": 2,
        **options,
    }
    rounds = int(settings.pop("rounds", 120))
    return str(lightgbm.train(settings, data, num_boost_round=rounds).model_to_string())
