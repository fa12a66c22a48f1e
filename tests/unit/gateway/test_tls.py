"""HTTPS: what is wrong with a certificate is said before anybody listens, and a renewed one is taken up."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import trustme

from services.gateway.http import HttpSettings
from services.gateway.http.tls import Certificate, renewing
from services.standalone.door import Door
from services.standalone.serving import HttpServer, bind
from shoplens.errors import FailedPrecondition

PATIENCE_S = 30.0


def written(folder: Path, authority: trustme.CA, name: str = "localhost") -> Certificate:
    made = authority.issue_cert(name)
    chain, key = folder / "tls.crt", folder / "tls.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return Certificate(chain, key)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_without_a_certificate_http_is_plain() -> None:
    assert Certificate.of(HttpSettings()) is None


def test_half_a_certificate_or_a_wrong_one_is_refused_in_words(tmp_path: Path, authority: trustme.CA) -> None:
    good = written(tmp_path, authority)
    assert Certificate.of(HttpSettings(certificate=good.chain, certificate_key=good.key)) == good
    other = tmp_path / "other"
    other.mkdir()
    stranger = written(other, trustme.CA())
    for chain, key, said in (
        (good.chain, None, "set both"),
        (None, good.key, "set both"),
        (tmp_path / "missing", good.key, "cannot be used"),
        (good.chain, stranger.key, "belong together"),
        (good.key, good.key, "cannot be used"),
    ):
        with pytest.raises(FailedPrecondition, match=said):
            Certificate.of(HttpSettings(certificate=chain, certificate_key=key))


def test_the_server_speaks_https_and_nothing_else(tmp_path: Path, authority: trustme.CA) -> None:
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with closing(HttpServer(Door(), listener, written(tmp_path, authority))), httpx.Client(verify=trusting(authority)) as client:
        assert client.get(f"https://localhost:{port}/v1/products").status_code == httpx.codes.SERVICE_UNAVAILABLE  # the door is still shut
        with pytest.raises(httpx.HTTPError):
            client.get(f"http://localhost:{port}/livez")
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(f"https://localhost:{port}/livez", verify=trusting(trustme.CA()))


def test_a_renewed_certificate_is_taken_up_and_a_wrong_one_is_not(tmp_path: Path, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = written(tmp_path, authority)
    loaded: list[bool] = []

    class Watched(Certificate):
        def load(self, context: ssl.SSLContext) -> None:
            try:
                super().load(context)
            except FailedPrecondition:
                loaded.append(False)
                raise
            loaded.append(True)

    watched = Watched(certificate.chain, certificate.key)
    with renewing(watched, context, every_s=0.01):
        for renew, expected in (
            (lambda: written(tmp_path, authority), True),
            (lambda: certificate.chain.write_text("nonsense"), False),
            (lambda: written(tmp_path, authority), True),
        ):
            loaded.clear()
            renew()
            until = time.monotonic() + PATIENCE_S
            while expected not in loaded:
                assert time.monotonic() < until
                time.sleep(0.01)
