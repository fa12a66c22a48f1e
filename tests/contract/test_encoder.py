"""The encoder's contract: the fake and the shipped model, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.encoder.servicer import mount
from shoplens.ports import Encoder
from shoplens.rpc.clients import EncoderClient
from shoplens.testing.contracts.encoder import EncoderContract
from shoplens.testing.fakes import FakeEncoder
from tests.contract.served import ROUTES, served


@pytest.fixture(scope="module", params=["fake", "LiteRT"])
def implementation(request: pytest.FixtureRequest) -> Encoder:
    return FakeEncoder() if request.param == "fake" else request.getfixturevalue("litert_encoder")


@pytest.fixture(scope="module", params=ROUTES)
def encoder(request: pytest.FixtureRequest, implementation: Encoder) -> Iterator[Encoder]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), EncoderClient) as client:
        yield client


class TestEncoder(EncoderContract):
    pass
