"""How good a shipped encoder is, by itself: retrieval on three sets it never learned from, and its categories.

    python -m training.encoder.evaluate --data DIR --model models/encoder/4 --detector models/detector/4

- ``luma``: other views of the development catalogue against its main views; right when the style is. With a detector,
  the gallery holds its regions too, as the catalogue does, and an image counts by its best vector. Queries whose product's
  main photo was recoloured are left out (:mod:`training.encoder.luma`).
- ``studio``, ``phone``: held-back products, the photo against one made from it (see :mod:`training.encoder.views`).

``binary`` is the fusion again, of what the nearest of 32-byte vectors name alone. Intervals are 95 %, by bootstrap over products.
The whole path, with detector and index, is measured by ``make eval``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from shoplens.domain import WHOLE_FRAME, Features, Picture, Pixels
from training.encoder.batches import bank
from training.encoder.luma import recoloured
from training.encoder.masks import mask_of
from training.encoder.photos import training_photos
from training.encoder.views import pictures

Floats = NDArray[np.float32]

REGION_SCORE, REGIONS, NEARLY_WHOLE = 0.5, 3, 0.85
"""Which regions of a catalogue photo get a vector, as in services/ingest: those this likely, so many, and not the whole photo."""
BITS, SHORTLIST = 256, 100
"""Of a binary vector, and how many of the nearest are looked at again."""


@dataclass(frozen=True, slots=True)
class Views:
    """Features of ``n`` photos as arrays ``[vectors, width]``, of each its whole frame and then its regions.

    starts: ``[n]``, each photo's first vector. products: ``[n]``, what each photo shows.
    """

    embedding: Floats
    colour: Floats
    categories: Floats
    starts: NDArray[np.intp]
    products: NDArray[np.str_]

    @classmethod
    def of(cls, encoder: LiteRtEncoder, photos: Sequence[Pixels], products: Sequence[str], detector: LiteRtDetector | None = None) -> Views:
        found = [_features(encoder, pixels, detector) for pixels in photos]
        vectors = [features for each in found for features in each]
        return cls(
            np.stack([features.embedding for features in vectors]),
            np.stack([features.colour for features in vectors]),
            np.stack([features.categories for features in vectors]),
            np.cumsum([0, *(len(each) for each in found[:-1])]),
            np.array(products),
        )


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Queries and the gallery in which each has at least one right answer."""

    name: str
    queries: Views
    gallery: Views


def _features(encoder: LiteRtEncoder, pixels: Pixels, detector: LiteRtDetector | None = None) -> list[Features]:
    picture = Picture(pixels=pixels, content_hash="", width=pixels.shape[1], height=pixels.shape[0])
    found = detector.detect(picture) if detector else []
    boxes = [region.box for region in found if region.score >= REGION_SCORE and region.box.area <= NEARLY_WHOLE][:REGIONS]
    return encoder.encode(picture, [WHOLE_FRAME, *boxes])


def luma(encoder: LiteRtEncoder, data: Path, detector: LiteRtDetector | None = None) -> Benchmark:
    """The development catalogue: main views in the gallery, all others as queries, products are styles."""
    folder = data / "catalogue_luma"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    dyed = recoloured()
    rows = [row for row in rows if row["view"] == "main" or row["product_id"] not in dyed]

    def views(main: bool, regions: LiteRtDetector | None) -> Views:
        chosen = [row for row in rows if (row["view"] == "main") is main]
        photos = [_read(folder / row["path"]) for row in chosen]
        return Views.of(encoder, photos, [row["style_id"] for row in chosen], regions)

    return Benchmark("luma", views(False, None), views(True, detector))


def held_back(encoder: LiteRtEncoder, data: Path, origin: str, name: str, seed: int = 11) -> Benchmark:
    """Held-back photos of one data set against hard views of the same."""
    held = [photo for photo in training_photos(data) if photo.held_back]
    held.sort(key=lambda photo: photo.origin != origin)
    photos = [photo for photo in held if photo.origin == origin]
    # The phone photos come along in any case: their floors are the new backgrounds.
    made_from = bank(held, np.stack([mask_of(photo) for photo in held]))
    changed = pictures(made_from, np.arange(len(photos), dtype=np.int32), np.random.default_rng(seed), 224, gentle=False)
    products = [photo.product for photo in photos]
    return Benchmark(name, Views.of(encoder, changed, products), Views.of(encoder, [photo.read() for photo in photos], products))


def scores(benchmark: Benchmark, weights: Mapping[str, float]) -> Floats:
    """The ranker's weighted sum, ``[queries, gallery photos]``: of each photo, its vector that matches best."""
    query, gallery = benchmark.queries, benchmark.gallery
    total = weights.get("visual", 0.0) * (query.embedding @ gallery.embedding.T)
    total = total + weights.get("colour", 0.0) * (query.colour @ gallery.colour.T)
    total = total + weights.get("category", 0.0) * (query.categories @ gallery.categories.T)
    return np.asarray(np.maximum.reduceat(total, gallery.starts, axis=1), dtype=np.float32)


def hits(benchmark: Benchmark, score: Floats, top: int) -> NDArray[np.bool_]:
    """For each query, whether its product is among the first ``top``, ``[queries]``."""
    best = np.argsort(-score, axis=1, kind="stable")[:, :top]
    return np.asarray((benchmark.gallery.products[best] == benchmark.queries.products[:, None]).any(axis=1))


def interval(right: NDArray[np.bool_], products: NDArray[np.str_], seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean of ``right``, by bootstrap over products."""
    rng = np.random.default_rng(seed)
    _, group = np.unique(products, return_inverse=True)
    sums, counts = np.bincount(group, right), np.bincount(group)
    picks = rng.integers(len(counts), size=(2000, len(counts)))
    low, high = np.percentile(sums[picks].sum(axis=1) / counts[picks].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def binary(embedding: Floats) -> NDArray[np.uint8]:
    """32 bytes a vector: the signs of 256 directions that overlap as little as can be, ``uint8 [n, 32]``."""
    width = embedding.shape[1]
    square = np.linalg.qr(np.random.default_rng(BITS).normal(size=(BITS, BITS)))[0]
    return np.packbits(embedding @ square[:width] > 0, axis=1)


def shortlisted(benchmark: Benchmark, score: Floats) -> Floats:
    """``score`` of the photos that the ``SHORTLIST`` nearest binary vectors name; −1 of all others: what re-ranking would see."""
    query, gallery = binary(benchmark.queries.embedding), binary(benchmark.gallery.embedding)
    photo = np.searchsorted(benchmark.gallery.starts, np.arange(len(gallery)), side="right") - 1
    kept = np.full_like(score, -1.0)
    for row, code in enumerate(query):
        away = np.unpackbits(code ^ gallery, axis=1).sum(axis=1)
        named = np.unique(photo[np.argsort(away, kind="stable")[:SHORTLIST]])
        kept[row, named] = score[row, named]
    return kept


def report(benchmark: Benchmark, fusion: Mapping[str, float]) -> None:
    """Print R@1, R@10 and R@200 of each part alone, of the fusion, and of the fusion after a search by binary vectors."""
    parts = {part: scores(benchmark, {part: 1.0}) for part in ("visual", "colour")}
    parts["fused"] = scores(benchmark, fusion)
    parts["binary"] = shortlisted(benchmark, parts["fused"])
    for part, score in parts.items():
        line = f"{benchmark.name:8s} {part:8s} n={len(score)}"
        for top in (1, 10, 200):
            right = hits(benchmark, score, top)
            low, high = interval(right, benchmark.queries.products)
            line += f"  R@{top} {right.mean():.3f} [{low:.3f}, {high:.3f}]"
        print(line)


def category_accuracy(encoder: LiteRtEncoder, data: Path, origin: str) -> None:
    """Print how often the likeliest leaf is the label, on held-back photos."""
    photos = [photo for photo in training_photos(data) if photo.held_back and photo.origin == origin and photo.category >= 0]
    right = np.array([int(_features(encoder, photo.read())[0].categories.argmax()) == photo.category for photo in photos])
    low, high = interval(right, np.array([photo.product for photo in photos]))
    print(f"{origin} category top-1 {right.mean():.3f} [{low:.3f}, {high:.3f}] n={len(right)}")


def benchmarks(encoder: LiteRtEncoder, data: Path, detector: LiteRtDetector | None = None) -> list[Benchmark]:
    """All three, encoded."""
    return [
        luma(encoder, data, detector),
        held_back(encoder, data, "studio_products", "studio"),
        held_back(encoder, data, "clothing_cc0", "phone"),
    ]


def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f"{path}: not there, or not a picture")
    return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a shipped encoder on photos it never learned from.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets of photos")
    parser.add_argument("--model", type=Path, required=True, help="models/encoder/<version>")
    parser.add_argument("--detector", type=Path, help="models/detector/<version>; without it, whole frames only")
    options = parser.parse_args()
    encoder = LiteRtEncoder(options.model)
    detector = LiteRtDetector(options.detector) if options.detector else None
    fusion = encoder.manifest.parameters["fusion"]
    for benchmark in benchmarks(encoder, options.data, detector):
        report(benchmark, fusion)
    for origin in ("studio_products", "clothing_cc0"):
        category_accuracy(encoder, options.data, origin)


if __name__ == "__main__":
    main()
