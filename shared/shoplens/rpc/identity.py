"""Mutual TLS between services: each shows a certificate of the shop's own authority, and talks to nobody without one.

Renewed files are taken up while the service runs: a server asks for them at every new connection, a client connects anew once they
have changed. What is in use stays while new files cannot be read.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import grpc
import structlog

from shoplens.errors import FailedPrecondition

_SUPERSEDED: Final = 2
"""Channels kept open: the one in use, and the one before it, on which calls may still be in flight."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a service is: its certificate with its chain, the key, and the authority that all services trust; PEM files."""

    certificate: Path
    key: Path
    authority: Path

    def check(self) -> None:
        """Raises ``FailedPrecondition`` where the files cannot be used."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key)
            context.load_verify_locations(self.authority)
        except OSError as error:  # ssl.SSLError is one
            raise FailedPrecondition(
                f"The certificate {self.certificate}, its key {self.key} and the authority {self.authority} cannot be used"
                f" ({error.strerror or error}); give PEM files that belong together."
            ) from error

    def state(self) -> tuple[int, ...]:
        """Another one once a file has been replaced. Raises ``OSError``."""
        return tuple(path.stat().st_mtime_ns for path in (self.certificate, self.key, self.authority))

    def server_credentials(self) -> grpc.ServerCredentials:
        """Who does not show a certificate of the authority is not let in."""
        state = self.state()

        def renewed() -> Any:
            nonlocal state
            try:
                there = self.state()
                if there == state:
                    return None
                self.check()
                state = there
                _log.info("certificate renewed", certificate=str(self.certificate))
                return self._server_configuration()
            except (OSError, FailedPrecondition) as error:
                _log.error("the renewed certificate cannot be used; the one before stays", problem=str(error))
                return None

        return grpc.dynamic_ssl_server_credentials(self._server_configuration(), renewed, require_client_authentication=True)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """What a client shows, and whom it believes."""
        return grpc.ssl_channel_credentials(self.authority.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes())

    def _server_configuration(self) -> Any:
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=self.authority.read_bytes())


class RenewingChannel(grpc.Channel):
    """A channel that is opened anew once its identity's files have changed.

    opened: makes a channel from credentials.
    """

    def __init__(self, identity: Identity, opened: Callable[[grpc.ChannelCredentials], grpc.Channel]) -> None:
        self._identity = identity
        self._opened = opened
        self._state = identity.state()
        self._channels = [opened(identity.channel_credentials())]

    def unary_unary(self, *method: Any, **options: Any) -> Any:
        return self._late("unary_unary", method, options)

    def unary_stream(self, *method: Any, **options: Any) -> Any:
        return self._late("unary_stream", method, options)

    def stream_unary(self, *method: Any, **options: Any) -> Any:
        return self._late("stream_unary", method, options)

    def stream_stream(self, *method: Any, **options: Any) -> Any:
        return self._late("stream_stream", method, options)

    def subscribe(self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool = False) -> None:
        self._present().subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        for channel in self._channels:
            channel.unsubscribe(callback)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _late(self, kind: str, method: Sequence[Any], options: Mapping[str, Any]) -> Callable[..., Any]:
        """A callable that finds its channel when it is called: a stub asks for it once and for ever."""

        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(self._present(), kind)(*method, **options)(*arguments, **named)

        return call

    def _present(self) -> grpc.Channel:
        try:
            state = self._identity.state()
            if state != self._state:
                self._identity.check()
                self._state = state
                self._channels.append(self._opened(self._identity.channel_credentials()))
                while len(self._channels) > _SUPERSEDED:
                    self._channels.pop(0).close()
        except (OSError, FailedPrecondition) as error:
            _log.error("the renewed certificate cannot be used; the one before stays", problem=str(error))
        return self._channels[-1]
