"""The detector over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.detector.v1 import detector_pb2 as pb
from shoplens.api.detector.v1 import detector_pb2_grpc
from shoplens.ports import Detector
from shoplens.rpc.convert.pictures import pack_region, unpack_picture
from shoplens.rpc.server import Mount


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class DetectorServicer(detector_pb2_grpc.DetectorServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def GetModel(self, request: pb.GetModelRequest, context: grpc.ServicerContext) -> pb.GetModelResponse:
        return pb.GetModelResponse(model=self._detector.model())

    def Detect(self, request: pb.DetectRequest, context: grpc.ServicerContext) -> pb.DetectResponse:
        category = request.category if request.HasField("category") else None
        regions = self._detector.detect(unpack_picture(request.picture), category=category)
        return pb.DetectResponse(regions=[pack_region(region) for region in regions])


def mount(detector: Detector) -> Mount:
    """The detector's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["DetectorService"].full_name
    return Mount(name, partial(detector_pb2_grpc.add_DetectorServiceServicer_to_server, DetectorServicer(detector)))
