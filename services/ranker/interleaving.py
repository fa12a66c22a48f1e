"""Two rankers play against each other in one list: team-draft interleaving (Radlinski, Kurup and Joachims 2008).

In each round a coin says who picks first; each picks the best of its own order that is not yet there. Shoppers do not know, and
click what they like: who gets more of a search's clicks has won it. It takes some hundred searches where an A/B test takes
some ten thousand, for both rankers meet the same shopper with the same photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from shoplens.feedback import Session

FIXED, LEARNED = "fixed", "learned"

Pick = TypeVar("Pick")


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands: searches won by each, and tied. p_value: how likely so clear a result is where both are as good."""

    fixed: int
    learned: int
    ties: int
    p_value: float

    @property
    def better(self) -> str:
        """Who is, where the p-value is below 0.05; else empty."""
        if self.p_value >= 0.05:
            return ""
        return LEARNED if self.learned > self.fixed else FIXED


def team_draft(fixed: Sequence[Pick], learned: Sequence[Pick], dice: Random) -> list[tuple[Pick, str]]:
    """Both orders of the same things as one, each with whose pick it was."""
    waiting = {FIXED: list(fixed), LEARNED: list(learned)}
    drafted: list[tuple[Pick, str]] = []
    taken: set[Pick] = set()
    while len(drafted) < len(fixed):
        for team in (FIXED, LEARNED) if dice.random() < 0.5 else (LEARNED, FIXED):
            while waiting[team] and waiting[team][0] in taken:
                waiting[team].pop(0)
            if waiting[team]:
                pick = waiting[team].pop(0)
                taken.add(pick)
                drafted.append((pick, team))
    return drafted


def standing(sessions: Iterable[Session]) -> Standing:
    """Who won how many of the searches in which both played."""
    wins = {FIXED: 0, LEARNED: 0}
    ties = 0
    for session in sessions:
        if not any(each.team for each in session.results):
            continue
        clicks = {team: sum(each.team == team and each.product_id in session.reactions for each in session.results) for team in wins}
        if clicks[FIXED] == clicks[LEARNED]:
            ties += 1
        else:
            wins[max(wins, key=lambda team: clicks[team])] += 1
    return Standing(wins[FIXED], wins[LEARNED], ties, _p_value(wins[FIXED], wins[LEARNED]))


def _p_value(one: int, other: int) -> float:
    """The sign test's, two-sided."""
    from scipy.stats import binomtest  # 0.5 s, and only for who asks

    return 1.0 if one + other == 0 else float(binomtest(one, one + other).pvalue)
