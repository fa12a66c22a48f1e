"""Settings of the gateway's process; those of its HTTP face are ``HttpSettings``."""

from __future__ import annotations

from pydantic import Field

from shoplens.config import prefix
from shoplens.decoders import DECODERS
from shoplens.feedback import TOPIC
from shoplens.rpc.settings import ServerSettings


class GatewaySettings(ServerSettings):
    """Read from ``SHOPLENS_GATEWAY_…``. HTTP serves its own ``/metrics``, which holds those of gRPC too."""

    model_config = prefix("GATEWAY")

    port: int = Field(default=50_056, ge=0, le=65_535)
    http_port: int = Field(default=8_080, ge=0, le=65_535, description="The port of HTTP, on the same address.")
    detector: str = Field(default="127.0.0.1:50051", description="The detector's address.")
    encoder: str = Field(default="127.0.0.1:50052", description="The encoder's address.")
    catalogue: str = Field(default="127.0.0.1:50053", description="The catalogue's address.")
    ranker: str = Field(default="127.0.0.1:50054", description="The ranker's address.")
    ingest: str = Field(default="127.0.0.1:50055", description="The write path's address.")
    copies: str = Field(default="127.0.0.1:50057", description="The address of what finds copies.")
    plan: str = Field(
        default="",
        description="redis://host:port/db of a Redis that keeps what it is given: the plan of a migration, which all gateways follow; "
        "empty, and there is no migration.",
    )
    copies_in_search: bool = Field(
        default=True,
        description="Searches for products tell an edited copy, and show copies of one picture once; "
        "costs some tens of milliseconds where a photo is much like one of the catalogue's.",
    )
    decoders: int = Field(default=2, ge=0, le=64, description=DECODERS)
    open: bool = Field(default=False, description="Listen beyond this machine without API keys: something else guards the gateway.")
    kafka: str = Field(default="", description="Kafka's host:port, several with commas, where feedback is kept; empty keeps none.")
    feedback_topic: str = Field(default=TOPIC, description="The topic of feedback.")
    allow_private_addresses: bool = Field(default=False, description="Let photos be fetched from private addresses.")
