"""A ranker that learned something."""

from __future__ import annotations

import numpy as np
import pytest

from services.ranker.learned import LearnedRanker, fit
from services.ranker.weights import PARTS


@pytest.fixture(scope="session")
def learned() -> LearnedRanker:
    """It likes what looks unlike the photo and sells well: the opposite of the weights."""
    dice = np.random.default_rng(0)
    features = dice.random((2_000, len(PARTS)))
    business = features[:, PARTS.index("business")]
    gains = (business > 0.8).astype(np.int64)
    positions = np.tile(np.arange(20), 100)
    return LearnedRanker(fit(features, gains, [20] * 100, positions, rounds=20), -3.0, 3.0, {})
