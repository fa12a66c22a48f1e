"""What every finder of copies does."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from shoplens import deadlines
from shoplens.domain import Picture
from shoplens.errors import DeadlineExceeded
from shoplens.images import decode
from shoplens.ports import Copies
from shoplens.testing import pictures

ROWS = 4


def shot(seed: int, *, mirrored: bool = False, quality: int | None = None) -> Picture:
    """A made-up page of garments, no two alike, perhaps mirrored, perhaps saved as JPEG: local features need something to see."""
    garments = [pictures.garment(1000 * seed + place) for place in range(ROWS * ROWS)]
    rows = [np.hstack(garments[ROWS * row : ROWS * (row + 1)]) for row in range(ROWS)]
    image = Image.fromarray(np.vstack(rows))
    if mirrored:
        image = ImageOps.mirror(image)
    encoded = BytesIO()
    if quality is None:
        image.save(encoded, "PNG")
    else:
        image.save(encoded, "JPEG", quality=quality)
    return decode(encoded.getvalue())


class CopiesContract:
    """Asks for the fixture ``copies``, which knows nothing yet."""

    def test_the_same_file_is_the_likeliest_copy_and_says_that_nothing_changed(self, copies: Copies) -> None:
        for seed in range(3):
            copies.add(shot(seed))
        best = copies.find(shot(1))[0]
        assert (best.content_hash, best.exact, best.probability) == (shot(1).content_hash, True, 1.0)
        assert (best.change.flipped, best.change.overlap, best.change.amount) == (False, 1.0, 0.0)

    def test_a_picture_saved_anew_is_an_edited_copy(self, copies: Copies) -> None:
        for seed in range(3):
            copies.add(shot(seed))
        found = copies.find(shot(2, quality=85))
        assert [(copy.content_hash, copy.exact) for copy in found] == [(shot(2).content_hash, False)]
        assert found[0].change.affine[0] == pytest.approx((1.0, 0.0, 0.0), abs=0.02)

    def test_a_mirror_image_is_found_and_said_to_be_one(self, copies: Copies) -> None:
        copies.add(shot(4))
        (found,) = copies.find(shot(4, mirrored=True))
        assert found.change.flipped
        assert found.change.affine[0] == pytest.approx((-1.0, 0.0, 1.0), abs=0.02)

    def test_a_stranger_is_no_copy(self, copies: Copies) -> None:
        for seed in range(3):
            copies.add(shot(seed))
        assert not copies.find(shot(9))

    def test_only_pictures_named_are_looked_at(self, copies: Copies) -> None:
        for seed in range(2):
            copies.add(shot(seed))
        wanted = shot(1, quality=85)
        assert not copies.among(wanted, [shot(0).content_hash])
        assert [copy.content_hash for copy in copies.among(wanted, [shot(0).content_hash, shot(1).content_hash])] == [shot(1).content_hash]

    def test_what_is_not_known_is_told(self, copies: Copies) -> None:
        copies.add(shot(0))
        copies.add(shot(0))
        assert list(copies.missing([shot(1).content_hash, shot(0).content_hash])) == [shot(1).content_hash]

    def test_as_many_as_wanted_are_answered(self, copies: Copies) -> None:
        for quality in (80, 90):
            copies.add(shot(3, quality=quality))
        assert len(copies.find(shot(3), limit=1)) == 1

    def test_nothing_is_done_for_nobody(self, copies: Copies) -> None:
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            copies.find(shot(0))
