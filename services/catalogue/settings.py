"""Settings of the catalogue's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.catalogue.connection import DEFAULT_DATABASE
from shoplens.config import prefix
from shoplens.rpc.settings import ServerSettings


class CatalogueSettings(ServerSettings):
    """Read from ``SHOPLENS_CATALOGUE_…``."""

    model_config = prefix("CATALOGUE")

    port: int = Field(default=50_053, ge=0, le=65_535)
    milvus_uri: str = Field(default="data/catalogue.db", description="A file for the embedded store, or a server's http://host:port.")
    database: str = Field(
        default=DEFAULT_DATABASE,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$",
        description="The server's database that holds the index, made where there is none: a second generation's is another one.",
    )
    pictures: Path = Field(default=Path("data/pictures"), description="The folder that keeps the pictures.")
    encoder: str = Field(default="127.0.0.1:50052", description="The encoder's address: its card says what the index holds.")
    start_timeout_s: float = Field(default=120.0, gt=0, description="How long to wait for the encoder when starting.")
