"""Where the fusion weights and the verdict thresholds of a shipped encoder come from: it prints the tables to read them off.

    python -m training.encoder.fusion --data DIR --model models/encoder/4 --detector models/detector/4

Weights: R@1 and R@10 over a coarse grid, on all three benchmarks; taken is a point in the middle of the plateau, not the
best cell. Thresholds, on the cosine of the embeddings alone: ``same_product`` is a cosine that 19 of 20 photos do not reach in a
catalogue that lacks their product (from where on the best match is right four times in five is printed beside it), ``similar``
the cosine that 19 of 20 photos of clothes still reach in a catalogue of clothes that does not hold their product; how many
photos of things the catalogue has nothing like reach it is printed too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from training.encoder.evaluate import Benchmark, Floats, benchmarks, hits, scores
from training.encoder.photos import LEAVES

COLOUR_WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
CATEGORY_WEIGHTS = (0.0, 0.1, 0.3)
RIGHT_SHARE = 0.8
UNLIKE = ("shoes", "heels", "sandals", "wallet", "eyewear", "belt", "tie", "watch")
"""Leaves of which the development catalogue has next to nothing."""


def weight_table(found: list[Benchmark]) -> None:
    """Print R@1 and R@10 of every benchmark for every pair of weights."""
    for colour in COLOUR_WEIGHTS:
        for category in CATEGORY_WEIGHTS:
            line = f"colour {colour:.2f}  category {category:.1f}"
            for benchmark in found:
                score = scores(benchmark, {"visual": 1.0, "colour": colour, "category": category})
                line += f"  {benchmark.name} {hits(benchmark, score, 1).mean():.3f} {hits(benchmark, score, 10).mean():.3f}"
            print(line)


def same_product(benchmark: Benchmark, cosine: Floats) -> float:
    """The least cosine from which on the nearest photo shows the product ``RIGHT_SHARE`` of the time."""
    best = cosine.max(axis=1)
    right = benchmark.gallery.products[cosine.argmax(axis=1)] == benchmark.queries.products
    order = np.argsort(-best)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.nonzero(share >= RIGHT_SHARE)[0]
    return float(best[order][enough[-1]]) if len(enough) else 1.0


def without_own(benchmark: Benchmark, cosine: Floats) -> Floats:
    """The best cosine of each query once its own product has left the gallery, ``[queries]``."""
    own = benchmark.gallery.products[None, :] == benchmark.queries.products[:, None]
    return np.asarray(np.where(own, -1.0, cosine).max(axis=1), dtype=np.float32)


def against(photos: Benchmark, catalogue: Benchmark, kept: NDArray[np.bool_]) -> Floats:
    """The best cosine of other photos in a catalogue that cannot hold them, ``[kept photos]``."""
    cosine = photos.gallery.embedding[photos.gallery.starts][kept] @ catalogue.gallery.embedding.T
    return np.asarray(cosine.max(axis=1), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what fusion weights and verdict thresholds are read off from.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets of photos")
    parser.add_argument("--model", type=Path, required=True, help="models/encoder/<version>")
    parser.add_argument("--detector", type=Path, help="models/detector/<version>; without it, whole frames only")
    options = parser.parse_args()
    found = benchmarks(LiteRtEncoder(options.model), options.data, LiteRtDetector(options.detector) if options.detector else None)
    weight_table(found)
    for benchmark in found:
        cosine = scores(benchmark, {"visual": 1.0})
        floor = np.percentile(without_own(benchmark, cosine), [5, 50, 95])
        threshold = same_product(benchmark, cosine)
        print(f"{benchmark.name}: same product from {threshold:.3f}; another one reaches {floor.round(3)} (5, 50, 95 %)")
    luma, studio, phone = found
    likeliest = studio.gallery.categories[studio.gallery.starts].argmax(axis=1)
    unlike = np.isin(likeliest, [LEAVES.index(name) for name in UNLIKE])
    clothes = np.ones(len(phone.gallery.starts), bool)
    print("phone photos of clothes in luma reach", np.percentile(against(phone, luma, clothes), [5, 50, 95]).round(3))
    print("shop photos of what luma does not sell reach", np.percentile(against(studio, luma, unlike), [5, 50, 95]).round(3))


if __name__ == "__main__":
    main()
