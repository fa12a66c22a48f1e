"""Settings that every service has; each adds its own and names its prefix."""

from __future__ import annotations

from pydantic import Field

from shoplens.config import Settings, prefix


class ServerSettings(Settings):
    """``metrics_port`` None serves no metrics; a port of 0 takes a free one, which the log names."""

    model_config = prefix("SERVER")

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=0, ge=0, le=65_535, description="The port of the gRPC server.")
    metrics_port: int | None = Field(default=None, ge=0, le=65_535, description="The port of Prometheus' /metrics.")
    max_in_flight: int = Field(default=16, ge=1, le=1_000, description="Calls handled at once; more are turned away.")
    grace_s: float = Field(default=10.0, ge=0, description="How long calls in flight may take to finish when the service stops.")
    health_interval_s: float = Field(default=5.0, gt=0, description="How often each dependency is asked whether it works.")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
