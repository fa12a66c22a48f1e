"""Settings of the one-process composition."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import Settings, prefix


class StandaloneSettings(Settings):
    """``data`` is the folder in which everything lives; it is made if it is missing."""

    model_config = prefix("STANDALONE")

    data: Path = Path("data")
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    threads: int = Field(default=2, ge=1, le=64, description="Inference threads.")
    allow_private_addresses: bool = Field(default=False, description="Let pictures be fetched from private addresses.")
    file_root: Path | None = Field(default=None, description="The folder below which file: addresses may be read.")
