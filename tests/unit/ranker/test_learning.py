"""Learning to rank: made-up shoppers with a known taste are understood, through where things stood, and never misunderstood."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from services.ranker.interleaving import FIXED, LEARNED, standing, team_draft
from services.ranker.learned import LearnedRanker
from services.ranker.learning import LEAST_SEARCHES, examination, learn
from services.ranker.weights import RankingWeights
from shoplens.errors import FailedPrecondition
from shoplens.feedback import Session
from shoplens.testing.shoppers import EXAMINATION, Candidate, candidates, mean_ndcg, session

WEIGHTS = RankingWeights.load().weights
PLAYED = 2_000


def by_weights(shown: Sequence[Candidate]) -> list[float]:
    shares = WEIGHTS.shares(shown[0].scores.keys())
    return [sum(share * each.scores[part] for part, share in shares.items()) for each in shown]


def log(count: int, seed: int = 1, *, content: bool = False) -> list[Session]:
    """What shoppers did with lists ranked by the weights. content: they like things exactly as the weights do."""
    dice = np.random.default_rng(seed)
    found = []
    for number in range(count):
        made = candidates(dice)
        if content:
            made = [Candidate(each.product_id, each.scores, score**3) for each, score in zip(made, by_weights(made), strict=True)]
        ranked = [made[place] for place in np.argsort(-np.asarray(by_weights(made)), kind="stable")]
        found.append(session(number, ranked, dice))
    return found


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return log(3_000)


@pytest.fixture(scope="module")
def ranker(sessions: list[Session]) -> LearnedRanker:
    made, judged = learn(sessions, WEIGHTS)
    assert judged.wins
    assert judged.held_back > 200
    return made


def test_what_is_learned_beats_the_weights_by_a_tenth_in_the_shoppers_own_eyes(ranker: LearnedRanker) -> None:
    before = mean_ndcg(by_weights, np.random.default_rng(7))
    after = mean_ndcg(lambda shown: ranker.scores([each.scores for each in shown]), np.random.default_rng(7))
    assert after > 1.1 * before


def test_playing_against_each_other_tells_the_better_one_within_two_thousand_searches(ranker: LearnedRanker) -> None:
    dice, coin = np.random.default_rng(3), Random(0)
    played = []
    for number in range(PLAYED):
        made = {each.product_id: each for each in candidates(dice)}
        fixed = dict(zip(made, by_weights(list(made.values())), strict=True))
        learned = dict(zip(made, ranker.scores([each.scores for each in made.values()]), strict=True))
        drafted = team_draft(*(sorted(made, key=lambda name: -order[name]) for order in (fixed, learned)), coin)
        played.append(session(number, [made[name] for name, _ in drafted], dice, [team for _, team in drafted]))
    found = standing(played)
    assert found.better == LEARNED
    assert found.fixed + found.learned + found.ties == PLAYED


def test_one_ranker_against_itself_is_a_tie() -> None:
    dice, coin = np.random.default_rng(4), Random(1)
    played = []
    for number in range(500):
        made = {each.product_id: each for each in candidates(dice)}
        order = list(made)
        drafted = team_draft(order, order, coin)
        played.append(session(number, [made[name] for name, _ in drafted], dice, [team for _, team in drafted]))
    assert standing(played).better == ""
    assert standing([]).p_value == 1.0


def test_the_draft_shows_everything_once_and_lets_both_pick_in_turn() -> None:
    drafted = team_draft("abcdef", "fedcba", Random(2))
    assert sorted(name for name, _ in drafted) == list("abcdef")
    for start in range(0, 6, 2):
        assert {team for _, team in drafted[start : start + 2]} == {FIXED, LEARNED}


def test_shoppers_who_like_things_as_the_weights_do_teach_nothing() -> None:
    _, judged = learn(log(3_000, 5, content=True), WEIGHTS)
    assert not judged.wins


def test_how_often_a_place_is_looked_at_is_found_in_the_clicks(sessions: list[Session]) -> None:
    seen = examination(
        sessions, lambda session: by_weights([Candidate(each.product_id, dict(each.scores), 0.0) for each in session.results])
    )
    expected = (1 / np.arange(1, 7)) ** EXAMINATION
    assert seen[:6] == pytest.approx(expected, abs=0.1)
    assert (np.diff(seen) <= 0).all()


def test_few_searches_teach_nothing() -> None:
    with pytest.raises(FailedPrecondition, match=str(LEAST_SEARCHES)):
        learn(log(50), WEIGHTS)


def test_a_learned_ranker_is_the_same_once_written_and_explains_its_scores(ranker: LearnedRanker) -> None:
    values = [each.scores for each in candidates(np.random.default_rng(9), 50)]
    scores = ranker.scores(values)
    assert LearnedRanker.from_text(ranker.to_text()).scores(values) == scores
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert len(set(scores)) > 20
    for each, score in zip(values[:5], scores[:5], strict=True):
        assert sum(share.weight * share.value for share in ranker.explained(each, score)) == pytest.approx(score)
    assert ranker.scores([]) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"trees": "none", "low": 0, "high": 1, "figures": {}}', '{"trees": 3}'])
def test_what_is_no_learned_ranker_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="learned ranker"):
        LearnedRanker.from_text(text)
