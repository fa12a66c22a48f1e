"""What an operator may set of the HTTP gateway: how much a request may bring, how long it may take, how many run at once."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shoplens.config import Settings, prefix

MEGABYTE = 1_000_000


class HttpSettings(Settings):
    """Read from ``SHOPLENS_HTTP_…`` by the composition root. Sizes in bytes, times in seconds."""

    model_config = prefix("HTTP")

    max_picture_bytes: int = Field(default=30 * MEGABYTE, ge=1, description="A picture that is searched for.")
    max_product_bytes: int = Field(default=120 * MEGABYTE, ge=1, description="One product with its pictures, as JSON.")
    max_import_bytes: int = Field(default=4_000 * MEGABYTE, ge=1, description="A bulk import; it waits on disk, not in memory.")
    max_drained_bytes: int = Field(
        default=200 * MEGABYTE, ge=0, description="Read and dropped of a refused upload, so that its sender reads why."
    )

    search_timeout_s: float = Field(default=10.0, gt=0)
    write_timeout_s: float = Field(default=60.0, gt=0)
    read_timeout_s: float = Field(default=5.0, gt=0)

    searches_at_once: int = Field(default=4, ge=1, description="Searches worked on at the same time.")
    searches_waiting: int = Field(
        default=64, ge=0, description="Searches that may wait, two or three seconds in all; one more is answered 429."
    )
    writes_at_once: int = Field(default=4, ge=1)
    writes_waiting: int = Field(default=64, ge=0)
    reads_at_once: int = Field(default=8, ge=1)
    reads_waiting: int = Field(default=512, ge=0, description="A page of results asks for its pictures all at once.")
    imports_at_once: int = Field(default=2, ge=1, description="Bulk imports at the same time; one more is answered 429.")

    keys: Path | None = Field(default=None, description="The file of API keys; in one process, keys.json in the data folder.")
    search_needs_key: bool = Field(default=False, description="Searching takes a key too; the page cannot search then.")
    public_per_minute: int = Field(default=0, ge=0, description="Searches a minute of one address without a key; 0 for any number.")

    certificate: Path | None = Field(default=None, description="HTTPS: the certificate with its chain, PEM; looked at again when renewed.")
    certificate_key: Path | None = Field(default=None, description="HTTPS: the certificate's key, PEM.")

    thumbnail_cache_bytes: int = Field(default=64 * MEGABYTE, ge=0, description="Memory for thumbnails.")
