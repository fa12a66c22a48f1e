"""How well attributes are read of products that taught nothing, through the reader that serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.attributes import AttributeReader
from shoplens.domain import Features
from training.attributes.lessons import Lessons

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Score:
    """Of all that the shop says, what was read. precision: of what was said, the share that is right. recall: of what could be said, the
    share that was said and is right. low, high: the 95 % interval of precision, by bootstrap over products.
    """

    precision: float
    recall: float
    number: int
    low: float
    high: float


def scores(reader: AttributeReader, lessons: Lessons, *, sure: float = 0.0, forced: bool = False) -> dict[str, Score]:
    """By attribute, and of ``all`` together. sure: what is less likely is left unsaid, 0..1. forced: the shop's category comes first,
    where otherwise the encoder's posterior does."""
    right: dict[str, list[bool]] = {name: [] for name in reader.attributes}
    said: dict[str, list[bool]] = {name: [] for name in reader.attributes}
    products: dict[str, list[int]] = {name: [] for name in reader.attributes}
    for row in np.flatnonzero(lessons.held_back & (lessons.kinds >= 0)):
        features = Features(lessons.embedding[row, 0], lessons.categories[row, 0], lessons.colour[row, 0], "")
        posterior = dict(zip(reader.categories, features.categories.tolist(), strict=True))
        category = {reader.categories[lessons.kinds[row]]: 1.0} if forced else posterior
        for guess, label in zip(reader.read(features, category), lessons.labels[row].tolist(), strict=True):
            if label >= 0:
                products[guess.name].append(int(row))
                said[guess.name].append(guess.probability >= sure)
                right[guess.name].append(guess.value == reader.attributes[guess.name][label])
    parts = {name: (np.array(right[name]), np.array(said[name]), np.array(products[name])) for name in reader.attributes}
    answered, spoken, rows = (np.concatenate(each) for each in zip(*parts.values(), strict=True))
    return {name: _score(*part) for name, part in parts.items()} | {"all": _score(answered, spoken, rows)}


def _score(right: NDArray[np.bool_], said: NDArray[np.bool_], products: NDArray[np.int64]) -> Score:
    hits, answers = (right & said).astype(np.int64), said.astype(np.int64)
    precision, recall = hits.sum() / max(answers.sum(), 1), hits.sum() / max(len(right), 1)
    _, place = np.unique(products, return_inverse=True)
    hit, answered = np.bincount(place, hits), np.bincount(place, answers)
    drawn = np.random.default_rng(0).integers(len(hit), size=(_RESAMPLES, len(hit)))
    low, high = np.percentile(hit[drawn].sum(axis=1) / np.maximum(answered[drawn].sum(axis=1), 1), [2.5, 97.5])
    return Score(float(precision), float(recall), len(right), float(low), float(high))
