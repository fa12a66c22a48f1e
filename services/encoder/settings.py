"""Settings of the encoder's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import prefix
from shoplens.rpc.settings import ServerSettings


class EncoderSettings(ServerSettings):
    """Read from ``SHOPLENS_ENCODER_…``."""

    model_config = prefix("ENCODER")

    port: int = Field(default=50_052, ge=0, le=65_535)
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    threads: int = Field(default=2, ge=1, le=64, description="Inference threads.")
