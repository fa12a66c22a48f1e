"""``shoplens doctor``: asks everything that shoplens depends on, and says of each in words what is wrong and what to do.

Of one process: its models, folder, index and weights, and the server at its address. Of services of their own (``--services``): each
service's health as it is seen from here, Kafka with its topics, Redis and Milvus, at the addresses that the environment gives them.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import httpx
import numpy as np

from services.catalogue.embedded import is_in_use
from services.catalogue.settings import CatalogueSettings
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.ranker.live import LiveWeights
from services.ranker.publishing import WeightsFolder
from services.standalone.places import (
    CATALOGUE_FILE,
    COPIES_FILE,
    FEATURES_FILE,
    MIGRATION_FOLDER,
    WEIGHTS_FOLDER,
    generation_folder,
)
from services.standalone.settings import StandaloneSettings
from shoplens.cores import Cores
from shoplens.engines import open_model
from shoplens.errors import FailedPrecondition, ShoplensError, Unavailable
from shoplens.migration.plan_folder import PlanFolder
from shoplens.model_store import model_folder
from shoplens.models import Manifest
from shoplens.rpc.check import serves

PARTS: Final = ("detector", "encoder", "copies")
ROOM_BYTES: Final = 2 * 2**30
FILES: Final = 1_024
ANSWER_S: Final = 5.0


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was asked, how it is, and what to do where it is not well."""

    what: str
    state: State
    text: str


Check = Callable[[], str]
"""Says that all is well. Raises ``ShoplensError``, or ``_DoubtError`` for what works and should still be looked at."""


class _DoubtError(Exception):
    pass


def of_one_process(settings: StandaloneSettings, server: str) -> Iterator[Finding]:
    """Findings about ``shoplens serve`` over the settings' data folder, with or without a server running."""
    for part in PARTS:
        yield _finding(f"model: {part}", lambda part=part: _model(part, settings.models))  # type: ignore[misc]
    yield _finding("data folder", lambda: _folder(settings.data))
    yield _finding("index", lambda: _index(settings.data))
    yield _finding("ranking weights", lambda: _weights(settings.data / WEIGHTS_FOLDER))
    yield _finding("open files", _files)
    yield _finding("server", lambda: _server(server))


def of_services() -> Iterator[Finding]:
    """Findings about services of their own, at the addresses of ``SHOPLENS_GATEWAY_…``, ``…_INGEST_…`` and ``…_CATALOGUE_…``."""
    gateway, ingest = GatewaySettings.from_environment(), IngestSettings.from_environment()
    milvus_uri = CatalogueSettings.from_environment().milvus_uri
    for part in ("detector", "encoder", "catalogue", "ranker", "ingest", "copies"):
        yield _finding(part, lambda part=part: _service(part, getattr(gateway, part)))  # type: ignore[misc]
    if ingest.kafka:
        yield _finding("kafka", lambda: _kafka(ingest.kafka, (ingest.topic, ingest.dead_topic)))
    if ingest.redis:
        yield _finding("redis", lambda: _redis(ingest.redis))
    if "://" in milvus_uri:
        yield _finding("milvus", lambda: _milvus(milvus_uri))


def _finding(what: str, check: Check) -> Finding:
    try:
        return Finding(what, State.OK, check())
    except _DoubtError as doubt:
        return Finding(what, State.WARNING, str(doubt))
    except ShoplensError as error:
        return Finding(what, State.PROBLEM, error.message)


def _model(part: str, models: Path | None) -> str:
    manifest = Manifest.load(model_folder(part, root=models))
    model = open_model(manifest.path, Cores(1))
    picture = manifest.input.normalise(np.zeros((1, manifest.input.height, manifest.input.width, 3), np.uint8))
    model(picture)
    begun = time.perf_counter()
    model(picture)
    return f"{manifest.name} {manifest.version} answers in {1_000 * (time.perf_counter() - begun):.0f} ms on one core."


def _folder(data: Path) -> str:
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as file:
            file.write(b"shoplens")
            file.flush()
        free = shutil.disk_usage(data).free
    except OSError as error:
        raise FailedPrecondition(f"{data} cannot be written ({error.strerror}); give it to the server's user, or name another.") from error
    told = f"{data.absolute()} can be written; {free / 2**30:.1f} GiB are free."
    if free < ROOM_BYTES:
        raise _DoubtError(f"{told} Make room before it is full: writes then fail, searches go on.")
    return told


def _index(data: Path) -> str:
    plan = PlanFolder(data / MIGRATION_FOLDER).read()
    folder = generation_folder(data, plan.live.number)
    if not (folder / CATALOGUE_FILE).is_file():
        raise _DoubtError(f"{folder} holds no index yet; `shoplens serve` or `import` makes one.")
    if is_in_use(folder / CATALOGUE_FILE):
        return "A server has it open, so it is not read here; `shoplens backup` checks its copy."
    sizes = []
    for path in (folder / CATALOGUE_FILE, folder / FEATURES_FILE, data / COPIES_FILE):
        if path.is_file():
            _whole(path)
            sizes.append(f"{path.name} {path.stat().st_size / 2**20:.1f} MiB")
    told = f"Whole: {', '.join(sizes)}."
    if plan.other is not None:
        raise _DoubtError(f"{told} A migration is under way: `shoplens migrate status`.")
    return told


def _whole(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=ANSWER_S)) as database:
            (said,) = database.execute("pragma quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise FailedPrecondition(f"{path} is damaged ({said}); restore a backup, or import the products into a new folder.")


def _weights(folder: Path) -> str:
    newest = WeightsFolder(folder).newest()
    live = LiveWeights(folder)
    live()
    if live.number != newest:
        raise FailedPrecondition(
            f"Version {newest} makes no sense and is passed over; `shoplens weights rollback` puts a good one in force."
        )
    return "Those that ship are in force." if not newest else f"Version {newest} is in force."


def _files() -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = f"This user may open {limit} files at once."
    if limit < FILES:
        raise _DoubtError(f"{told} Allow {FILES} or more (ulimit -n), or a crowd of shoppers will be refused.")
    return told


def _server(address: str) -> str:
    try:
        with httpx.Client(base_url=address, timeout=ANSWER_S, trust_env=False) as client:
            ready = client.get("/readyz")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _DoubtError(f"Nobody answers at {address} ({type(error).__name__}); start `shoplens serve`, or give --server.") from error
    if ready.status_code != httpx.codes.OK:
        raise Unavailable(f"The server at {address} is not ready: {ready.text[:300]}")
    return f"{address} is ready."


def _service(part: str, address: str) -> str:
    if not serves(address):
        raise Unavailable(f"Nobody answers at {address}; start the {part}, or correct SHOPLENS_GATEWAY_{part.upper()}.")
    if not serves(address, ""):
        raise Unavailable(f"The {part} at {address} is up, but something that it needs is not; its log and the findings here say what.")
    return f"{address} serves."


def _kafka(servers: str, topics: tuple[str, ...]) -> str:
    from kafka import KafkaConsumer

    from shoplens.kafka import speaking_kafka

    with speaking_kafka("answer"), closing(KafkaConsumer(bootstrap_servers=servers.split(","), bootstrap_timeout_ms=5_000)) as consumer:
        there = consumer.topics()
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise FailedPrecondition(f"Kafka at {servers} lacks the topic {missing[0]}; create it (docs/freshness.md says how).")
    return f"{servers} answers and has {' and '.join(topics)}."


def _redis(url: str) -> str:
    import redis

    try:
        with closing(redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise _DoubtError(f"Redis at {url} does not answer ({error}); searches and updates go on without, more slowly.") from error
    return f"{url} answers."


def _milvus(uri: str) -> str:
    from services.catalogue.connection import Milvus

    with Milvus(uri) as milvus:
        return f"{uri} answers and has {len(milvus.collections())} collections."
