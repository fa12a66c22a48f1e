"""Made-up shoppers with a known taste, who look at a list from the top and click what they like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Action
from shoplens.feedback import Session, ShownResult

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXAMINATION = 0.65
"""The share of shoppers who look at place k is (1 / k) to the power of this."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that a search found: what the parts of its score say, and what it is worth to the shopper, 0..1."""

    product_id: str
    scores: dict[str, float]
    worth: float


def candidates(dice: np.random.Generator, count: int = 20) -> list[Candidate]:
    """A search's products. The shoppers want the right kind, then the right colour, then a well-rated one, and looks least.

    The usual weights go by looks first; what a shopper cannot see (the true worth) is noisy, as people are.
    """
    visual = np.clip(dice.normal(0.6, 0.15, count), 0, 1)
    colour = np.clip(dice.beta(2, 2, count), 0, 1)
    category = dice.choice([0.2, 0.9], count, p=[0.35, 0.65])
    business = dice.choice([0.2, 0.5, 0.9], count)
    worth = 0.25 * visual + 0.35 * np.maximum(colour - 0.3, 0) / 0.7 + 0.4 * (business > 0.6)
    worth = np.clip(worth * np.where(category > 0.5, 1.0, 0.25) + dice.normal(0, 0.05, count), 0, 1)
    parts = zip(visual, colour, category, business, strict=True)
    return [
        Candidate(f"p{number}", {"visual": float(v), "category": float(k), "colour": float(c), "business": float(b)}, float(w))
        for number, ((v, c, k, b), w) in enumerate(zip(parts, worth, strict=True))
    ]


def clicked(shown: Sequence[Candidate], dice: np.random.Generator) -> dict[str, Action]:
    """What a shopper does with a list: looks at the upper places more often, and clicks, and buys, what is worth it."""
    reactions: dict[str, Action] = {}
    for place, each in enumerate(shown, start=1):
        if dice.random() < (1 / place) ** EXAMINATION and dice.random() < each.worth**3:
            reactions[each.product_id] = Action.PURCHASE if dice.random() < 0.1 else Action.CLICK
    return reactions


def session(number: int, shown: Sequence[Candidate], dice: np.random.Generator, teams: Sequence[str] = ()) -> Session:
    """A search as the log has it."""
    named = teams or [""] * len(shown)
    results = tuple(ShownResult(each.product_id, each.scores, team) for each, team in zip(shown, named, strict=True))
    return Session(f"search-{number}", NOW, results, clicked(shown, dice))


def ndcg(worths: NDArray[np.float64], depth: int = 10) -> float:
    """nDCG at a depth of a list with these true worths, in its order; the gain of a worth is itself to the third, as of a click."""
    gains = worths**3
    discount = 1 / np.log2(np.arange(2, depth + 2))
    return float((gains[:depth] * discount[: len(gains)]).sum() / (np.sort(gains)[::-1][:depth] * discount[: len(gains)]).sum())


def mean_ndcg(order: Callable[[Sequence[Candidate]], Sequence[float]], dice: np.random.Generator, searches: int = 500) -> float:
    """The mean over new searches, ranked by the scores that ``order`` gives."""
    found = []
    for _ in range(searches):
        made = candidates(dice)
        ranked = np.argsort(-np.asarray(order(made)), kind="stable")
        found.append(ndcg(np.array([made[place].worth for place in ranked])))
    return float(np.mean(found))
