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
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from services.batch.pictures import SCHEMA, Failure, PictureRef, Report
from services.batch.store import FeatureStore
from services.batch.work import Computing, work

TASKS_A_CORE = 4
"""Smaller shares than cores, so that a slow one does not make all others wait."""

_REPORT = "computed long, known long, failures string"


def compute(
    pictures: Sequence[PictureRef], store: Path, *, make: str, settings: str, maker: str, master: str = "local[*]"
) -> Iterator[Report]:
    """A report a chunk, once all are done; until then Spark shows its own progress.

    make: ``module:function`` that makes a ``Computing`` of ``settings``. master: Spark's, as in ``local[2]``.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession  # a Java process: only for who asks

    session = (
        SparkSession.builder.appName("shoplens")
        .master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1" if master.startswith("local") else os.environ.get("SPARK_DRIVER_HOST", "127.0.0.1"))
        .config("spark.driver.bindAddress", "127.0.0.1" if master.startswith("local") else "0.0.0.0")  # noqa: S104  the cluster's own
        .config("spark.python.worker.reuse", "true")
        .getOrCreate()
    )
    try:
        session.sparkContext.setLogLevel("ERROR")
        shares = max(1, min(len(pictures), TASKS_A_CORE * session.sparkContext.defaultParallelism))
        frame = session.createDataFrame(_table(pictures)).repartition(shares)
        mapped = frame.mapInArrow(_task(str(store), make, settings, maker), _REPORT)
        for row in mapped.collect():
            failures = tuple(Failure(*each) for each in json.loads(row.failures))
            yield Report(row.computed, row.known, failures)
    finally:
        session.stop()


def _table(pictures: Sequence[PictureRef]) -> pa.Table:
    columns = {name: [getattr(each, name) for each in pictures] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def _task(store: str, make: str, settings: str, maker: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        features = FeatureStore(Path(store))
        pictures = (PictureRef(**row) for batch in batches for row in batch.to_pylist())
        for report in work(pictures, _made(make, settings), features, known=features.known(maker)):
            failures = json.dumps([[each.product_id, each.image_id, each.reason] for each in report.failures])
            yield pa.RecordBatch.from_pydict({"computed": [report.computed], "known": [report.known], "failures": [failures]})

    return run


@cache
def _made(make: str, settings: str) -> Computing:
    """Once a worker."""
    module, _, function = make.partition(":")
    made: Any = getattr(import_module(module), function)(settings)
    computing: Computing = made
    return computing
