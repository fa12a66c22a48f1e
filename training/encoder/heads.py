"""The embedding's projection, fitted in closed form on the finished trunk: see :mod:`training.discriminant`."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.discriminant import instance_discriminant
from training.encoder.batches import bank
from training.encoder.photos import Photo
from training.encoder.views import Bank, Plan, Views, draw

PRODUCTS = 3072
VIEWS = (True, False, False)
"""Whether each view of a product is a gentle one."""
_AT_ONCE = 64


class _Seen(keras.Model):
    """From a plan of views to what a trunk says of them, compiled as one."""

    def __init__(self, trunk: keras.Model, bank: Bank) -> None:
        super().__init__(name="seen")
        self.trunk, self.views = trunk, Views(bank, int(trunk.input_shape[1]))

    def call(self, plan: Plan) -> object:
        images, _ = self.views(plan)
        return self.trunk(images, training=False)


def fit_embedding(served: keras.Model, photos: Sequence[Photo], masks: NDArray[np.uint8], seed: int) -> None:
    """Fit the ``embedding`` of a served network on views of training photos."""
    rng = np.random.default_rng(seed)
    taught = [row for row, photo in enumerate(photos) if not photo.held_back]
    chosen = rng.permutation(taught)[:PRODUCTS]
    photo_bank = bank([photos[row] for row in chosen], masks[chosen])
    seen = _Seen(keras.Model(served.input, served.get_layer("features").output), photo_bank)
    views = []
    for number, gentle in enumerate(VIEWS, 1):
        batches = []
        for start in track(range(0, len(chosen), _AT_ONCE), f"features for the embedding, {number} of {len(VIEWS)}"):
            rows = np.arange(start, min(start + _AT_ONCE, len(chosen)), dtype=np.int32)
            batches.append(np.asarray(seen.predict_on_batch(draw(photo_bank, rows, rng, gentle=gentle))))
        views.append(np.concatenate(batches))
    served.get_layer("embedding").set_weights(instance_discriminant(np.stack(views, axis=1), served.get_layer("embedding").units))
