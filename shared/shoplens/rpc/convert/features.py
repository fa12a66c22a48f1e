"""What the encoder makes of a box, and what its outputs mean."""

from __future__ import annotations

from shoplens.api.encoder.v1 import encoder_pb2
from shoplens.domain import EncoderCard, Features
from shoplens.rpc.convert.packing import pack_vector, unpack_vector


def pack_features(features: Features) -> encoder_pb2.Features:
    return encoder_pb2.Features(
        embedding=pack_vector(features.embedding),
        categories=pack_vector(features.categories),
        colour=pack_vector(features.colour),
        content_hash=features.content_hash,
    )


def unpack_features(message: encoder_pb2.Features) -> Features:
    return Features(
        embedding=unpack_vector(message.embedding),
        categories=unpack_vector(message.categories),
        colour=unpack_vector(message.colour),
        content_hash=message.content_hash,
    )


def pack_card(card: EncoderCard) -> encoder_pb2.EncoderCard:
    return encoder_pb2.EncoderCard(
        name=card.name,
        version=card.version,
        embedding_width=card.embedding_width,
        colour_width=card.colour_width,
        categories=card.categories,
        palette={name: pack_vector(signature) for name, signature in card.palette.items()},
    )


def unpack_card(message: encoder_pb2.EncoderCard) -> EncoderCard:
    palette = {name: unpack_vector(signature) for name, signature in message.palette.items()}
    return EncoderCard(message.name, message.version, message.embedding_width, message.colour_width, tuple(message.categories), palette)
