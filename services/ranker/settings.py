"""Settings of the ranker's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import prefix
from shoplens.rpc.settings import ServerSettings


class RankerSettings(ServerSettings):
    """Read from ``SHOPLENS_RANKER_…``."""

    model_config = prefix("RANKER")

    port: int = Field(default=50_054, ge=0, le=65_535)
    encoder: str = Field(default="127.0.0.1:50052", description="The encoder's address: its card names the categories.")
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    weights: Path | None = Field(default=None, description="The folder of published weights, shared by all rankers; none: what ships.")
    start_timeout_s: float = Field(default=120.0, gt=0, description="How long to wait for the encoder when starting.")
