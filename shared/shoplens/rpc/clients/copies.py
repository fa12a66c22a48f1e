"""The finder of copies over gRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoplens.api.copies.v1 import copies_pb2, copies_pb2_grpc
from shoplens.domain import Copy, Picture
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.copies import unpack_copy
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.pictures import pack_picture
from shoplens.rpc.identity import Identity


class CopiesClient(Client):
    """Implements ``ports.Copies``."""

    part = "copies"
    service = copies_pb2.DESCRIPTOR.services_by_name["CopiesService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = copies_pb2_grpc.CopiesServiceStub(self._channel)

    def add(self, picture: Picture) -> None:
        with packing():
            request = copies_pb2.AddPictureRequest(picture=pack_picture(picture))
        self._call(self._stub.AddPicture, request)

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        with packing():
            request = copies_pb2.FindMissingRequest(content_hashes=content_hashes)
        return self._ask(self._stub.FindMissing, request, lambda answer: list(answer.content_hashes))

    def find(self, picture: Picture, *, limit: int = 100) -> Sequence[Copy]:
        with packing():
            request = copies_pb2.FindCopiesRequest(picture=pack_picture(picture), limit=limit)
        return self._ask(self._stub.FindCopies, request, lambda answer: [unpack_copy(copy) for copy in answer.copies])

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        with packing():
            request = copies_pb2.FindCopiesAmongRequest(picture=pack_picture(picture), content_hashes=content_hashes)
        return self._ask(self._stub.FindCopiesAmong, request, lambda answer: [unpack_copy(copy) for copy in answer.copies])

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        with packing():
            request = copies_pb2.GetGroupsRequest(content_hashes=content_hashes)
        return self._ask(self._stub.GetGroups, request, lambda answer: dict(answer.groups))
