"""The write path as a process: ``python -m services.ingest``. Reads the update stream too, where it is told of a Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from services.ingest.afterwards import Afterwards
from services.ingest.engine import Pipeline
from services.ingest.preparation import Preparation
from services.ingest.running import running
from services.ingest.servicer import mount
from services.ingest.settings import IngestSettings
from services.ingest.stream import UpdateStream
from services.ingest.topics import KafkaDeadLetters, KafkaUpdates
from shoplens.buckets import Buckets
from shoplens.caches import Layered, RedisCache, SqliteCache
from shoplens.computed import computed_in
from shoplens.decoders import decoding_apart
from shoplens.fetcher import Fetcher
from shoplens.ports import Cache
from shoplens.rpc.clients import CatalogueClient, CopiesClient, DetectorClient, EncoderClient
from shoplens.rpc.launch import Service, launch


@contextmanager
def compose(settings: IngestSettings) -> Iterator[Service]:
    identity = settings.identity()
    with (
        decoding_apart(settings.decoders),
        DetectorClient(settings.detector, identity) as detector,
        EncoderClient(settings.encoder, identity) as encoder,
        CatalogueClient(settings.catalogue, identity) as catalogue,
        CopiesClient(settings.copies, identity) as copies,
        Fetcher(
            allow_private=settings.allow_private_addresses, file_root=settings.file_root, buckets=Buckets.from_environment()
        ) as fetcher,
        ExitStack() as opened,
    ):
        cache = _cache(settings, opened)
        preparation = Preparation.by(detector, encoder, copies, catalogue, fetcher, cache)
        probes = {client.part: client.probe for client in (detector, encoder, catalogue)}
        if settings.kafka:
            updates = opened.enter_context(KafkaUpdates(settings.kafka, topic=settings.topic, group=settings.group, member=settings.member))
            dead = opened.enter_context(KafkaDeadLetters(settings.kafka, topic=settings.dead_topic))
            later = opened.enter_context(Afterwards(copies))
            for_many = Preparation.by(detector, encoder, later, catalogue, fetcher, cache)
            opened.enter_context(running(UpdateStream(updates, for_many, catalogue, dead, workers=settings.workers)))
            probes["updates"] = updates.probe
        yield Service([mount(Pipeline(preparation, catalogue))], probes)


def _cache(settings: IngestSettings, opened: ExitStack) -> Cache:
    """The near before the far; what batch work computed last, and once a picture."""
    cache: Cache = opened.enter_context(SqliteCache(settings.features))
    if settings.redis:
        cache = Layered(opened.enter_context(RedisCache(settings.redis)), cache)
    return cache if settings.computed is None else Layered(cache, computed_in(settings.computed))


if __name__ == "__main__":
    launch("ingest", IngestSettings, compose)
