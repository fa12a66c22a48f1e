"""The encoder over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoplens.api.encoder.v1 import encoder_pb2, encoder_pb2_grpc
from shoplens.domain import Box, EncoderCard, Features, Picture
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.features import unpack_card, unpack_features
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.pictures import pack_box, pack_picture
from shoplens.rpc.identity import Identity


class EncoderClient(Client):
    """Implements ``ports.Encoder``."""

    part = "encoder"
    service = encoder_pb2.DESCRIPTOR.services_by_name["EncoderService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = encoder_pb2_grpc.EncoderServiceStub(self._channel)

    def card(self) -> EncoderCard:
        return self._ask(self._stub.GetCard, encoder_pb2.GetCardRequest(), lambda answer: unpack_card(answer.card))

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        with packing():
            request = encoder_pb2.EncodeRequest(picture=pack_picture(picture), boxes=[pack_box(box) for box in boxes])
        return self._ask(self._stub.Encode, request, lambda answer: _unpack(answer, len(boxes)))


def _unpack(answer: encoder_pb2.EncodeResponse, boxes: int) -> Sequence[Features]:
    features = [unpack_features(each) for each in answer.features]
    if len(features) != boxes or not all(np.isfinite(each.embedding).all() for each in features):
        raise ValueError("an embedding of numbers is expected for each box")
    return features
