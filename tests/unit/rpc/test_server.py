"""What the server does around every handler: deadlines, shedding, metrics, health, and a graceful end."""

from __future__ import annotations

import itertools
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import REGISTRY

from services.detector.servicer import mount
from shoplens import deadlines, priorities
from shoplens.api.detector.v1 import detector_pb2, detector_pb2_grpc
from shoplens.config import SettingsError
from shoplens.errors import Overloaded, Unavailable
from shoplens.rpc import health
from shoplens.rpc import server as server_module
from shoplens.rpc.channel import open_channel
from shoplens.rpc.clients import DetectorClient
from shoplens.rpc.convert.pictures import pack_picture
from shoplens.rpc.health import ALIVE
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeDetector
from shoplens.testing.health import NOT_SERVING, SERVING, wait_for_health
from tests.unit.rpc.waiting import PATIENCE_S, HeldDetector, SaidDetector, TimedDetector

Serve = Callable[..., Server]
METHOD = "/shoplens.api.detector.v1.DetectorService/Detect"


@contextmanager
def channel_to(server: Server) -> Iterator[grpc.Channel]:
    with open_channel(server.address, DetectorClient.service) as channel:
        yield channel


def check(channel: grpc.Channel, name: str = "") -> int:
    request = health_pb2.HealthCheckRequest(service=name)
    return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENCE_S, wait_for_ready=True).status)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_call_without_a_deadline_is_refused(serve: Serve) -> None:
    server = serve(FakeDetector())
    request = detector_pb2.DetectRequest(picture=pack_picture(pictures.picture(1)))
    with channel_to(server) as channel, pytest.raises(grpc.RpcError, match="deadline") as raised:
        detector_pb2_grpc.DetectorServiceStub(channel).Detect(request)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_caller_s_deadline_reaches_the_handler(serve: Serve) -> None:
    detector = TimedDetector()
    with DetectorClient(serve(detector).address) as client:
        with deadlines.within(100.0):
            client.detect(pictures.picture(1))
        client.detect(pictures.picture(1))
    assert 50.0 < detector.left_s[0] <= 100.5
    assert 0.0 < detector.left_s[1] <= 30.5


def test_the_caller_s_priority_reaches_the_handler(serve: Serve) -> None:
    seen: list[bool] = []
    with DetectorClient(serve(SaidDetector(lambda: seen.append(priorities.is_bulk()))).address) as client:
        client.detect(pictures.picture(1))
        with priorities.bulk():
            client.detect(pictures.picture(1))
        client.detect(pictures.picture(1))
    assert seen == [False, True, False]


def test_calls_above_the_limit_are_turned_away_and_health_checks_are_not(serve: Serve) -> None:
    detector = HeldDetector()
    server = serve(detector, max_in_flight=2)
    shed = sample("shoplens_rpc_shed_total", method=METHOD)
    with DetectorClient(server.address) as client, ThreadPoolExecutor(2) as pool, channel_to(server) as channel:
        held = [pool.submit(client.detect, pictures.picture(1)) for _ in range(2)]
        for _ in held:
            assert detector.arrived.acquire(timeout=PATIENCE_S)
        try:
            for _ in range(20):
                with pytest.raises(Overloaded) as raised:
                    client.detect(pictures.picture(1))
                assert raised.value.retry_after_s
            wait_for_health(channel, "", SERVING, timeout_s=PATIENCE_S)
            assert check(channel) == SERVING
        finally:
            detector.release.set()
        assert [call.result(PATIENCE_S) for call in held] == [[], []]
        assert client.detect(pictures.picture(1)) == []
    assert sample("shoplens_rpc_shed_total", method=METHOD) == shed + 20


def test_time_and_outcome_are_counted_once_the_handler_is_done(serve: Serve) -> None:
    detector = HeldDetector()
    labels = {"method": METHOD, "code": "OK"}
    before, in_flight = sample("shoplens_rpc_seconds_count", **labels), sample("shoplens_rpc_in_flight")
    server = serve(detector)
    with DetectorClient(server.address) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.detect, pictures.picture(1))
        assert detector.arrived.acquire(timeout=PATIENCE_S)
        assert sample("shoplens_rpc_in_flight") == in_flight + 1
        assert sample("shoplens_rpc_seconds_count", **labels) == before
        detector.release.set()
        call.result(PATIENCE_S)
    server.stop()  # whatever the handler's thread still had to do is done
    assert sample("shoplens_rpc_in_flight") == in_flight
    assert sample("shoplens_rpc_seconds_count", **labels) == before + 1


def test_health_follows_a_dependency_down_and_up_again(serve: Serve) -> None:
    broken = threading.Event()

    def probe() -> None:
        if broken.is_set():
            raise Unavailable("The store is away.")

    server = serve(FakeDetector(), {"store": probe, "model": lambda: None})
    with channel_to(server) as channel, DetectorClient(server.address) as client:
        for name in ("", DetectorClient.service.full_name, "store", "model"):
            wait_for_health(channel, name, SERVING, timeout_s=PATIENCE_S)
        client.probe()
        broken.set()
        for name in ("store", "", DetectorClient.service.full_name):
            wait_for_health(channel, name, NOT_SERVING, timeout_s=PATIENCE_S)
        assert (check(channel, "model"), check(channel, ALIVE)) == (SERVING, SERVING)
        with pytest.raises(Unavailable, match="not ready"):
            client.probe()
        broken.clear()
        wait_for_health(channel, "", SERVING, timeout_s=PATIENCE_S)


def test_watchers_that_leave_while_health_changes_hold_nothing_up(serve: Serve) -> None:
    """As a client does that waits for a service and goes on: it leaves at the very news that others are still to hear."""
    tries = itertools.count()

    def probe() -> None:
        if next(tries) % 2:
            raise Unavailable("It comes and goes.")

    server = serve(FakeDetector(), {"store": probe}, health_interval_s=0.001)

    def watching(_: int) -> None:
        with channel_to(server) as channel:
            for wanted in (SERVING, NOT_SERVING) * 25:
                wait_for_health(channel, "store", wanted, timeout_s=PATIENCE_S)

    with ThreadPoolExecutor(6) as watchers:
        list(watchers.map(watching, range(6)))
    with channel_to(server) as channel:
        assert check(channel, ALIVE) == SERVING


def test_a_probe_that_hangs_is_no_answer_and_in_the_end_the_process_is_not_alive(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_S", 0.05)
    monkeypatch.setattr(health, "SLACK_S", 0.05)
    monkeypatch.setattr(health, "STUCK_S", 0.5)
    hanging, mended = threading.Event(), threading.Event()

    def probe() -> None:
        if hanging.is_set():
            assert mended.wait(PATIENCE_S)

    server = serve(FakeDetector(), {"model": probe})
    with channel_to(server) as channel:
        wait_for_health(channel, "", SERVING, timeout_s=PATIENCE_S)
        hanging.set()
        wait_for_health(channel, "model", NOT_SERVING, timeout_s=PATIENCE_S)
        wait_for_health(channel, ALIVE, NOT_SERVING, timeout_s=PATIENCE_S)
        hanging.clear()
        mended.set()
        for name in ("model", "", ALIVE):
            wait_for_health(channel, name, SERVING, timeout_s=PATIENCE_S)


def test_a_dependency_that_only_helps_is_waited_for_once_and_may_go_away_later(serve: Serve) -> None:
    away = threading.Event()
    away.set()

    def probe() -> None:
        if away.is_set():
            raise Unavailable("The ranker is away.")

    server = serve(HeldDetector(), {"ranker": probe}, optional=["ranker"])
    with open_channel(server.address, DetectorClient.service) as channel:
        wait_for_health(channel, "", NOT_SERVING, timeout_s=PATIENCE_S)
        away.clear()
        wait_for_health(channel, "", SERVING, timeout_s=PATIENCE_S)
        away.set()
        wait_for_health(channel, "ranker", NOT_SERVING, timeout_s=PATIENCE_S)
        assert check(channel) == SERVING


def test_a_probe_is_given_a_deadline(serve: Serve) -> None:
    given: list[float] = []
    server = serve(FakeDetector(), {"store": lambda: given.append(deadlines.remaining_s(-1.0))})
    with channel_to(server) as channel:
        wait_for_health(channel, "store", SERVING, timeout_s=PATIENCE_S)
    assert 0.0 < given[0] <= 2.0


def test_a_stopping_server_finishes_what_it_has_and_takes_no_more() -> None:
    detector = HeldDetector()
    server = Server([mount(detector)], ServerSettings(grace_s=PATIENCE_S))
    server.start()
    with DetectorClient(server.address) as client, ThreadPoolExecutor(2) as pool, channel_to(server) as channel:
        call = pool.submit(client.detect, pictures.picture(1))
        assert detector.arrived.acquire(timeout=PATIENCE_S)
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=ALIVE), timeout=PATIENCE_S)
        assert next(watching).status == SERVING
        stopping = pool.submit(server.stop)
        assert next(watching).status == NOT_SERVING
        watching.cancel()
        assert not call.done()
        detector.release.set()
        assert call.result(PATIENCE_S) == []
        stopping.result(PATIENCE_S)
        with pytest.raises(Unavailable):
            client.detect(pictures.picture(1))


def test_a_call_that_hangs_does_not_keep_a_server_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_UNWINDING_S", 0.1)
    detector = HeldDetector()
    server = Server([mount(detector)], ServerSettings(grace_s=0.1))
    server.start()
    with DetectorClient(server.address) as client, ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.detect, pictures.picture(1))
        assert detector.arrived.acquire(timeout=PATIENCE_S)
        server.stop()
        assert server.hung
        with pytest.raises(Unavailable):
            call.result(PATIENCE_S)
        detector.release.set()


def test_a_taken_port_is_an_error_and_not_shared(serve: Serve) -> None:
    first = serve(FakeDetector())
    with pytest.raises(SettingsError, match=str(first.port)):
        Server([mount(FakeDetector())], ServerSettings(port=first.port)).start()


def test_services_can_be_discovered(serve: Serve) -> None:
    server = serve(FakeDetector())
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with channel_to(server) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=PATIENCE_S)
    assert DetectorClient.service.full_name in {service.name for service in answer.list_services_response.service}


def test_prometheus_reads_the_metrics_on_their_own_port() -> None:
    with Server([mount(FakeDetector())], ServerSettings(metrics_port=0)) as server:
        with DetectorClient(server.address) as client:
            client.detect(pictures.picture(1))
        with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=PATIENCE_S) as answer:
            assert "shoplens_rpc_seconds_bucket" in answer.read().decode()
