"""The finder of copies as a process: ``python -m services.copies``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.copies.engine import CopyFinder
from services.copies.keeping_up import keeping_up
from services.copies.servicer import mount
from services.copies.settings import CopiesSettings
from shoplens.computed import computed_in
from shoplens.cores import Cores
from shoplens.decoders import decoding_apart
from shoplens.model_store import model_folder
from shoplens.rpc.clients import CatalogueClient
from shoplens.rpc.launch import Service, launch
from shoplens.rpc.probes import model_computes


@contextmanager
def compose(settings: CopiesSettings) -> Iterator[Service]:
    made = None if settings.computed is None else computed_in(settings.computed)
    with (
        decoding_apart(settings.decoders),
        CopyFinder(model_folder("copies", root=settings.models), settings.store, cores=Cores(settings.threads), made=made) as copies,
        CatalogueClient(settings.catalogue, settings.identity()) as catalogue,
        keeping_up(catalogue, copies),
    ):
        yield Service([mount(copies)], {"model": model_computes(copies.find)})


if __name__ == "__main__":
    launch("copies", CopiesSettings, compose)
