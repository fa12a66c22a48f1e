"""Settings of the process that finds copies."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.computed import COMPUTED
from shoplens.config import prefix
from shoplens.decoders import DECODERS
from shoplens.rpc.settings import ServerSettings


class CopiesSettings(ServerSettings):
    """Read from ``SHOPLENS_COPIES_…``."""

    model_config = prefix("COPIES")

    port: int = Field(default=50_057, ge=0, le=65_535)
    models: Path | None = Field(default=None, description="The folder of models; those that ship by default.")
    threads: int = Field(default=2, ge=1, le=64, description="Inference threads.")
    store: Path = Field(default=Path("data/copies.db"), description="The file that keeps the signatures of pictures.")
    computed: Path | None = Field(default=None, description=COMPUTED)
    decoders: int = Field(default=1, ge=0, le=64, description=DECODERS)
    catalogue: str = Field(default="127.0.0.1:50053", description="The catalogue's address; its pictures are caught up with.")
