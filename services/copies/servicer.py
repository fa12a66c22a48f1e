"""The finder of copies over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.copies.v1 import copies_pb2 as pb
from shoplens.api.copies.v1 import copies_pb2_grpc
from shoplens.ports import Copies
from shoplens.rpc.convert.copies import pack_copy
from shoplens.rpc.convert.pictures import unpack_picture
from shoplens.rpc.server import Mount

LIMIT = 100
"""Copies answered, where the request does not say."""


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class CopiesServicer(copies_pb2_grpc.CopiesServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def AddPicture(self, request: pb.AddPictureRequest, context: grpc.ServicerContext) -> pb.AddPictureResponse:
        self._copies.add(unpack_picture(request.picture))
        return pb.AddPictureResponse()

    def FindMissing(self, request: pb.FindMissingRequest, context: grpc.ServicerContext) -> pb.FindMissingResponse:
        return pb.FindMissingResponse(content_hashes=self._copies.missing(list(request.content_hashes)))

    def FindCopies(self, request: pb.FindCopiesRequest, context: grpc.ServicerContext) -> pb.FindCopiesResponse:
        limit = request.limit if request.HasField("limit") else LIMIT
        return pb.FindCopiesResponse(copies=map(pack_copy, self._copies.find(unpack_picture(request.picture), limit=limit)))

    def FindCopiesAmong(self, request: pb.FindCopiesAmongRequest, context: grpc.ServicerContext) -> pb.FindCopiesAmongResponse:
        copies = self._copies.among(unpack_picture(request.picture), list(request.content_hashes))
        return pb.FindCopiesAmongResponse(copies=map(pack_copy, copies))

    def GetGroups(self, request: pb.GetGroupsRequest, context: grpc.ServicerContext) -> pb.GetGroupsResponse:
        return pb.GetGroupsResponse(groups=self._copies.groups(list(request.content_hashes)))


def mount(copies: Copies) -> Mount:
    """The service of copies, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["CopiesService"].full_name
    return Mount(name, partial(copies_pb2_grpc.add_CopiesServiceServicer_to_server, CopiesServicer(copies)))
