"""The ranker as a process: ``python -m services.ranker``. It needs nobody once it has started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.ranker.attributes import AttributeReader
from services.ranker.engine import FusionRanker
from services.ranker.live import LiveWeights
from services.ranker.servicer import mount
from services.ranker.settings import RankerSettings
from shoplens import deadlines
from shoplens.rpc.clients import EncoderClient
from shoplens.rpc.launch import Service, launch


@contextmanager
def compose(settings: RankerSettings) -> Iterator[Service]:
    identity = settings.identity()
    with EncoderClient(settings.encoder, identity) as encoder, deadlines.within(settings.start_timeout_s):
        encoder.wait_until_serving()
        card = encoder.card()
    yield Service([mount(FusionRanker(LiveWeights(settings.weights), card, reader=AttributeReader.find(card, settings.models)))])


if __name__ == "__main__":
    launch("ranker", RankerSettings, compose)
