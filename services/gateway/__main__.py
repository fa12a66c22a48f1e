"""The gateway as a process, HTTP and gRPC: ``python -m services.gateway``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

import structlog
import uvicorn

from services.gateway.copy_search import CatalogueCopySearch
from services.gateway.engine import CameraSearch
from services.gateway.feedback import KafkaFeedback, NoFeedback
from services.gateway.http import HttpSettings, create_app
from services.gateway.http.keys import require_keys
from services.gateway.http.tls import Certificate, renewing
from services.gateway.servicer import mount
from services.gateway.settings import GatewaySettings
from services.gateway.sights import RememberingDetector, RememberingEncoder
from shoplens.decoders import decoding_apart
from shoplens.fetcher import Fetcher
from shoplens.rpc.clients import CatalogueClient, CopiesClient, DetectorClient, EncoderClient, IngestClient, RankerClient
from shoplens.rpc.launch import Service, launch
from shoplens.tracing import traced_app

OPTIONAL = ("detector", "ranker", "ingest", "copies")
"""Parts that a search can do without; see ``CameraSearch``."""


@contextmanager
def compose(settings: GatewaySettings) -> Iterator[Service]:
    http = HttpSettings.from_environment()
    require_keys(http.keys, settings.host, open_to_all=settings.open)
    certificate = Certificate.of(http)
    identity = settings.identity()
    with (
        decoding_apart(settings.decoders),
        DetectorClient(settings.detector, identity) as detector,
        EncoderClient(settings.encoder, identity) as encoder,
        CatalogueClient(settings.catalogue, identity) as catalogue,
        RankerClient(settings.ranker, identity) as ranker,
        IngestClient(settings.ingest, identity) as ingest,
        CopiesClient(settings.copies, identity) as copies,
        Fetcher(allow_private=settings.allow_private_addresses) as fetcher,
        ExitStack() as opened,
    ):
        log = opened.enter_context(KafkaFeedback(settings.kafka, topic=settings.feedback_topic)) if settings.kafka else NoFeedback()
        remembering = RememberingDetector(detector), RememberingEncoder(encoder)
        search = CameraSearch(*remembering, catalogue, ranker, copies if settings.copies_in_search else None)
        asked = (detector, encoder, catalogue, ranker, ingest, *((copies,) if settings.copies_in_search else ()))
        probes = {client.part: client.probe for client in asked}
        app = create_app(
            search=search,
            copies=CatalogueCopySearch(copies, catalogue),
            ingest=ingest,
            catalogue=catalogue,
            fetcher=fetcher,
            feedback_log=log,
            readiness=probes,
            optional=OPTIONAL,
            settings=http,
        )
        options = {} if certificate is None else certificate.options()
        config = uvicorn.Config(traced_app(app), host=settings.host, port=settings.http_port, log_config=None, access_log=False, **options)
        config.load()
        with closing(config.bind_socket()) as listening, renewing(certificate, config.ssl):
            listening.listen(config.backlog)
            structlog.get_logger(__name__).info("serving http", host=settings.host, port=listening.getsockname()[1])
            yield Service([mount(search)], probes, OPTIONAL, foreground=partial(uvicorn.Server(config).run, sockets=[listening]))


if __name__ == "__main__":
    launch("gateway", GatewaySettings, compose)
