"""The ranker's weights and thresholds, read from a file that says which encoder they were fitted for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shoplens.errors import InvalidArgument

DEFAULT_PATH = Path(__file__).with_name("weights.toml")
PARTS = ("visual", "category", "colour")
"""The parts that carry a weight, in the order in which an explanation lists them."""

_MOST_WEIGHT = 10.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartWeights(_Frozen):
    """A weight a part, 0..10; a score divides by their sum, so only their ratios matter."""

    visual: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    category: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    colour: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)

    def shares(self) -> dict[str, float]:
        """Each part's share of a score; they add up to 1."""
        by_part = {part: float(getattr(self, part)) for part in PARTS}
        total = sum(by_part.values())
        return {part: weight / total for part, weight in by_part.items()}

    def overridden(self, overrides: Mapping[str, float]) -> PartWeights:
        """With a request's own weights in place. Raises ``InvalidArgument``."""
        if not overrides:
            return self
        try:
            weights = PartWeights.model_validate({**self.model_dump(), **overrides})
        except ValidationError as error:
            raise InvalidArgument(
                f"weights takes numbers from 0 to {_MOST_WEIGHT:g} for {', '.join(PARTS)}; got {dict(overrides)}."
            ) from error
        if not any(weights.model_dump().values()):
            raise InvalidArgument("weights must leave at least one part above 0.")
        return weights


class VerdictThresholds(_Frozen):
    """Least cosine of the best result from which it may be called so."""

    same_product: float = Field(ge=-1, le=1)
    similar: float = Field(ge=-1, le=1)


class CategoryVote(_Frozen):
    """``share`` of the fused category belongs to the vote of ``neighbours`` nearest products, the rest to the model."""

    neighbours: int = Field(ge=1)
    share: float = Field(ge=0, le=1)


class RankingWeights(_Frozen):
    """The whole file."""

    encoder: str
    weights: PartWeights
    verdict: VerdictThresholds
    vote: CategoryVote

    @classmethod
    def load(cls, path: Path = DEFAULT_PATH) -> RankingWeights:
        """Raises ``OSError`` and ``ValueError`` with the file's own message."""
        return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
