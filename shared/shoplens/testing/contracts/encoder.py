"""What every encoder does."""

from __future__ import annotations

import numpy as np
import pytest

from shoplens import deadlines
from shoplens.domain import WHOLE_FRAME, Box, Picture
from shoplens.errors import DeadlineExceeded
from shoplens.ports import Encoder
from shoplens.testing import pictures
from shoplens.testing.products import MIDDLE

CORNER = Box(0.0, 0.0, 0.5, 0.25)


class EncoderContract:
    """Asks for the fixture ``encoder``."""

    def test_the_card_stays_the_same(self, encoder: Encoder) -> None:
        assert encoder.card() == encoder.card()

    def test_features_are_as_the_card_says(self, encoder: Encoder) -> None:
        card = encoder.card()
        for features in encoder.encode(pictures.picture(1), [WHOLE_FRAME, MIDDLE]):
            assert features.embedding.shape == (card.embedding_width,)
            assert features.colour.shape == (card.colour_width,)
            assert features.categories.shape == (len(card.categories),)
            assert {features.embedding.dtype, features.colour.dtype, features.categories.dtype} == {np.dtype(np.float32)}

    def test_vectors_are_of_unit_length_and_probabilities_add_up(self, encoder: Encoder) -> None:
        for features in encoder.encode(pictures.picture(2), [WHOLE_FRAME, MIDDLE, CORNER]):
            assert np.linalg.norm(features.embedding) == pytest.approx(1.0, abs=1e-5)
            assert np.linalg.norm(features.colour) == pytest.approx(1.0, abs=1e-5)
            assert features.categories.min() >= 0.0
            assert features.categories.sum() == pytest.approx(1.0, abs=1e-3)

    def test_a_batch_is_its_singles_in_order(self, encoder: Encoder) -> None:
        picture, boxes = pictures.picture(3), [MIDDLE, WHOLE_FRAME, CORNER]
        together = encoder.encode(picture, boxes)
        assert len(together) == len(boxes)
        for box, batched in zip(boxes, together, strict=True):
            (single,) = encoder.encode(picture, [box])
            np.testing.assert_allclose(batched.embedding, single.embedding, atol=1e-4)
            np.testing.assert_allclose(batched.categories, single.categories, atol=1e-4)
            np.testing.assert_allclose(batched.colour, single.colour, atol=1e-4)

    def test_colours_are_as_alike_as_a_share_says(self, encoder: Encoder) -> None:
        colours = np.stack([encoder.encode(pictures.picture(number), [WHOLE_FRAME])[0].colour for number in range(1, 7)])
        alike = colours @ colours.T
        assert alike.min() > -0.1
        assert alike.max() < 1 + 1e-5

    def test_features_name_the_picture(self, encoder: Encoder) -> None:
        picture = pictures.picture(4)
        assert {features.content_hash for features in encoder.encode(picture, [WHOLE_FRAME, MIDDLE])} == {picture.content_hash}

    def test_no_boxes_no_features(self, encoder: Encoder) -> None:
        assert list(encoder.encode(pictures.picture(1), [])) == []

    def test_another_picture_is_something_else(self, encoder: Encoder) -> None:
        (one,) = encoder.encode(pictures.picture(1), [WHOLE_FRAME])
        (other,) = encoder.encode(pictures.picture(2), [WHOLE_FRAME])
        assert float(one.embedding @ other.embedding) < 0.999

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (1024, 3)])
    def test_no_shape_is_too_odd(self, encoder: Encoder, height: int, width: int) -> None:
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        for features in encoder.encode(Picture(pixels, "odd", width, height), [WHOLE_FRAME, Box(0.0, 0.0, 1e-6, 1e-6)]):
            assert np.isfinite(features.embedding).all()

    def test_nothing_is_done_for_nobody(self, encoder: Encoder) -> None:
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            encoder.encode(pictures.picture(1), [WHOLE_FRAME])
