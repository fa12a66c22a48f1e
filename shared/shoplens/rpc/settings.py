"""Settings that every service has; each adds its own and names its prefix."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import Settings, prefix
from shoplens.errors import FailedPrecondition
from shoplens.rpc.identity import Identity


class ServerSettings(Settings):
    """``metrics_port`` and ``health_port`` None serve none; a port of 0 takes a free one, which the log names."""

    model_config = prefix("SERVER")

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=0, ge=0, le=65_535, description="The port of the gRPC server.")
    metrics_port: int | None = Field(default=None, ge=0, le=65_535, description="The port of Prometheus' /metrics.")
    max_in_flight: int = Field(default=16, ge=1, le=1_000, description="Calls handled at once; more are turned away.")
    grace_s: float = Field(default=10.0, ge=0, description="How long calls in flight may take to finish when the service stops.")
    health_interval_s: float = Field(default=5.0, gt=0, description="How often each dependency is asked whether it works.")
    tls_certificate: Path | None = Field(default=None, description="Mutual TLS between services: this one's certificate, PEM.")
    tls_key: Path | None = Field(default=None, description="Mutual TLS: the certificate's key, PEM.")
    tls_authority: Path | None = Field(default=None, description="Mutual TLS: the authority that all services trust, PEM.")
    health_port: int | None = Field(default=None, ge=0, le=65_535, description="A port in plain text for health checks alone, beside TLS.")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    def identity(self) -> Identity | None:
        """Who this service is among the others; None where they speak in plain text.

        Raises ``FailedPrecondition`` where only a part of it is given, or the files cannot be used.
        """
        given = (self.tls_certificate, self.tls_key, self.tls_authority)
        match given:
            case (None, None, None):
                return None
            case (Path() as certificate, Path() as key, Path() as authority):
                identity = Identity(certificate, key, authority)
                identity.check()
                return identity
            case _:
                raise FailedPrecondition("Mutual TLS takes a certificate, its key and the authority; set all three, or none.")
