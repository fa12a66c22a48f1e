"""Every error crosses the wire and comes back as itself; what was not meant to be seen stays behind."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from structlog.testing import capture_logs

from shoplens import deadlines
from shoplens.api.detector.v1 import detector_pb2, detector_pb2_grpc
from shoplens.domain import Picture
from shoplens.errors import BY_REASON, DeadlineExceeded, InternalError, InvalidArgument, Overloaded, ShoplensError, Unavailable
from shoplens.rpc.channel import open_channel
from shoplens.rpc.clients import DetectorClient
from shoplens.rpc.convert.pictures import pack_picture
from shoplens.rpc.limits import MAX_MESSAGE_BYTES
from shoplens.rpc.server import Server
from shoplens.testing import pictures
from tests.unit.rpc.waiting import HeldDetector, SaidDetector

Serve = Callable[..., Server]
REQUEST = detector_pb2.DetectRequest(picture=pack_picture(pictures.picture(1)))


def raising(error: Exception) -> SaidDetector:
    def act() -> None:
        raise error

    return SaidDetector(act)


@pytest.mark.parametrize("kind", sorted({*BY_REASON.values()} - {ShoplensError}, key=lambda kind: kind.reason))
def test_an_error_comes_back_as_the_same_class_with_the_same_message(serve: Serve, kind: type[ShoplensError]) -> None:
    server = serve(raising(kind("Größe 42 is „gone“; ask for another.", retry_after_s=1.25)))
    with DetectorClient(server.address) as client, pytest.raises(ShoplensError) as raised:
        client.detect(pictures.picture(1))
    assert type(raised.value) is kind
    assert raised.value.message == "Größe 42 is „gone“; ask for another."
    assert raised.value.retry_after_s == 1.25


def test_other_languages_read_a_google_rpc_status(serve: Serve) -> None:
    server = serve(raising(Overloaded("Later.", retry_after_s=2.0)))
    with open_channel(server.address, DetectorClient.service) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            detector_pb2_grpc.DetectorServiceStub(channel).Detect(REQUEST, timeout=30)
        status = rpc_status.from_call(raised.value)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (info.reason, info.domain, retry.retry_delay.seconds) == ("overloaded", "shoplens", 2)


def test_what_went_wrong_inside_is_told_to_the_log_alone(serve: Serve) -> None:
    server = serve(raising(RuntimeError("password=hunter2")))
    with capture_logs() as logged, DetectorClient(server.address) as client, pytest.raises(InternalError) as raised:
        client.detect(pictures.picture(1))
    assert "hunter2" not in raised.value.message
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["a handler failed"]


def test_a_long_message_is_cut_rather_than_lost(serve: Serve) -> None:
    server = serve(raising(InvalidArgument("ü" * 50_000)))
    with DetectorClient(server.address) as client, pytest.raises(InvalidArgument) as raised:
        client.detect(pictures.picture(1))
    assert set(raised.value.message) == {"ü"}


def test_a_message_over_the_limit_is_refused_with_advice(serve: Serve) -> None:
    server = serve(raising(RuntimeError("must not be reached")))
    side = 5_000
    assert side * side * 3 > MAX_MESSAGE_BYTES
    huge = Picture(np.zeros((side, side, 3), dtype=np.uint8), "", side, side)
    with DetectorClient(server.address) as client, pytest.raises(InvalidArgument, match="64 MiB"):
        client.detect(huge)


def test_a_service_that_is_not_there_is_unavailable() -> None:
    with DetectorClient("127.0.0.1:1") as client, pytest.raises(Unavailable, match="detector"):
        client.detect(pictures.picture(1))


def test_a_service_that_takes_too_long_is_late(serve: Serve) -> None:
    detector = HeldDetector()
    server = serve(detector)
    try:
        with DetectorClient(server.address) as client, deadlines.within(1.0), pytest.raises(DeadlineExceeded):
            client.detect(pictures.picture(1))
    finally:
        detector.release.set()


def test_a_picture_without_pixels_is_the_caller_s_mistake(serve: Serve) -> None:
    server = serve(raising(RuntimeError("must not be reached")))
    with open_channel(server.address, DetectorClient.service) as channel, pytest.raises(grpc.RpcError) as raised:
        detector_pb2_grpc.DetectorServiceStub(channel).Detect(detector_pb2.DetectRequest(), timeout=30)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
