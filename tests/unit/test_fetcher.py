"""Fetching from a real server on this machine, and refusing everything that should be refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore
import pytest
from prometheus_client import REGISTRY

from shoplens import addresses, deadlines
from shoplens.addresses import is_loopback, is_public
from shoplens.errors import DeadlineExceeded, ForbiddenAddress, PictureTooLarge, PictureUnreachable, Unavailable, UnreadablePicture
from shoplens.fetcher import Fetched, Fetcher, Validators

PICTURE = bytes(range(256)) * 8


class Shop(BaseHTTPRequestHandler):
    """A picture, and all the ways in which a server disappoints."""

    protocol_version = "HTTP/1.1"
    stop_dripping = threading.Event()
    crowd = threading.Condition()
    inside = 0
    most_inside = 0

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/1.jpg":
                self._answer(200, PICTURE)
            case "/tagged" if self.headers.get("if-none-match") == '"v1"':
                self._answer(304)
            case "/tagged":
                self._answer(200, PICTURE, etag='"v1"', last_modified="Mon, 01 Jun 2026 12:00:00 GMT")
            case "/crowded":
                with Shop.crowd:
                    Shop.inside += 1
                    Shop.most_inside = max(Shop.most_inside, Shop.inside)
                    Shop.crowd.notify_all()
                    Shop.crowd.wait_for(lambda: Shop.most_inside >= 2, 30)
                self._answer(200, PICTURE)
                with Shop.crowd:
                    Shop.inside -= 1
            case "/moved":
                self._answer(302, location="/1.jpg")
            case "/circle":
                self._answer(302, location="/circle")
            case "/inside":
                self._answer(302, location="http://192.168.0.1/1.jpg")
            case "/to-file":
                self._answer(302, location="file:///etc/passwd")
            case "/busy":
                self._answer(503)
            case "/gzip":
                self._answer(200, b"\x1f\x8b", content_encoding="gzip")
            case "/endless":
                self._drip(PICTURE)
            case "/drip":
                self._drip(b"x", pause_s=0.02)
            case "/short":
                self._answer(200, PICTURE, content_length=str(len(PICTURE) + 1))
                self.close_connection = True
            case "/huge-header":
                self._answer(200, content_length="10000000000")
            case "/junk-length":
                self._answer(200, content_length="many")
            case _:
                self._answer(404)

    def _answer(self, status: int, body: bytes = b"", **more: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in more.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, part: bytes, pause_s: float = 0.0) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while not self.stop_dripping.wait(pause_s):
                self.wfile.write(part)
        except OSError:  # the client has had enough
            return

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Shop.stop_dripping.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(allow_private=True, max_bytes=100_000, timeout_s=5.0) as fetcher:
        yield fetcher


def fetched(outcome: str) -> float:
    return REGISTRY.get_sample_value("shoplens_pictures_fetched_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize("path", ["/1.jpg", "/moved", "/1.jpg?size=large"])
def test_a_picture_is_fetched_and_counted(shop: str, fetcher: Fetcher, path: str) -> None:
    before = fetched("ok")
    assert fetcher.fetch(shop + path) == PICTURE
    assert fetched("ok") == before + 1


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/none", UnreadablePicture, "answered 404"),
        ("/busy", PictureUnreachable, "answered 503; try again"),
        ("/circle", UnreadablePicture, "redirects too often"),
        ("/to-file", ForbiddenAddress, "leads to none"),
        ("/gzip", UnreadablePicture, "compressed"),
        ("/endless", PictureTooLarge, "larger than 100,000 bytes"),
        ("/huge-header", PictureTooLarge, "larger than 100,000 bytes"),
        ("/junk-length", PictureUnreachable, "broke off"),
        ("/short", PictureUnreachable, "broke off"),
    ],
)
def test_what_goes_wrong_is_told(shop: str, fetcher: Fetcher, path: str, error: type[Exception], words: str) -> None:
    before = fetched(getattr(error, "reason", ""))
    with pytest.raises(error, match=words):
        fetcher.fetch(shop + path)
    assert fetched(getattr(error, "reason", "")) == before + 1


def test_a_slow_server_and_an_impatient_caller_are_told_apart(shop: str) -> None:
    with Fetcher(allow_private=True, timeout_s=0.2) as fetcher:
        with pytest.raises(Unavailable, match=r"longer than 0\.2 s"):
            fetcher.fetch(f"{shop}/drip")
        with pytest.raises(DeadlineExceeded), deadlines.within(0.05):
            fetcher.fetch(f"{shop}/drip")


def test_nobody_listens(fetcher: Fetcher) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="cannot be reached"):
            fetcher.fetch(f"http://127.0.0.1:{closed.getsockname()[1]}/1.jpg")


@pytest.mark.parametrize("uri", ["", "ftp://a/b", "gopher://a", "javascript:1", "1.jpg", "//a/b", "data:image/png;base64,AA=="])
def test_other_schemes(fetcher: Fetcher, uri: str) -> None:
    with pytest.raises(ForbiddenAddress, match="Only http"):
        fetcher.fetch(uri)


@pytest.mark.parametrize("uri", ["http://", "http://a b/", "http://[::1/", "http://host:port/", "http:///x", "http://\x00/"])
def test_addresses_that_are_none(fetcher: Fetcher, uri: str) -> None:
    with pytest.raises((ForbiddenAddress, Unavailable)):
        fetcher.fetch(uri)


def test_secrets_in_an_address_are_not_repeated(fetcher: Fetcher, shop: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        fetcher.fetch(shop.replace("http://", "http://me:" + "pass@") + "/none?signature=secret")
    assert "pass" not in str(caught.value)
    assert "secret" not in str(caught.value)


PRIVATE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:1::1", "2001:db8::1",
    "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b::a9fe:a9fe", "fec0::1", "3fff::1", "100::1", "5f00::1",
    "192.0.0.8", "192.88.99.1", "198.51.100.1", "203.0.113.1", "0.1.2.3",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"])
def test_no_spelling_of_this_machine_is_fetched(shop: str, host: str) -> None:
    port = shop.rpartition(":")[2]
    with Fetcher() as fetcher, pytest.raises((ForbiddenAddress, Unavailable, UnreadablePicture)) as caught:
        fetcher.fetch(f"http://{host}:{port}/1.jpg")
    assert isinstance(caught.value, ForbiddenAddress) or "cannot be" in str(caught.value)


BYPASSES = [
    # The address of this machine, and of a cloud's metadata, in every spelling that some resolver or parser takes.
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0", "0.0.0.0", "00.0.0.0", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7F.1",
    "017700000001", "0177.0.0.1", "0177.1", "127.000.000.001", "127.0.0.0x1", "4294967295", "localhost", "LOCALHOST", "localhost.",
    "%6c%6f%63%61%6c%68%6f%73%74", "127%2e0%2e0%2e1", "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1", "１２７.0.0.1",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "10.0.0.1", "10.1", "167772161", "172.16.0.1", "192.168.0.1", "192.168.1", "3232235521", "100.64.0.1", "198.18.0.1",
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::1]", "[::1%25lo]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::]", "[2001:0:7f00:1::80ff:fffe]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]",
    # A public name before the private one, where only one of the two is read.
    "1.1.1.1@127.0.0.1", "127.0.0.1#@1.1.1.1", "1.1.1.1%40127.0.0.1", "shop.example:80@127.0.0.1", "127.0.0.1\\@1.1.1.1",
]  # fmt: skip


def test_the_list_of_bypasses_is_long() -> None:
    assert len(set(BYPASSES)) == len(BYPASSES) >= 60


@pytest.mark.parametrize("host", BYPASSES)
@pytest.mark.parametrize("with_port", [True, False], ids=["to a port that answers", "without a port"])
def test_no_bypass_reaches_inside(shop: str, host: str, with_port: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    def connect(self: object, address: str, *rest: object) -> None:
        connected.append(address)
        raise httpcore.ConnectError("nobody is to be reached here")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    port = f":{shop.rpartition(':')[2]}" if with_port else ""
    with Fetcher() as fetcher, pytest.raises((ForbiddenAddress, Unavailable, UnreadablePicture)):
        fetcher.fetch(f"http://{host}{port}/1.jpg")
    assert all(addresses.is_public(address) for address in connected)


def resolver(*answers: list[str]) -> Callable[[str, int], list[str]]:
    """A name server that gives these answers one after the other, the last one for good."""
    left = list(answers)
    return lambda host, port: left.pop(0) if len(left) > 1 else left[0]


def test_a_redirect_into_the_private_network_is_refused(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def only_the_shop_is_public(address: str) -> bool:
        asked.append(address)
        return address == "127.0.0.1"

    monkeypatch.setattr(addresses, "is_public", only_the_shop_is_public)
    with Fetcher() as fetcher, pytest.raises(ForbiddenAddress, match=r"192\.168\.0\.1"):
        fetcher.fetch(f"{shop}/inside")
    assert asked == ["127.0.0.1", "192.168.0.1"]


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolve", resolver(["1.1.1.1", "10.0.0.1"]))
    with Fetcher() as fetcher, pytest.raises(ForbiddenAddress):
        fetcher.fetch("http://shop.example/1.jpg")


def test_a_name_that_changes_its_mind_is_connected_where_it_was_checked(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer is never asked for."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    monkeypatch.setattr(addresses, "resolve", resolver(*answers))
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    with Fetcher() as fetcher:
        assert fetcher.fetch(shop.replace("127.0.0.1", "shop.example") + "/1.jpg") == PICTURE


def test_the_next_address_is_tried(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolve", resolver(["127.0.0.2", "127.0.0.1"]))
    with Fetcher(allow_private=True) as fetcher:
        assert fetcher.fetch(shop.replace("127.0.0.1", "shop.example") + "/1.jpg") == PICTURE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a b.jpg").write_bytes(PICTURE)
    (root / "large.jpg").write_bytes(bytes(200_000))
    (root / "link.jpg").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "secret.txt").write_text("secret")
    return root


def test_files_below_the_root(folder: Path) -> None:
    with Fetcher(file_root=folder) as fetcher:
        for uri in ("file:sub/a%20b.jpg", "file:sub/a b.jpg", f"file://{folder}/sub/a%20b.jpg", f"file://localhost{folder}/sub/a%20b.jpg"):
            assert fetcher.fetch(uri) == PICTURE


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("file:../secret.txt", ForbiddenAddress),
        ("file:%2e%2e/secret.txt", ForbiddenAddress),
        ("file:///etc/passwd", ForbiddenAddress),
        ("file://host/sub", ForbiddenAddress),
        ("file:link.jpg", ForbiddenAddress),
        ("file:none.jpg", UnreadablePicture),
        ("file:sub", UnreadablePicture),
        ("file:a%00b", UnreadablePicture),
        ("file:large.jpg", PictureTooLarge),
    ],
)
def test_files_that_are_not_read(folder: Path, uri: str, error: type[Exception]) -> None:
    with Fetcher(file_root=folder, max_bytes=100_000) as fetcher, pytest.raises(error):
        fetcher.fetch(uri)


def test_without_a_root_no_file_is_read(folder: Path, fetcher: Fetcher) -> None:
    with pytest.raises(ForbiddenAddress, match="not read here"):
        fetcher.fetch(f"file://{folder}/large.jpg")


def test_a_picture_that_has_not_changed_is_not_sent_again(shop: str, fetcher: Fetcher) -> None:
    first = fetcher.revisit(f"{shop}/tagged", Validators())
    assert first == Fetched(PICTURE, Validators('"v1"', "Mon, 01 Jun 2026 12:00:00 GMT"))
    before = fetched("unchanged")
    assert fetcher.revisit(f"{shop}/tagged", first.validators) == Fetched(None, first.validators)
    assert fetched("unchanged") == before + 1
    assert fetcher.revisit(f"{shop}/tagged", Validators('"v0"')).content == PICTURE


def test_one_host_is_asked_for_so_many_pictures_at_once_and_no_more(shop: str) -> None:
    with Fetcher(allow_private=True, at_once=2) as fetcher, ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda _: fetcher.fetch(f"{shop}/crowded"), range(6))) == {PICTURE}
    assert Shop.most_inside == 2


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("shop.example", False)]
)
def test_which_addresses_this_machine_alone_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
