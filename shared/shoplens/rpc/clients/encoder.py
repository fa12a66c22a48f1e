"""The encoder over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens.api.encoder.v1 import encoder_pb2, encoder_pb2_grpc
from shoplens.domain import Box, EncoderCard, Features, Picture
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.features import unpack_card, unpack_features
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.pictures import pack_box, pack_picture


class EncoderClient(Client):
    """Implements ``ports.Encoder``."""

    part = "encoder"
    service = encoder_pb2.DESCRIPTOR.services_by_name["EncoderService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = encoder_pb2_grpc.EncoderServiceStub(self._channel)

    def card(self) -> EncoderCard:
        return unpack_card(self._call(self._stub.GetCard, encoder_pb2.GetCardRequest()).card)

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        with packing():
            request = encoder_pb2.EncodeRequest(picture=pack_picture(picture), boxes=[pack_box(box) for box in boxes])
        return [unpack_features(features) for features in self._call(self._stub.Encode, request).features]
