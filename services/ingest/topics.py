"""Kafka: the topic of updates, and that of dead letters.

A log is a partition of a topic, named ``<the topic's id>/<partition>``: a topic that is made again under its old name starts at
offset 0, and must not be taken for the one whose offsets the catalogue remembers.

kafka-python calls a rebalance's listener on its own loop, where nothing may block and nothing of the stream's may be touched. So the
listener commits without waiting what the stream has reached, and notes what was lost; the stream learns of it in its next ``poll``.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import structlog
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from shoplens.domain import DeadLetter, Message, Position
from shoplens.errors import Unavailable
from shoplens.kafka import producer, speaking_kafka
from shoplens.tracing import TRACEPARENT

UPDATES: Final = "catalogue.updates"
DEAD: Final = "catalogue.updates.dead"

_POLLED: Final = 1_000
_ANSWER_MS: Final = 10_000
_SESSION_MS: Final = 10_000
_HEADERS: Final = ("reason", "detail", "log", "offset", "told_at")

_log = structlog.get_logger(__name__)


class KafkaUpdates(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Implements ``ports.UpdateSource``: one member of a consumer group."""

    def __init__(self, servers: str, *, topic: str = UPDATES, group: str = "shoplens-ingest", member: str = "") -> None:
        """servers: as in ``127.0.0.1:9092``, several with commas. member: a name that this process keeps over a restart, by which
        it gets its partitions back at once; without one, those of a killed process wait for its session to end.

        Raises ``Unavailable``.
        """
        self._servers = servers
        self._topic = topic
        self._tell: Callable[[Collection[str]], None] = lambda _logs: None
        self._assigned: set[TopicPartition] = set()
        self._names: dict[TopicPartition, str] = {}
        self._lost: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reached: dict[str, int] = {}
        self._paused = False
        with speaking_kafka("answer"):
            self._consumer = KafkaConsumer(
                bootstrap_servers=servers.split(","),
                group_id=group,
                group_instance_id=member or None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=_POLLED,
                session_timeout_ms=_SESSION_MS,
                heartbeat_interval_ms=_SESSION_MS // 5,
                reconnect_backoff_max_ms=1_000,
                fetch_max_wait_ms=100,
            )
            self._consumer.subscribe([topic], listener=self)

    def poll(self, timeout_s: float) -> Sequence[Message]:
        try:
            with speaking_kafka("bring messages"):
                found = self._consumer.poll(timeout_ms=round(1_000 * timeout_s))
        finally:
            self._tell_losses()
        self._name(found)
        # Of a partition that has just been lost nothing is taken: whoever has it now reads it.
        taken = [(self._names[partition], records) for partition, records in found.items() if partition in self._names]
        return [_message(log, record) for log, records in taken for record in records]

    def on_lost(self, tell: Callable[[Collection[str]], None]) -> None:
        self._tell = tell

    def reached(self, offsets: Mapping[str, int]) -> None:
        self._reached = dict(offsets)

    def commit(self, offsets: Mapping[str, int]) -> None:
        known = self._committed(offsets)
        if known:
            with speaking_kafka("take a commit"):
                self._consumer.commit(known, timeout_ms=_ANSWER_MS)

    def pause(self) -> None:
        self._paused = True
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._consumer.resume(*self._consumer.paused())

    def behind(self) -> Mapping[str, int]:
        # The broker is asked: what the last fetch said of a partition's end is as old as that fetch.
        mine = {partition: log for partition, log in list(self._names.items()) if partition in self._assigned}
        if not mine:
            return {}
        with speaking_kafka("tell the ends of its partitions"):
            ends = self._consumer.end_offsets(list(mine), timeout_ms=_ANSWER_MS)
            return {log: max(0, ends[each] - self._consumer.position(each, timeout_ms=_ANSWER_MS)) for each, log in mine.items()}

    def probe(self) -> None:
        """Raises ``Unavailable`` while no broker answers or no partition is assigned."""
        if not self._assigned:
            raise Unavailable("Kafka has given this process no partition yet.")

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called on the consumer's loop."""
        self._assigned |= set(assigned)
        _log.info("partitions assigned", partitions=sorted(partition.partition for partition in assigned))

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called on the consumer's loop."""
        lost = [self._names[partition] for partition in revoked if partition in self._names]
        known = self._committed({log: offset for log, offset in self._reached.items() if log in lost})
        if known:
            self._consumer.commit_async(known)
        for partition in revoked:
            self._assigned.discard(partition)
            self._names.pop(partition, None)
        for log in lost:
            self._lost.put(log)
        _log.info("partitions revoked", partitions=sorted(partition.partition for partition in revoked))

    def close(self) -> None:
        try:
            self._consumer.close(timeout_ms=_ANSWER_MS)
        except (KafkaError, OSError) as error:
            _log.warning("left Kafka without a word", problem=str(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _committed(self, offsets: Mapping[str, int]) -> dict[TopicPartition, OffsetAndMetadata]:
        mine = {log: partition for partition, log in list(self._names.items())}
        return {mine[log]: OffsetAndMetadata(offset, "", -1) for log, offset in offsets.items() if log in mine}

    def _tell_losses(self) -> None:
        lost = []
        while not self._lost.empty():
            lost.append(self._lost.get())
        if lost:
            self._tell(lost)

    def _name(self, found: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Give partitions that are new here their logs' names. Where that fails, what was polled will be polled again."""
        unnamed = [partition for partition in list(self._assigned) if partition not in self._names]
        if not unnamed:
            return
        try:
            identity = self._identity()
        except Unavailable:
            for partition, records in found.items():
                if partition in self._assigned:
                    self._consumer.seek(partition, records[0].offset)
            raise
        for partition in unnamed:
            self._names[partition] = f"{identity}/{partition.partition}"
        if self._paused:
            self._consumer.pause(*unnamed)

    def _identity(self) -> str:
        """The topic's own id, which a topic that is made again does not share."""
        with speaking_kafka("describe the topic"):
            admin = KafkaAdminClient(bootstrap_servers=self._servers.split(","))
            try:
                (described,) = admin.describe_topics([self._topic])
            finally:
                admin.close()
        return str(described.get("topic_id") or self._topic)


class KafkaDeadLetters:
    """Implements ``ports.DeadLetters``: the message as it was, with what is wrong in its headers."""

    def __init__(self, servers: str, *, topic: str = DEAD) -> None:
        self._topic = topic
        with speaking_kafka("answer"):
            self._producer = producer(servers)

    def send(self, letter: DeadLetter) -> None:
        message = letter.message
        told = (letter.reason, letter.detail, message.position.log, str(message.position.offset), message.told_at.isoformat())
        headers = [(name, value.encode()) for name, value in zip(_HEADERS, told, strict=True)]
        if message.trace:
            headers.append((TRACEPARENT, message.trace.encode()))
        with speaking_kafka("keep a dead letter"):
            self._producer.send(self._topic, key=message.key, value=message.value, headers=headers).get(timeout=_ANSWER_MS / 1_000)

    def close(self) -> None:
        self._producer.close(timeout=_ANSWER_MS / 1_000)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def dead_letter(position: Position, record: Any) -> DeadLetter:
    """A record of the dead letters' topic, as it was sent."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    try:
        origin = Position(headers["log"], int(headers["offset"]))
        told_at = datetime.fromisoformat(headers["told_at"])
    except (KeyError, ValueError):  # a letter that somebody else put there
        origin, told_at = position, _moment(record.timestamp)
    message = Message(origin, record.key, record.value, told_at)
    return DeadLetter(message, headers.get("reason", "unknown"), headers.get("detail", ""), position)


def _message(log: str, record: Any) -> Message:
    trace = next((value.decode("ascii", "replace") for name, value in record.headers if name == TRACEPARENT and value), "")
    return Message(Position(log, record.offset), record.key, record.value, _moment(record.timestamp), trace)


def _moment(timestamp_ms: int | None) -> datetime:
    return datetime.now(UTC) if timestamp_ms is None or timestamp_ms < 0 else datetime.fromtimestamp(timestamp_ms / 1_000, UTC)
