"""Training in miniature: a few steps on one drawn photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from training.backbone import LITE0
from training.detector.batches import Source
from training.detector.network import Network, network
from training.detector.photos import CLASSES, Labelled
from training.detector.trainer import Recipe, train

SIDE = 64


def source() -> Source:
    pixels = np.full((96, 96, 3), 40, np.uint8)
    pixels[20:60, 30:70] = 230
    photo = Labelled(pixels, np.array([[30, 20, 70, 60]], np.float32), np.array([0]), np.ones(len(CLASSES), np.float32))
    return Source([photo], [], SIDE, SIDE)


def fresh() -> Network:
    return network(SIDE, SIDE, len(CLASSES), None, LITE0)


def test_what_was_learnt_is_kept_and_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    recipe = Recipe(takes=8, batch=4)
    first, second = fresh(), fresh()
    begun = [weight.copy() for weight in first.crown.get_weights()]
    train(first, source(), recipe, tmp_path / "state.npz")
    learnt = first.crown.get_weights()
    assert any(np.abs(now - before).max() > 0 for now, before in zip(learnt, begun, strict=True))
    assert all(np.isfinite(weight).all() for weight in learnt)
    train(second, source(), recipe, tmp_path / "state.npz")
    for kept, weight in zip(learnt, second.crown.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)
