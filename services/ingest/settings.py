"""Settings of the write path's process."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.computed import COMPUTED
from shoplens.config import prefix
from shoplens.decoders import DECODERS
from shoplens.rpc.settings import ServerSettings


class IngestSettings(ServerSettings):
    """Read from ``SHOPLENS_INGEST_…``."""

    model_config = prefix("INGEST")

    port: int = Field(default=50_055, ge=0, le=65_535)
    detector: str = Field(default="127.0.0.1:50051", description="The detector's address.")
    encoder: str = Field(default="127.0.0.1:50052", description="The encoder's address.")
    copies: str = Field(default="127.0.0.1:50057", description="The address of what finds copies.")
    catalogue: str = Field(default="127.0.0.1:50053", description="The catalogue's address.")
    allow_private_addresses: bool = Field(default=False, description="Let pictures be fetched from private addresses.")
    file_root: Path | None = Field(default=None, description="The folder below which file: addresses may be read.")
    kafka: str = Field(default="", description="Kafka's host:port, several with commas; none, and no update stream is read.")
    topic: str = Field(default="catalogue.updates", description="The topic of updates.")
    dead_topic: str = Field(default="catalogue.updates.dead", description="The topic of messages that could not be applied.")
    group: str = Field(default="shoplens-ingest", description="The consumer group; its members share the topic's partitions.")
    member: str = Field(default="", description="A name that this process keeps over restarts: it gets its partitions back at once.")
    decoders: int = Field(default=2, ge=0, le=64, description=DECODERS)
    workers: int = Field(default=8, ge=1, le=64, description="Products of the stream whose pictures are encoded at once.")
    redis: str = Field(default="", description="redis://host:port/db of the cache that all processes share; none, and there is none.")
    features: Path = Field(default=Path("data/features.db"), description="The file that keeps what was computed of each picture.")
    computed: Path | None = Field(default=None, description=COMPUTED)
