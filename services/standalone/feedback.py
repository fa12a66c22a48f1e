"""Reading the log of feedback again, from where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from services.standalone.places import FEEDBACK_FILE
from shoplens.errors import NotFound
from shoplens.feedback import TOPIC
from shoplens.kafka import speaking_kafka

_ANSWER_MS: Final = 10_000


def feedback_lines(data: Path, kafka: str) -> Iterator[bytes]:
    """Its records, oldest first: of Kafka's topic where its address is given, else of the data folder.

    Raises ``NotFound`` and ``Unavailable``.
    """
    return _of_kafka(kafka) if kafka else _of_files(data / FEEDBACK_FILE)


def _of_files(path: Path) -> Iterator[bytes]:
    """The older file first. A full one is put aside at any moment, so both are opened before either is read."""
    files = []
    for each in (path.with_name(f"{path.name}.1"), path):
        try:
            files.append(each.open("rb"))
        except FileNotFoundError:
            continue
    if not files:
        raise NotFound(f"There is no feedback in {path.parent}: no search was answered there yet, or it is another server's folder.")
    for file in files:
        with file:
            yield from file


def _of_kafka(servers: str) -> Iterator[bytes]:
    """Everything that the topic holds now."""
    with speaking_kafka("tell the feedback"), closing(KafkaConsumer(bootstrap_servers=servers.split(","))) as consumer:
        partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or ()]
        if not partitions:
            raise NotFound(f"Kafka at {servers} has no topic {TOPIC}.")
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
        while any(consumer.position(each, timeout_ms=_ANSWER_MS) < end for each, end in ends.items()):
            for records in consumer.poll(timeout_ms=1_000).values():
                yield from (record.value for record in records if record.value is not None)
