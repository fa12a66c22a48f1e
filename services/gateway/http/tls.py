"""HTTPS: the gateway's certificate, checked before it listens, and taken up anew when it is renewed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from services.gateway.http.settings import HttpSettings
from shoplens.background import beside
from shoplens.errors import FailedPrecondition

LOOK_EVERY_S: Final = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its chain, and its key, both PEM files."""

    chain: Path
    key: Path

    @classmethod
    def of(cls, settings: HttpSettings) -> Certificate | None:
        """None where HTTP is plain. Raises ``FailedPrecondition`` where the files cannot be used, or one of two is missing."""
        if settings.certificate is None and settings.certificate_key is None:
            return None
        if settings.certificate is None or settings.certificate_key is None:
            raise FailedPrecondition("A certificate needs its key, and a key its certificate; set both, or neither for plain HTTP.")
        found = cls(settings.certificate, settings.certificate_key)
        found.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        return found

    def load(self, context: ssl.SSLContext) -> None:
        """Use it for the connections to come. Raises ``FailedPrecondition``."""
        try:
            context.load_cert_chain(self.chain, self.key)
        except OSError as error:  # ssl.SSLError is one
            why = error.strerror or error
            raise FailedPrecondition(
                f"The certificate {self.chain} with the key {self.key} cannot be used ({why}); give PEM files that belong together."
            ) from error

    def options(self) -> dict[str, Any]:
        """What uvicorn is told."""
        return {"ssl_certfile": str(self.chain), "ssl_keyfile": str(self.key)}

    def state(self) -> tuple[int, int]:
        """Another one once a file has been replaced; what is away for a moment counts as unchanged."""
        return self.chain.stat().st_mtime_ns, self.key.stat().st_mtime_ns


@contextmanager
def renewing(certificate: Certificate | None, context: ssl.SSLContext | None, *, every_s: float = LOOK_EVERY_S) -> Iterator[None]:
    """Take up a renewed certificate while the server runs; a wrong one is told, and the one in use stays."""
    if certificate is None or context is None:
        yield
        return
    used = certificate.state()

    def look(stop: threading.Event) -> None:
        nonlocal used
        while not stop.wait(every_s):
            try:
                there = certificate.state()
                if there != used:
                    used = there
                    certificate.load(context)
                    _log.info("certificate renewed", chain=str(certificate.chain))
            except (OSError, FailedPrecondition) as error:
                _log.error("the renewed certificate cannot be used; the one before stays", problem=str(error))

    with beside("certificate", look):
        yield
