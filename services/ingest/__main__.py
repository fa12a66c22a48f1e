"""The write path as a process: ``python -m services.ingest``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.ingest.engine import Pipeline
from services.ingest.servicer import mount
from services.ingest.settings import IngestSettings
from shoplens.fetcher import Fetcher
from shoplens.rpc.clients import CatalogueClient, CopiesClient, DetectorClient, EncoderClient
from shoplens.rpc.launch import Service, launch


@contextmanager
def compose(settings: IngestSettings) -> Iterator[Service]:
    with (
        DetectorClient(settings.detector) as detector,
        EncoderClient(settings.encoder) as encoder,
        CatalogueClient(settings.catalogue) as catalogue,
        CopiesClient(settings.copies) as copies,
        Fetcher(allow_private=settings.allow_private_addresses, file_root=settings.file_root) as fetcher,
    ):
        pipeline = Pipeline(detector, encoder, copies, catalogue, fetcher)
        yield Service([mount(pipeline)], {client.part: client.probe for client in (detector, encoder, catalogue)})


if __name__ == "__main__":
    launch("ingest", IngestSettings, compose)
