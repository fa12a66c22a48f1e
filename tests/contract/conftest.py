"""The shipped models, loaded once."""

from __future__ import annotations

import pytest

from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from shoplens.model_store import model_folder


@pytest.fixture(scope="session")
def litert_detector() -> LiteRtDetector:
    return LiteRtDetector(model_folder("detector"), threads=1)


@pytest.fixture(scope="session")
def litert_encoder() -> LiteRtEncoder:
    return LiteRtEncoder(model_folder("encoder"), threads=1)
