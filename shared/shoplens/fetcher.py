"""Pictures by address: from public web servers, and where the process was given them, from one folder and from named buckets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from shoplens import __version__, deadlines
from shoplens.addresses import GuardedTransport
from shoplens.buckets import Buckets
from shoplens.errors import DeadlineExceeded, ForbiddenAddress, PictureTooLarge, PictureUnreachable, ShoplensError, UnreadablePicture
from shoplens.images import MAX_BYTES
from shoplens.metrics import PICTURES_FETCHED

_TURN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Validators:
    """What a web server said of a picture's state (RFC 9110), to be sent back when it is asked again."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        given = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture's bytes, or None where it is what the validators said; ``validators`` are empty where the server gives none."""

    content: bytes | None
    validators: Validators = Validators()


class Fetcher:
    """Fetches pictures; safe to call from many threads, which share its connections.

    allow_private: addresses inside private networks may be fetched too.
    file_root: the folder below which ``file:`` addresses are read; without one, none are.
    buckets: sign ``s3:`` addresses; without them, none are read.
    at_once: requests to one host at a time; more wait for their turn.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        file_root: Path | None = None,
        buckets: Buckets | None = None,
        max_bytes: int = MAX_BYTES,
        timeout_s: float = 20.0,
        max_redirects: int = 5,
        at_once: int = 4,
    ) -> None:
        self._file_root = None if file_root is None else file_root.resolve()
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._hosts = _Hosts(at_once)
        self._web = _client(allow_private, timeout_s, max_redirects)
        self._buckets = buckets
        # The shop named this server itself; where that sends us on to, it did not.
        self._storage = _client(True, timeout_s, 0)

    def fetch(self, uri: str) -> bytes:
        """The bytes at an address: ``http:``, ``https:``, ``file:`` below the root, or ``s3:`` of a bucket that may be read.

        Raises ``ForbiddenAddress``, ``PictureTooLarge``, ``UnreadablePicture`` (nothing there), ``PictureUnreachable`` (try
        again) and ``DeadlineExceeded``.
        """
        content = self.revisit(uri, Validators()).content
        assert content is not None, "nothing was asked that could be answered with: not modified"
        return content

    def revisit(self, uri: str, validators: Validators) -> Fetched:
        """The same, of a picture that was fetched before: without its bytes where it has not changed since."""
        try:
            fetched = self._fetch(uri, validators)
        except ShoplensError as error:
            PICTURES_FETCHED.labels(outcome=error.reason).inc()
            raise
        PICTURES_FETCHED.labels(outcome="unchanged" if fetched.content is None else "ok").inc()
        return fetched

    def close(self) -> None:
        self._web.close()
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self, uri: str, validators: Validators) -> Fetched:
        scheme = uri.partition(":")[0].lower()
        match scheme:
            case "http" | "https":
                return self._from_web(self._web, uri, validators)
            case "file":
                return Fetched(self._from_folder(uri))
            case "s3" if self._buckets is not None:
                return self._from_web(self._storage, self._buckets.signed(uri), validators)
        raise ForbiddenAddress("Only http:// and https:// addresses of pictures are fetched; give one of those.")

    def _from_web(self, client: httpx.Client, uri: str, validators: Validators) -> Fetched:
        try:
            with (
                deadlines.within(self._timeout_s),
                self._hosts.turn(uri),
                client.stream("GET", uri, headers=validators.headers()) as response,
            ):
                if response.status_code == httpx.codes.NOT_MODIFIED and validators.headers():
                    return Fetched(None, validators)
                return Fetched(self._body(response), Validators(response.headers.get("etag"), response.headers.get("last-modified")))
        except (DeadlineExceeded, httpcore.TimeoutException):
            deadlines.check()  # raises where the caller's own time is over
            raise PictureUnreachable(f"{_shown(uri)} took longer than {self._timeout_s:g} s; try again later.") from None
        except httpx.TooManyRedirects as error:
            raise UnreadablePicture(f"{_shown(uri)} redirects too often; give the picture's own address.") from error
        except (httpx.InvalidURL, httpx.LocalProtocolError, httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
            raise ForbiddenAddress(f"{_shown(uri)} is not an http:// or https:// address, or leads to none; check it.") from error
        except (httpx.RemoteProtocolError, httpcore.ProtocolError, httpcore.NetworkError) as error:
            raise PictureUnreachable(f"{_shown(uri)} cannot be reached or broke off; check the address, or try again later.") from error

    def _body(self, response: httpx.Response) -> bytes:
        address = _shown(str(response.url))
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise PictureUnreachable(f"{address} answered {response.status_code}; try again later.")
        if response.status_code != httpx.codes.OK:
            raise UnreadablePicture(f"{address} answered {response.status_code} instead of a picture; check the address.")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnreadablePicture(f"{address} sends the picture compressed, unasked; let it send the file as it is.")
        too_large = PictureTooLarge(f"{address} is larger than {self._max_bytes:,} bytes; give a smaller picture.")
        if int(response.headers.get("content-length", "0")) > self._max_bytes:
            raise too_large
        content = bytearray()
        for part in response.iter_raw():
            content += part
            if len(content) > self._max_bytes:
                raise too_large
        return bytes(content)

    def _from_folder(self, uri: str) -> bytes:
        if self._file_root is None:
            raise ForbiddenAddress("file: addresses are not read here; give an http:// or https:// address, or the picture's content.")
        address = urlsplit(uri)
        try:
            path = (self._file_root / unquote(address.path)).resolve()
            if address.netloc not in ("", "localhost") or not path.is_relative_to(self._file_root):
                raise ForbiddenAddress(f"{_shown(uri)} lies outside the folder of pictures; move the file into it.")
            if not path.is_file():
                raise UnreadablePicture(f"There is no file {_shown(uri)}; check its name.")
            if path.stat().st_size > self._max_bytes:
                raise PictureTooLarge(f"{_shown(uri)} is larger than {self._max_bytes:,} bytes; give a smaller picture.")
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise UnreadablePicture(f"{_shown(uri)} cannot be read; check the file and its permissions.") from error


def _client(allow_private: bool, timeout_s: float, max_redirects: int) -> httpx.Client:
    return httpx.Client(
        transport=GuardedTransport(allow_private),
        follow_redirects=max_redirects > 0,
        max_redirects=max_redirects,
        timeout=timeout_s,
        # Pictures are compressed already, and a compressed answer could unfold to any size.
        headers={"user-agent": f"shoplens/{__version__}", "accept": "image/*,*/*;q=0.5", "accept-encoding": "identity"},
        trust_env=False,
    )


class _Hosts:
    """Turns at hosts; remembers only those that somebody is at."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._turns: dict[str, tuple[threading.Semaphore, int]] = {}

    @contextmanager
    def turn(self, uri: str) -> Iterator[None]:
        """Raises ``DeadlineExceeded`` where the turn does not come in time."""
        host = uri.partition("//")[2].partition("/")[0].lower()
        with self._lock:
            turns, users = self._turns.get(host, (threading.Semaphore(self._at_once), 0))
            self._turns[host] = turns, users + 1
        try:
            if not turns.acquire(timeout=deadlines.remaining_s(_TURN_S)):
                raise DeadlineExceeded("Too many pictures of one server were waiting; try again later.")
            try:
                yield
            finally:
                turns.release()
        finally:
            with self._lock:
                turns, users = self._turns.pop(host)
                if users > 1:
                    self._turns[host] = turns, users - 1


def _shown(uri: str) -> str:
    """An address as it may stand in a message: without a password or a signature, and not too long."""
    plain = re.sub(r"//[^/]*@", "//", re.split(r"[?#]", uri)[0])
    return plain if len(plain) <= 120 else plain[:119] + "…"
