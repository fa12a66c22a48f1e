"""The encoder as a process: ``python -m services.encoder``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.encoder.own import open_encoder
from services.encoder.servicer import mount
from services.encoder.settings import EncoderSettings
from shoplens.cores import Cores
from shoplens.domain import WHOLE_FRAME
from shoplens.rpc.launch import Service, launch
from shoplens.rpc.probes import model_computes


@contextmanager
def compose(settings: EncoderSettings) -> Iterator[Service]:
    encoder = open_encoder(settings.models, Cores(settings.threads))
    yield Service([mount(encoder)], {"model": model_computes(lambda picture: encoder.encode(picture, [WHOLE_FRAME]))})


if __name__ == "__main__":
    launch("encoder", EncoderSettings, compose)
