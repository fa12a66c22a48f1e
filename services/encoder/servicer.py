"""The encoder over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.encoder.v1 import encoder_pb2 as pb
from shoplens.api.encoder.v1 import encoder_pb2_grpc
from shoplens.ports import Encoder
from shoplens.rpc.convert.features import pack_card, pack_features
from shoplens.rpc.convert.pictures import unpack_box, unpack_picture
from shoplens.rpc.server import Mount


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class EncoderServicer(encoder_pb2_grpc.EncoderServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def GetCard(self, request: pb.GetCardRequest, context: grpc.ServicerContext) -> pb.GetCardResponse:
        return pb.GetCardResponse(card=pack_card(self._encoder.card()))

    def Encode(self, request: pb.EncodeRequest, context: grpc.ServicerContext) -> pb.EncodeResponse:
        features = self._encoder.encode(unpack_picture(request.picture), [unpack_box(box) for box in request.boxes])
        return pb.EncodeResponse(features=[pack_features(each) for each in features])


def mount(encoder: Encoder) -> Mount:
    """The encoder's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["EncoderService"].full_name
    return Mount(name, partial(encoder_pb2_grpc.add_EncoderServiceServicer_to_server, EncoderServicer(encoder)))
