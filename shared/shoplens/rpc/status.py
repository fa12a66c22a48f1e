"""Errors across the wire: a :class:`ShoplensError` leaves as ``google.rpc.Status`` and is rebuilt as the same class.

``ErrorInfo`` carries the error's reason under the domain "shoplens", ``RetryInfo`` the seconds to wait. A failure that gRPC
itself reports (nobody there, too late, too large) becomes the nearest error of the tree, with advice instead of internals.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from shoplens.errors import BY_REASON, DeadlineExceeded, InternalError, InvalidArgument, Overloaded, ShoplensError, Unavailable
from shoplens.rpc.limits import MAX_MESSAGE_BYTES

DOMAIN = "shoplens"

_MOST_BYTES = 1_200
"""A status travels in headers, twice and escaped; peers take 8 KiB of those, and lose the whole status above."""


def pack_error(error: ShoplensError) -> grpc.Status:
    """What ``context.abort_with_status`` needs."""
    details: list[message.Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)]
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = [any_pb2.Any() for _ in details]
    for envelope, detail in zip(packed, details, strict=True):
        envelope.Pack(detail)
    text = error.message.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")
    status = status_pb2.Status(code=error.grpc_code.value[0], message=text, details=packed)
    packed_status: grpc.Status = rpc_status.to_status(status)
    return packed_status


def is_an_answer(call: grpc.Call) -> bool:
    """Whether a call failed with an error of the other side's own, instead of having no answer."""
    info, _ = _details(call)
    return info is not None and info.domain == DOMAIN


def unpack_error(error: grpc.RpcError, part: str) -> ShoplensError:
    """The error that ``part`` answered with, or the nearest one where gRPC failed by itself."""
    code, text = _outcome(error)
    info, retry_after_s = _details(error) if isinstance(error, grpc.Call) else (None, None)
    if info is not None and info.domain == DOMAIN and info.reason in BY_REASON:
        return BY_REASON[info.reason](text, retry_after_s=retry_after_s)
    match code:
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(f"The {part} did not answer in time; try again, or allow it longer.")
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return Unavailable(f"The {part} cannot be reached; try again shortly.")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in text:
            return InvalidArgument(f"That is more than {MAX_MESSAGE_BYTES >> 20} MiB in one message; send fewer or smaller pictures.")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(f"The {part} has too much to do; try again shortly.")
        case grpc.StatusCode.INTERNAL | grpc.StatusCode.UNIMPLEMENTED:
            # No service of ours: it tells errors of its own in details.
            return Unavailable(f"The {part} answers what cannot be read; run the same version of all parts.")
        case _:
            return InternalError(f"The {part} failed; the cause is in its log.")


def _outcome(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, grpc.Call):
        return error.code() or grpc.StatusCode.UNKNOWN, error.details() or ""
    return grpc.StatusCode.UNKNOWN, ""


def _details(call: grpc.Call) -> tuple[error_details_pb2.ErrorInfo | None, float | None]:
    try:
        status: Any = rpc_status.from_call(call)
    except (ValueError, message.DecodeError):  # details that something on the way has changed
        status = None
    info, retry_after_s = None, None
    for envelope in status.details if status is not None else ():
        if envelope.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            envelope.Unpack(info)
        elif envelope.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            envelope.Unpack(retry)
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return info, retry_after_s
