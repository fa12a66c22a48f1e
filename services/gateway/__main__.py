"""The gateway as a process, HTTP and gRPC: ``python -m services.gateway``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

import structlog
import uvicorn

from services.gateway.feedback import KafkaFeedback, NoFeedback
from services.gateway.following import followed
from services.gateway.generations import RemoteGenerations
from services.gateway.http import HttpSettings, create_app
from services.gateway.http.keys import require_keys
from services.gateway.http.tls import Certificate, renewing
from services.gateway.servicer import mount
from services.gateway.settings import GatewaySettings
from shoplens.decoders import decoding_apart
from shoplens.fetcher import Fetcher
from shoplens.migration.live import LiveCatalogue, LiveCopySearch, LiveSearch
from shoplens.migration.mirroring import MirroredIngest
from shoplens.migration.plan import PARTS
from shoplens.rpc.clients import CopiesClient
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
        CopiesClient(settings.copies, identity) as copies,
        Fetcher(allow_private=settings.allow_private_addresses) as fetcher,
        ExitStack() as opened,
    ):
        log = opened.enter_context(KafkaFeedback(settings.kafka, topic=settings.feedback_topic)) if settings.kafka else NoFeedback()
        parts = {name: getattr(settings, name) for name in PARTS}
        makes = RemoteGenerations(parts, copies, copies_in_search=settings.copies_in_search, identity=identity)
        generations, seen = opened.enter_context(followed(settings.plan, makes))
        search = LiveSearch(generations, seen)
        probes = {**makes.probes(generations), **({"copies": copies.probe} if settings.copies_in_search else {})}
        app = create_app(
            search=search,
            copies=LiveCopySearch(generations),
            ingest=MirroredIngest(generations),
            catalogue=LiveCatalogue(generations),
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
