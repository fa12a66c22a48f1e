"""Writes on their way to the catalogue, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.domain import Position, PreparedPatch, PreparedPut, ProductDeletion, ProductDraft, ProductPatch, Write, WriteOutcome
from shoplens.errors import BY_REASON, InternalError, InvalidArgument
from shoplens.rpc.convert.index import pack_indexed_image, source_of, unpack_indexed_image
from shoplens.rpc.convert.products import pack_changes, pack_details, unpack_changes, unpack_details
from shoplens.rpc.limits import MAX_MESSAGE_BYTES

_ENVELOPE_BYTES: Final = 16
"""What a message within a message takes beside itself."""


def pack_put(put: PreparedPut) -> catalogue_pb2.PutProductRequest:
    return catalogue_pb2.PutProductRequest(
        id=put.draft.id,
        details=pack_details(put.draft.details),
        version=put.draft.version,
        node=put.node,
        images=[pack_indexed_image(image) for image in put.images],
        model=put.model,
    )


def unpack_put(message: catalogue_pb2.PutProductRequest) -> PreparedPut:
    images = tuple(unpack_indexed_image(image) for image in message.images)
    version = message.version if message.HasField("version") else None
    draft = ProductDraft(message.id, unpack_details(message.details), tuple(source_of(image) for image in images), version)
    return PreparedPut(draft, message.node, images, message.model)


def pack_patch(prepared: PreparedPatch) -> catalogue_pb2.PatchProductRequest:
    patch = prepared.patch
    return catalogue_pb2.PatchProductRequest(id=patch.id, changes=pack_changes(patch.changes), version=patch.version, node=prepared.node)


def unpack_patch(message: catalogue_pb2.PatchProductRequest) -> PreparedPatch:
    version = message.version if message.HasField("version") else None
    patch = ProductPatch(message.id, unpack_changes(message.changes), version)
    return PreparedPatch(patch, message.node if message.HasField("node") else None)


def pack_write(write: Write) -> catalogue_pb2.Write:
    message = catalogue_pb2.Write()
    match write.change:
        case PreparedPut() as put:
            message.put.CopyFrom(pack_put(put))
        case PreparedPatch() as patch:
            message.patch.CopyFrom(pack_patch(patch))
        case ProductDeletion() as deletion:
            message.delete.CopyFrom(catalogue_pb2.Deletion(id=deletion.id, version=deletion.version))
    if write.position is not None:
        message.log, message.offset = write.position.log, write.position.offset
    return message


def write_requests(writes: Sequence[Write]) -> Iterator[catalogue_pb2.ApplyWritesRequest]:
    """The writes in as few messages as their pictures allow."""
    request, size = catalogue_pb2.ApplyWritesRequest(), 0
    for write in writes:
        message = pack_write(write)
        weight = message.ByteSize() + _ENVELOPE_BYTES
        if request.writes and size + weight > MAX_MESSAGE_BYTES:
            yield request
            request, size = catalogue_pb2.ApplyWritesRequest(), 0
        request.writes.append(message)
        size += weight
    if request.writes:
        yield request


def unpack_write(message: catalogue_pb2.Write) -> Write:
    position = Position(message.log, message.offset) if message.log else None
    match message.WhichOneof("change"):
        case "put":
            return Write(unpack_put(message.put), position)
        case "patch":
            return Write(unpack_patch(message.patch), position)
        case "delete":
            version = message.delete.version if message.delete.HasField("version") else None
            return Write(ProductDeletion(message.delete.id, version), position)
        case _:
            raise InvalidArgument("A write puts, patches or deletes a product; set one of them.")


def pack_outcome(outcome: WriteOutcome) -> catalogue_pb2.WriteOutcome:
    if outcome.error is None:
        return catalogue_pb2.WriteOutcome(changed=outcome.changed)
    return catalogue_pb2.WriteOutcome(reason=outcome.error.reason, message=outcome.error.message)


def unpack_outcome(message: catalogue_pb2.WriteOutcome) -> WriteOutcome:
    error = BY_REASON.get(message.reason, InternalError)(message.message) if message.reason else None
    return WriteOutcome(message.changed, error)
