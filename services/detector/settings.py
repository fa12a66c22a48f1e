"""Settings of the detector's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import prefix
from shoplens.rpc.settings import ServerSettings


class DetectorSettings(ServerSettings):
    """Read from ``SHOPLENS_DETECTOR_…``."""

    model_config = prefix("DETECTOR")

    port: int = Field(default=50_051, ge=0, le=65_535)
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    threads: int = Field(default=2, ge=1, le=64, description="Inference threads.")
