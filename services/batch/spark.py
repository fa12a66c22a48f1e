"""The pictures shared out by Spark: on this machine's cores (``local[2]``), on a cluster, on Kubernetes.

A task writes its chunks itself, so nothing large comes back to the driver and what a killed task wrote stays. Arrow carries
the rows (``mapInArrow``): pandas is not needed, and PySpark 4.3 does not fully work with its third version. The models are
loaded once a worker, after the fork that Spark makes of it, by ``make``, which has to be importable there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from services.batch.duplicates import MAKER, Entry, entries_of, pairs_in
from services.batch.pictures import SCHEMA, Failure, PictureRef, Report, Shown
from services.batch.work import Computing, work
from shoplens.feature_store import FeatureStore

SUBMITTED = "submitted"
"""The master, and where the driver listens, are what ``spark-submit`` was told: on Kubernetes an operator says it."""

TASKS_A_CORE = 4
"""Smaller shares than cores, so that a slow one does not make all others wait."""

_PAIRS = pa.schema([("one", pa.string()), ("other", pa.string())])
_REPORT = "computed long, known long, failures string, shown string"


def compute(
    pictures: Sequence[PictureRef],
    store: Path,
    *,
    make: str,
    settings: str,
    makers: Sequence[str],
    chunk_size: int,
    master: str = "local[*]",
) -> Iterator[Report]:
    """A report a chunk, once all are done; until then Spark shows its own progress.

    make: ``module:function`` that makes a ``Computing`` of ``settings``. master: Spark's, as in ``local[2]``, or ``SUBMITTED``.
    """
    with session(master) as spark:
        shares = max(1, min(len(pictures), TASKS_A_CORE * spark.sparkContext.defaultParallelism))
        frame = spark.createDataFrame(_table(pictures)).repartition(shares)
        mapped = frame.mapInArrow(_task(str(store), make, settings, tuple(makers), chunk_size), _REPORT)
        for row in mapped.collect():
            failures = tuple(Failure(*each) for each in json.loads(row.failures))
            yield Report(row.computed, row.known, failures, tuple(Shown(*each) for each in json.loads(row.shown)))


def near_duplicates(store: Path, *, master: str = "local[*]") -> list[tuple[str, str]]:
    """All pairs of near duplicates among the fingerprints of a store, in the order of their names: see :mod:`services.batch.duplicates`."""
    with session(master) as spark:
        files = [str(path) for path in FeatureStore(store).files(MAKER)]
        if not files:
            return []
        frame = spark.read.parquet(*files).select("content_hash", "features").dropDuplicates(["content_hash"])
        keyed = frame.mapInArrow(_keyed, "key long, content_hash string, code binary, plain boolean")
        paired = keyed.groupBy("key").applyInArrow(_paired, "one string, other string")
        return sorted((row.one, row.other) for row in paired.distinct().collect())


def _keyed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        entries = [entry for name, kept in zip(*_columns(batch), strict=True) for entry in entries_of(name, kept)]
        columns = zip(*((entry.key, entry.content_hash, entry.code, entry.plain) for entry in entries), strict=True)
        yield pa.RecordBatch.from_pydict(dict(zip(("key", "content_hash", "code", "plain"), map(list, columns), strict=True)))


def _columns(batch: pa.RecordBatch) -> tuple[list[str], list[bytes]]:
    return batch.column(0).to_pylist(), batch.column(1).to_pylist()


def _paired(table: pa.Table) -> pa.Table:
    bucket = [Entry(row["key"], row["content_hash"], row["code"], row["plain"]) for row in table.to_pylist()]
    pairs = list(pairs_in(bucket))
    return pa.table({"one": [one for one, _ in pairs], "other": [other for _, other in pairs]}, schema=_PAIRS)


@contextmanager
def session(master: str) -> Iterator[Any]:
    """A Spark of our own, quiet, stopped on leaving. master: as in ``local[2]`` or ``spark://host:7077``, or ``SUBMITTED``."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession  # a Java process: only for who asks

    settings: dict[str, bool | float | int | str | None] = {"spark.ui.enabled": "false", "spark.python.worker.reuse": "true"}
    if master != SUBMITTED:
        settings |= {"spark.master": master, **_driver(alone=master.startswith("local"))}
    made = SparkSession.builder.appName("shoplens").config(map=settings).getOrCreate()
    try:
        made.sparkContext.setLogLevel("ERROR")
        yield made
    finally:
        made.stop()


def _driver(*, alone: bool) -> dict[str, str]:
    """Where the driver listens: for itself alone, or for the workers of a cluster."""
    host = "127.0.0.1" if alone else os.environ.get("SPARK_DRIVER_HOST", "127.0.0.1")
    return {"spark.driver.host": host, "spark.driver.bindAddress": "127.0.0.1" if alone else "0.0.0.0"}  # noqa: S104  the cluster's own


def _table(pictures: Sequence[PictureRef]) -> pa.Table:
    columns = {name: [getattr(each, name) for each in pictures] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def _task(
    store: str, make: str, settings: str, makers: tuple[str, ...], chunk_size: int
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        features = FeatureStore(Path(store))
        pictures = (PictureRef(**row) for batch in batches for row in batch.to_pylist())
        known = {maker: features.known(maker) for maker in makers}
        for report in work(pictures, _made(make, settings), features, known=known, chunk_size=chunk_size):
            failures = json.dumps([[each.product_id, each.image_id, each.reason] for each in report.failures])
            shown = json.dumps([[each.product_id, each.image_id, each.content_hash] for each in report.shown])
            told = {"computed": [report.computed], "known": [report.known], "failures": [failures], "shown": [shown]}
            yield pa.RecordBatch.from_pydict(told)

    return run


@cache
def _made(make: str, settings: str) -> Computing:
    """Once a worker."""
    module, _, function = make.partition(":")
    made: Any = getattr(import_module(module), function)(settings)
    computing: Computing = made
    return computing
