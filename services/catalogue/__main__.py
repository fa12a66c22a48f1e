"""The catalogue as a process: ``python -m services.catalogue``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.catalogue.engine import MilvusCatalogue
from services.catalogue.servicer import mount
from services.catalogue.settings import CatalogueSettings
from shoplens import deadlines
from shoplens.rpc.clients import EncoderClient
from shoplens.rpc.launch import Service, launch
from shoplens.rpc.probes import index_is_finished


@contextmanager
def compose(settings: CatalogueSettings) -> Iterator[Service]:
    identity = settings.identity()
    with EncoderClient(settings.encoder, identity) as encoder, deadlines.within(settings.start_timeout_s):
        encoder.wait_until_serving()
        card = encoder.card()
    with MilvusCatalogue.open(settings.milvus_uri, database=settings.database, pictures=settings.pictures, card=card) as catalogue:
        yield Service([mount(catalogue)], {"index": index_is_finished(catalogue)})


if __name__ == "__main__":
    launch("catalogue", CatalogueSettings, compose)
