"""The measures themselves: an image counts by its best vector, and intervals hold their mean."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from training.encoder import evaluate
from training.encoder.evaluate import Benchmark, Views, binary, hits, interval, scores, shortlisted


def views(vectors: list[list[float]], starts: list[int], products: list[str]) -> Views:
    rows = np.array(vectors, np.float32)
    return Views(rows, np.ones((len(rows), 1), np.float32), np.ones((len(rows), 1), np.float32), np.array(starts), np.array(products))


@pytest.fixture
def benchmark() -> Benchmark:
    gallery = views([[1, 0], [0, 1], [0.6, 0.8], [0.8, 0.6]], [0, 2, 3], ["shirt", "hat", "shoe"])
    return Benchmark("small", views([[0, 1], [0.8, 0.6]], [0, 1], ["shirt", "hat"]), gallery)


def test_an_image_counts_by_its_best_vector(benchmark: Benchmark) -> None:
    np.testing.assert_allclose(scores(benchmark, {"visual": 1.0}), [[1, 0.8, 0.6], [0.8, 0.96, 1]], atol=1e-6)


def test_hits_look_at_the_first_so_many(benchmark: Benchmark) -> None:
    score = scores(benchmark, {"visual": 1.0})
    assert hits(benchmark, score, 1).tolist() == [True, False]
    assert hits(benchmark, score, 2).tolist() == [True, True]


def test_an_interval_holds_the_mean_and_widens_when_photos_share_a_product() -> None:
    right = np.random.default_rng(0).random(400) < 0.7
    alone = interval(right, np.arange(400).astype(str))
    shared = interval(np.repeat(right[:40], 10), np.repeat(np.arange(40), 10).astype(str))
    assert alone[0] < right.mean() < alone[1]
    assert alone[1] - alone[0] == pytest.approx(0.09, abs=0.02)
    assert shared[1] - shared[0] > 2 * (alone[1] - alone[0])


def test_near_vectors_have_near_bits() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(30, 192)).astype(np.float32)
    near = vectors + 0.3 * rng.normal(size=vectors.shape).astype(np.float32)
    codes, others = binary(vectors), binary(near)
    assert codes.shape == (30, 32)
    away = np.unpackbits(codes[:, None] ^ others[None], axis=2).sum(axis=2)
    np.testing.assert_array_equal(away.argmin(axis=1), np.arange(30))


def test_what_no_near_binary_vector_names_is_not_ranked(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "SHORTLIST", 1)
    score = scores(benchmark, {"visual": 1.0})
    kept = shortlisted(benchmark, score)
    assert (kept > -1).sum(axis=1).tolist() == [1, 1]
    np.testing.assert_allclose(kept[0], [1, -1, -1])
