"""The shipped models, loaded once."""

from __future__ import annotations

import pytest

from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from shoplens.cores import Cores
from shoplens.model_store import model_folder


@pytest.fixture(scope="session")
def litert_detector() -> LiteRtDetector:
    return LiteRtDetector(model_folder("detector"), Cores(1))


@pytest.fixture(scope="session")
def litert_encoder() -> LiteRtEncoder:
    return LiteRtEncoder(model_folder("encoder"), Cores(1))
