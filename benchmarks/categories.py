"""How often the category is right on phone photos from senders never seen: by the model, by the neighbours' vote, by both fused.

The catalogue is what the other senders photographed, under their own 17 category names, which become leaves of the taxonomy as
a shop's do; a photo is right when its likeliest leaf is that of its label. Whole frames, exact search.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import track

from benchmarks.failures import confusions, contact_sheet
from benchmarks.retrieval import interval
from services.encoder.engine import LiteRtEncoder
from services.ranker.category import fuse, model_posterior, neighbour_vote
from services.ranker.weights import RankingWeights
from shoplens.domain import WHOLE_FRAME, Features, Picture
from shoplens.model_store import model_folder
from shoplens.taxonomy import taxonomy
from training.encoder.photos import LEAVES, Photo, training_photos


class _Neighbour(NamedTuple):
    """What a vote needs of a hit."""

    product_id: str
    similarity: float
    node: str


def measured(data: Path, figures: Path) -> dict[str, float]:
    """The table of ``make eval`` for categories: name → number, on the held-back senders of ``data/clothing_cc0``; what is taken for what,
    and the photos that are taken for something else, drawn into ``figures``."""
    encoder, rules = LiteRtEncoder(model_folder("encoder")), RankingWeights.load().vote
    photos = [photo for photo in training_photos(data) if photo.origin == "clothing_cc0" and photo.category >= 0]
    catalogue = [photo for photo in photos if not photo.held_back]
    queries = [photo for photo in photos if photo.held_back]
    gallery = np.stack([_features(encoder, photo).embedding for photo in track(catalogue, "the catalogue's photos")])
    right: dict[str, list[bool]] = {"model": [], "vote": [], "fused": []}
    told: list[str] = []
    for query in track(queries, "asking for categories"):
        features = _features(encoder, query)
        similarity = gallery @ features.embedding
        nearest = np.argsort(-similarity)[: rules.neighbours]
        hits = [_Neighbour(catalogue[row].product, float(similarity[row]), LEAVES[catalogue[row].category]) for row in nearest]
        model = model_posterior([features], LEAVES)
        vote = neighbour_vote(hits, taxonomy(), rules.neighbours)
        fused = fuse(model, vote, rules.share)
        for name, said in (("model", model), ("vote", vote), ("fused", fused)):
            right[name].append(max(said, key=said.__getitem__) == LEAVES[query.category])
        told.append(max(fused, key=fused.__getitem__))
    wanted = [LEAVES[query.category] for query in queries]
    confusions(wanted, told, figures / "categories.png")
    wrong = [(query.read(), f"{label}, said: {said}") for query, label, said in zip(queries, wanted, told, strict=True) if label != said]
    contact_sheet([[shown] for shown in wrong], figures / "category_failures.png", across=8)
    report: dict[str, float] = {"phone_photos": len(queries), "phone_catalogue": len(catalogue)}
    for name, outcomes in right.items():
        low, high = interval(np.array(outcomes), [query.product for query in queries])
        report |= {
            f"phone_category_{name}": float(np.mean(outcomes)),
            f"phone_category_{name}_low": low,
            f"phone_category_{name}_high": high,
        }
    return report


def _features(encoder: LiteRtEncoder, photo: Photo) -> Features:
    pixels = photo.read()
    picture = Picture(pixels=pixels, content_hash="", width=pixels.shape[1], height=pixels.shape[0])
    return encoder.encode(picture, [WHOLE_FRAME])[0]
