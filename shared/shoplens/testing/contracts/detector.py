"""What every detector does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from shoplens import deadlines
from shoplens.domain import Picture
from shoplens.errors import DeadlineExceeded, UnknownCategory
from shoplens.ports import Detector
from shoplens.taxonomy import taxonomy
from shoplens.testing import pictures


class DetectorContract:
    """Asks for the fixture ``detector``."""

    def test_it_names_its_model_and_the_models_version(self, detector: Detector) -> None:
        name, _, version = detector.model().rpartition("-")
        assert name
        assert version

    def test_regions_come_best_first_and_are_groups_of_the_taxonomy(self, detector: Detector) -> None:
        regions = detector.detect(pictures.picture(1))
        assert all(better.score >= worse.score for better, worse in pairwise(regions))
        assert all(0.0 <= region.score <= 1.0 for region in regions)
        assert {region.category for region in regions} <= set(taxonomy().groups)

    def test_the_same_picture_gives_the_same_regions(self, detector: Detector) -> None:
        assert list(detector.detect(pictures.picture(2))) == list(detector.detect(pictures.picture(2)))

    def test_a_guide_leaves_only_its_group(self, detector: Detector) -> None:
        regions = detector.detect(pictures.picture(1), category="shoes")
        assert {region.category for region in regions} <= {"shoes"}

    def test_an_unknown_guide_is_refused(self, detector: Detector) -> None:
        with pytest.raises(UnknownCategory, match="'spaceship'"):
            detector.detect(pictures.picture(1), category="spaceship")

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (1024, 3)])
    def test_no_shape_is_too_odd(self, detector: Detector, height: int, width: int) -> None:
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        for region in detector.detect(Picture(pixels, "odd", width, height)):
            assert region.box.area > 0

    def test_nothing_is_done_for_nobody(self, detector: Detector) -> None:
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            detector.detect(pictures.picture(1))
