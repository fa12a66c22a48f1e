from __future__ import annotations

import pytest

from services.copies.keypoints import KeypointExtractor
from shoplens.model_store import model_folder


@pytest.fixture(scope="session")
def extractor() -> KeypointExtractor:
    """The shipped one."""
    return KeypointExtractor.load(model_folder("copies") / "keypoints.npz")
