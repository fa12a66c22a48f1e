"""The detector over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens.api.detector.v1 import detector_pb2, detector_pb2_grpc
from shoplens.domain import Picture, Region
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.pictures import pack_picture, unpack_region
from shoplens.rpc.identity import Identity


class DetectorClient(Client):
    """Implements ``ports.Detector``."""

    part = "detector"
    service = detector_pb2.DESCRIPTOR.services_by_name["DetectorService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = detector_pb2_grpc.DetectorServiceStub(self._channel)

    def model(self) -> str:
        return self._ask(self._stub.GetModel, detector_pb2.GetModelRequest(), lambda answer: _named(answer.model))

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        with packing():
            request = detector_pb2.DetectRequest(picture=pack_picture(picture), category=category)
        return self._ask(self._stub.Detect, request, lambda answer: [unpack_region(region) for region in answer.regions])


def _named(model: str) -> str:
    if not model:
        raise ValueError("a model has a name")
    return model
