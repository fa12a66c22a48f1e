"""One connection to a Milvus, embedded or a server: every call bounded by the deadline, every failure one of ours.

pymilvus retries a failed call up to 75 times and sleeps up to 3 s in between, past the time-out it was given. Whoever
waits for a search wants an answer or a reason, so here the first failure is the answer; gRPC reconnects underneath, and
the next call finds the server if it is back. One exception: a read that the embedded store's connection broke off is
asked once more, for its child is there and reads change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import numpy as np
import structlog
from numpy.typing import NDArray
from pymilvus import CollectionSchema, MilvusClient, MilvusException
from pymilvus.milvus_client import IndexParams

from services.catalogue.embedded import EmbeddedMilvus
from shoplens.deadlines import remaining_s
from shoplens.errors import DeadlineExceeded, FailedPrecondition, InternalError, InvalidArgument, Overloaded, ShoplensError, Unavailable

CALL_S = 30.0
OPEN_S = 300.0
"""For what happens once, at open: a server that has just started reads its log again before it answers."""
CONNECT_S = 10.0
DEFAULT_DATABASE = "default"
ROWS_PER_CALL = 1000
_SCAN_ROWS = 10_000

_log = structlog.get_logger(__name__)

Row = dict[str, Any]

_EMBEDDED_OPTIONS = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": 0}
"""No keepalive, which pymilvus sends every 10 s: a dead child closes its socket, and a living one hangs up on too many pings."""
_DYING_S = 0.2
"""A killed child's socket is closed a moment before the child can be seen to be gone."""

_STARTING = frozenset({1, 2, 101, 500, 501, 503, 901})
"""Milvus' own codes of a server that has just started: not ready, unavailable, collection not loaded, a channel or a node missing."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The rows nearest to a probe, the most similar first."""

    ids: Sequence[int]
    similarities: Sequence[float]


class _FailedAtOnceError(Exception):
    """Carries a gRPC error out of pymilvus before it retries."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(str(error))
        self.error = error


class Milvus:
    """What the catalogue needs of Milvus, with :mod:`shoplens.errors` for its failures.

    ``uri`` is a file's path (embedded, through Milvus Lite) or ``http(s)://host:port``. ``database``: a server's, made where there is
    none.
    """

    def __init__(self, uri: str, database: str = DEFAULT_DATABASE) -> None:
        # pymilvus logs every failed call with its stack; ours are logged once, where they are mapped.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self.embedded = None if "://" in uri else EmbeddedMilvus(Path(uri))
        self.name = uri
        try:
            self._client = self._connect(self.embedded.address if self.embedded else uri)
            if database != DEFAULT_DATABASE:
                self._client = self._moved_to(database)
        except BaseException:
            if self.embedded is not None:
                self.embedded.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(MilvusException):
            self._client.close()
        if self.embedded is not None:
            self.embedded.close()

    def collections(self) -> list[str]:
        return list(self._call(self._client.list_collections))

    def create(self, name: str, schema: CollectionSchema, index: IndexParams) -> None:
        """An empty collection, loaded. What this client wrote, it reads at once (``Session``)."""
        self._call(self._client.create_collection, name, longest_s=OPEN_S, schema=schema, index_params=index, consistency_level="Session")

    def load(self, name: str) -> None:
        self._call(self._client.load_collection, name, longest_s=OPEN_S)

    def ready(self, name: str, field: str) -> bool:
        """Whether the collection is loaded and no index is being built."""
        if "Loaded" not in str(self._read(self._client.get_load_state, name).get("state")):
            return False
        index = self._read(self._client.describe_index, name, field)
        return str(index.get("state", "Finished")) == "Finished" and int(index.get("pending_index_rows", 0)) == 0

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        """All rows in one call, up to ``ROWS_PER_CALL``, which Milvus applies whole."""
        for start in range(0, len(rows), ROWS_PER_CALL):
            self._call(self._client.insert, name, list(rows[start : start + ROWS_PER_CALL]))

    def delete(self, name: str, ids: Sequence[int]) -> None:
        """Ids that are not there are fine."""
        for start in range(0, len(ids), ROWS_PER_CALL):
            self._call(self._client.delete, name, ids=list(ids[start : start + ROWS_PER_CALL]))

    def rows(self, name: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        """The rows with these ids, in no particular order, less those that are not there."""
        found: list[Row] = []
        for start in range(0, len(ids), ROWS_PER_CALL):
            part = list(ids[start : start + ROWS_PER_CALL])
            found.extend(self._read(self._client.query, name, ids=part, output_fields=list(fields)))
        return found

    def scan(self, name: str, fields: Sequence[str], visit: Callable[[list[Row]], None]) -> None:
        """Every row, batch by batch, as of now whoever wrote it."""
        iterator = self._call(
            self._client.query_iterator,
            name,
            longest_s=OPEN_S,
            batch_size=_SCAN_ROWS,
            filter="id >= 0",
            output_fields=list(fields),
            consistency_level="Strong",
        )
        while batch := self._call(iterator.next, bounded=False):
            visit(list(batch))
        iterator.close()

    def search(
        self, name: str, probes: NDArray[np.float32], *, field: str, limit: int, where: str, params: Mapping[str, Any]
    ) -> list[Neighbours]:
        """For each probe its nearest rows, all probes in one call. Ids and similarities alone: each field takes Milvus Lite 3 ms."""
        found = self._read(
            self._client.search, name, list(probes), anns_field=field, limit=limit, output_fields=[], filter=where,
            search_params={"params": dict(params)},
        )  # fmt: skip
        return [Neighbours(hits.ids, hits.distances) for hits in found]

    def _moved_to(self, database: str) -> MilvusClient:
        if self.embedded is not None:
            raise FailedPrecondition("The embedded store has but one database; give a second index a file of its own.")
        with closing(self._client):
            if database not in self._call(self._client.list_databases):
                self._call(self._client.create_database, database)
        return self._connect(self.name, db_name=database)

    def _connect(self, address: str, **more: Any) -> MilvusClient:
        try:
            options = {} if self.embedded is None else {"grpc_options": _EMBEDDED_OPTIONS}
            client = MilvusClient(address, dedicated=True, timeout=remaining_s(CONNECT_S), **options, **more)
        except (MilvusException, grpc.RpcError) as error:
            raise Unavailable(f"No Milvus answers at {self.name}; start it, or correct the address.", retry_after_s=5.0) from error
        client._get_connection()._on_rpc_error = _give_up
        return client

    def _read(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._call(method, *args, again=True, **kwargs)

    def _call(
        self, method: Callable[..., Any], *args: Any, bounded: bool = True, longest_s: float = CALL_S, again: bool = False, **kwargs: Any
    ) -> Any:
        timeout_s = remaining_s(longest_s)
        try:
            return method(*args, **kwargs, timeout=timeout_s) if bounded else method(*args, **kwargs)
        except (MilvusException, grpc.RpcError) as error:
            if again and self.embedded is not None and self.embedded.alive and _code(error) == grpc.StatusCode.UNAVAILABLE:
                return self._call(method, *args, bounded=bounded, longest_s=longest_s, **kwargs)
            raise self._translated(error) from error

    def _translated(self, error: MilvusException | grpc.RpcError) -> ShoplensError:
        cause, code = _cause(error), _code(error)
        if self.embedded is not None and self.embedded.gone(_DYING_S if code == grpc.StatusCode.UNAVAILABLE else 0.0):
            return Unavailable("The embedded store has stopped; restart shoplens, which opens the catalogue as it was.")
        if self.embedded is not None and code == grpc.StatusCode.UNAVAILABLE:
            return Unavailable("The embedded store broke the call off; try again in a moment.", retry_after_s=1.0)
        # pymilvus' own time-outs (waiting for a collection to load) say so in words only.
        if code == grpc.StatusCode.DEADLINE_EXCEEDED or "timeout" in str(cause):
            return DeadlineExceeded(f"Milvus at {self.name} did not answer in time; try again, or look at its load.")
        if code == grpc.StatusCode.UNAVAILABLE:
            return Unavailable(f"Milvus at {self.name} is not reachable; start it, or try again in a moment.", retry_after_s=5.0)
        if code in _STARTING:
            return Unavailable(f"Milvus at {self.name} is loading its collections; try again in some seconds.", retry_after_s=5.0)
        if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded("Milvus has too much to do; try again in a moment.", retry_after_s=1.0)
        if code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED):
            return FailedPrecondition(f"Milvus at {self.name} refuses the user; correct the name and password in its address.")
        if code == grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidArgument("Milvus refused the request's size or form; send less at once.")
        if code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED):
            return Unavailable(f"What answers at {self.name} is no Milvus, or of another version; correct the address.", retry_after_s=5.0)
        _log.error("milvus call failed", store=self.name, error=str(cause))
        return InternalError("The catalogue's store failed; the log says why.")


def _cause(error: MilvusException | grpc.RpcError) -> Exception:
    return error.__cause__.error if isinstance(error.__cause__, _FailedAtOnceError) else error


def _code(error: MilvusException | grpc.RpcError) -> object:
    """gRPC's status, or Milvus' own code."""
    cause = _cause(error)
    return cause.code() if isinstance(cause, grpc.RpcError) else getattr(cause, "code", None)


def _give_up(error: Exception) -> bool:
    """pymilvus' hook on a failed call: leave its retry loop. False means that nothing was mended."""
    if isinstance(error, grpc.RpcError):
        raise _FailedAtOnceError(error)
    return False
