"""The ranker's weights belong to the encoder that ships, and say the same as its manifest."""

from __future__ import annotations

import pytest

from services.ranker.weights import PARTS, RankingWeights
from shoplens.model_store import model_folder
from shoplens.models import Manifest


def test_the_weights_are_those_fitted_for_the_shipped_encoder():
    weights, manifest = RankingWeights.load(), Manifest.load(model_folder("encoder"))
    assert weights.encoder == f"{manifest.name}-{manifest.version}"
    fitted = manifest.parameters["fusion"]
    assert {part: getattr(weights.weights, part) for part in fitted} == fitted
    assert weights.verdict.model_dump() == manifest.parameters["verdicts"]


def test_the_shares_of_a_score_add_up():
    assert sum(RankingWeights.load().weights.shares(PARTS).values()) == pytest.approx(1.0)
