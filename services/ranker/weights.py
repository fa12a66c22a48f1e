"""The ranker's weights and thresholds, read from a file that says which encoder they were fitted for."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shoplens.errors import InvalidArgument

DEFAULT_PATH = Path(__file__).with_name("weights.toml")
PARTS = ("visual", "category", "colour", "text", "attributes", "business")
"""The parts of a score, in the order in which an explanation lists them."""

_MOST_WEIGHT = 10.0
_MOST_BUSINESS_SHARE = 0.1
"""What a shop prefers orders equals; it must never bury the product that was asked for."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartWeights(_Frozen):
    """A weight a part, 0..10; a score divides by the sum of those that have something to say, so only their ratios matter.

    variety: how much a result gives way that is like those before it (maximal marginal relevance); no part of a score.
    """

    visual: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    category: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    colour: float = Field(ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    text: float = Field(default=0.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    attributes: float = Field(default=0.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    business: float = Field(default=0.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    variety: float = Field(default=0.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)

    def shares(self, active: Collection[str]) -> dict[str, float]:
        """Each active part's share of a score; they add up to 1."""
        by_part = {part: float(getattr(self, part)) for part in PARTS if part in active}
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
                f"weights takes numbers from 0 to {_MOST_WEIGHT:g} for {', '.join((*PARTS, 'variety'))}; got {dict(overrides)}."
            ) from error
        if not weights.visual + weights.category + weights.colour:
            raise InvalidArgument("weights must leave at least one of visual, category and colour above 0.")
        return weights


class Asked(_Frozen):
    """Weights instead of the usual ones where the shopper wishes for another colour.

    Both where the words name a colour that the photo is not of: colour, and category, for what looks otherwise must still be the same
    kind of thing.
    """

    colour: float = Field(default=1.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    category: float = Field(default=0.5, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)


class VerdictThresholds(_Frozen):
    """Least cosine of the best result from which it may be called so."""

    same_product: float = Field(ge=-1, le=1)
    similar: float = Field(ge=-1, le=1)


class CategoryVote(_Frozen):
    """``share`` of the fused category belongs to the vote of ``neighbours`` nearest products, the rest to the model."""

    neighbours: int = Field(ge=1)
    share: float = Field(ge=0, le=1)


class Signal(_Frozen):
    """A number among a product's attributes that says how much the shop wants to sell it, from ``low`` (0) to ``high`` (1)."""

    low: float = 0.0
    high: float = 1.0
    weight: float = Field(default=1.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)

    @model_validator(mode="after")
    def _rises(self) -> Signal:
        if not self.low < self.high:
            raise ValueError("low is below high")
        return self


class BusinessSignals(_Frozen):
    """stock: the weight of being in stock. signals: by the attribute's name."""

    stock: float = Field(default=1.0, ge=0, le=_MOST_WEIGHT, allow_inf_nan=False)
    signals: Mapping[str, Signal] = Field(default_factory=dict)


class Styles(_Frozen):
    """attribute: products with the same value of it are colours and sizes of one style, and one result."""

    attribute: str = "item_group_id"


class RankingWeights(_Frozen):
    """The whole file.

    attributes: how much a wish for an attribute counts beside the others; 1 where nothing is said.
    learned: the file beside this one of a ranker that takes the place of the weights. trial: it plays against them instead.
    """

    encoder: str
    learned: str = Field(default="", pattern=r"^(learned-[0-9a-f]{16}\.json)?$")
    trial: bool = False
    weights: PartWeights
    asked: Asked = Asked()
    verdict: VerdictThresholds
    vote: CategoryVote
    attributes: Mapping[str, float] = Field(default_factory=dict)
    business: BusinessSignals = BusinessSignals()
    styles: Styles = Styles()

    @model_validator(mode="after")
    def _makes_sense(self) -> RankingWeights:
        weights = self.weights
        looks = weights.visual + weights.category + weights.colour
        if not looks:
            raise ValueError("at least one of visual, category and colour is above 0")
        if weights.business > _MOST_BUSINESS_SHARE * (looks + weights.business):
            raise ValueError(f"business may have {_MOST_BUSINESS_SHARE:.0%} of the weights at most, so that it orders equals")
        return self

    @classmethod
    def load(cls, path: Path = DEFAULT_PATH) -> RankingWeights:
        """Raises ``OSError`` and ``ValueError`` with the file's own message."""
        return cls.parse(path.read_text("utf-8"))

    @classmethod
    def parse(cls, text: str) -> RankingWeights:
        """Raises ``ValueError``, in words for who wrote the file."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except ValidationError as error:
            raise ValueError("; ".join(_said(detail) for detail in error.errors())) from error


def _said(detail: Any) -> str:
    where = ".".join(map(str, detail["loc"]))
    said = str(detail["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
