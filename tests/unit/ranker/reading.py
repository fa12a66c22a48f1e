"""A reader of attributes with made-up weights, for features of any encoder."""

from __future__ import annotations

import numpy as np

from services.ranker.attributes import AttributeReader
from shoplens.domain import EncoderCard

ATTRIBUTES = {"gender": ("women", "men"), "season": ("spring", "summer", "winter")}
_STATE, _CONTEXT, _SYMBOL = 6, 5, 4


def made_up_reader(card: EncoderCard, seed: int = 3) -> AttributeReader:
    rng = np.random.default_rng(seed)
    seen = card.embedding_width + len(card.categories) + card.colour_width
    shapes = {
        "begin": (seen, _STATE),
        "context": (seen, _CONTEXT),
        "from_category": (len(card.categories), _SYMBOL),
        "unit_inputs": (_SYMBOL + _CONTEXT, 3 * _STATE),
        "unit_state": (_STATE, 3 * _STATE),
        "gender": (_STATE, 2),
        "from_gender": (2, _SYMBOL),
        "season": (_STATE, 3),
    }
    weights = {f"{name}_kernel": rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {f"{name}_bias": rng.normal(0, 1, shape[1]).astype(np.float32) for name, shape in shapes.items()}
    return AttributeReader(card.model, card.categories, ATTRIBUTES, weights)
