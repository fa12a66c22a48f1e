"""The detector's contract: the fake and the shipped model, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.detector.servicer import mount
from shoplens.ports import Detector
from shoplens.rpc.clients import DetectorClient
from shoplens.testing.contracts.detector import DetectorContract
from shoplens.testing.fakes import FakeDetector
from tests.contract.served import ROUTES, served


@pytest.fixture(scope="module", params=["fake", "LiteRT"])
def implementation(request: pytest.FixtureRequest) -> Detector:
    return FakeDetector() if request.param == "fake" else request.getfixturevalue("litert_detector")


@pytest.fixture(scope="module", params=ROUTES)
def detector(request: pytest.FixtureRequest, implementation: Detector) -> Iterator[Detector]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), DetectorClient) as client:
        yield client


class TestDetector(DetectorContract):
    pass
