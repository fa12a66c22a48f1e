"""Mutual TLS: who belongs to the shop's own authority is let in, nobody else; a renewed certificate is taken up."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import trustme
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shoplens.errors import FailedPrecondition, Unavailable
from shoplens.rpc.clients import DetectorClient
from shoplens.rpc.identity import Identity
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings
from shoplens.testing import pictures
from tests.unit.rpc.waiting import SaidDetector

PICTURE = pictures.picture(1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def issued(folder: Path, authority: trustme.CA, *, trusting: trustme.CA | None = None) -> Identity:
    """A service's files, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    identity = Identity(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    made = authority.issue_cert("127.0.0.1")
    identity.certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    identity.key.write_bytes(made.private_key_pem.bytes())
    identity.authority.write_bytes((trusting or authority).cert_pem.bytes())
    return identity


def settings(identity: Identity) -> dict[str, Path]:
    return {"tls_certificate": identity.certificate, "tls_key": identity.key, "tls_authority": identity.authority}


@pytest.fixture
def server(serve: Callable[..., Server], tmp_path: Path, authority: trustme.CA) -> Server:
    return serve(SaidDetector(lambda: None), **settings(issued(tmp_path / "server", authority)))


def test_services_of_one_authority_speak_with_each_other(server: Server, tmp_path: Path, authority: trustme.CA) -> None:
    with DetectorClient(server.address, issued(tmp_path / "client", authority)) as client:
        client.wait_until_serving()
        assert client.detect(PICTURE) == []


def test_nobody_speaks_without_a_certificate(server: Server) -> None:
    with DetectorClient(server.address) as client, pytest.raises(Unavailable):
        client.detect(PICTURE)


def test_a_certificate_of_a_stranger_opens_nothing(server: Server, tmp_path: Path, authority: trustme.CA) -> None:
    stranger = issued(tmp_path / "stranger", trustme.CA(), trusting=authority)
    with DetectorClient(server.address, stranger) as client, pytest.raises(Unavailable):
        client.detect(PICTURE)


def test_a_service_that_a_stranger_vouches_for_is_not_believed(server: Server, tmp_path: Path, authority: trustme.CA) -> None:
    wary = issued(tmp_path / "wary", authority, trusting=trustme.CA())
    with DetectorClient(server.address, wary) as client, pytest.raises(Unavailable):
        client.detect(PICTURE)


def shown_by(server: Server, identity: Identity) -> int:
    """The serial number of the certificate that a new connection is shown."""
    host, _, port = server.address.rpartition(":")
    context = ssl.create_default_context(cafile=str(identity.authority))
    context.load_cert_chain(identity.certificate, identity.key)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        certificate = secure.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_renewed_certificates_are_taken_up_by_both_sides(serve: Callable[..., Server], tmp_path: Path, authority: trustme.CA) -> None:
    ours, theirs = issued(tmp_path / "server", authority), issued(tmp_path / "client", authority)
    server = serve(SaidDetector(lambda: None), **settings(ours))
    first = shown_by(server, theirs)
    with DetectorClient(server.address, theirs) as client:
        assert client.detect(PICTURE) == []
        successor = trustme.CA()
        both = authority.cert_pem.bytes() + successor.cert_pem.bytes()
        for folder in ("server", "client"):
            identity = issued(tmp_path / folder, successor)
            identity.authority.write_bytes(both)
            for path in (identity.certificate, identity.key, identity.authority):
                os.utime(path, ns=(later := path.stat().st_mtime_ns + 10**9, later))
        assert client.detect(PICTURE) == []
        assert shown_by(server, theirs) != first
        client.probe()


def test_a_renewal_that_cannot_be_used_changes_nothing(serve: Callable[..., Server], tmp_path: Path, authority: trustme.CA) -> None:
    ours, theirs = issued(tmp_path / "server", authority), issued(tmp_path / "client", authority)
    server = serve(SaidDetector(lambda: None), **settings(ours))
    with DetectorClient(server.address, theirs) as client:
        for broken in (ours, theirs):
            broken.key.write_text("no key")
        assert client.detect(PICTURE) == []
        assert shown_by(server, issued(tmp_path / "other", authority))


def test_half_an_identity_or_a_wrong_one_is_refused_in_words(tmp_path: Path, authority: trustme.CA) -> None:
    good = issued(tmp_path / "good", authority)
    other = issued(tmp_path / "other", authority)
    assert ServerSettings().identity() is None
    assert ServerSettings(**settings(good)).identity() == good
    with pytest.raises(FailedPrecondition, match="all three"):
        ServerSettings(tls_certificate=good.certificate, tls_key=good.key).identity()
    with pytest.raises(FailedPrecondition, match="belong together"):
        ServerSettings(**{**settings(good), "tls_key": other.key}).identity()
    with pytest.raises(FailedPrecondition, match="cannot be used"):
        ServerSettings(**{**settings(good), "tls_authority": tmp_path / "missing"}).identity()


def test_health_can_be_asked_in_plain_text_and_nothing_else_can(
    serve: Callable[..., Server], tmp_path: Path, authority: trustme.CA
) -> None:
    server = serve(SaidDetector(lambda: None), **settings(issued(tmp_path / "server", authority)), health_port=0)
    address = f"127.0.0.1:{server.health_port}"
    with grpc.insecure_channel(address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="alive"), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with DetectorClient(address) as client, pytest.raises(Unavailable):
        client.detect(PICTURE)
