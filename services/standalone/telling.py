"""``shoplens events`` and ``shoplens dead``: the producer's side of the update stream, and what could not be applied."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from services.ingest.topics import dead_letter
from services.standalone.places import DEAD_FILE
from shoplens.domain import DeadLetter, Position, Update
from shoplens.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable
from shoplens.events import dead_letter_document, operation_of, parse_event
from shoplens.kafka import producer

_ANSWER_S: Final = 30.0
_GROUP: Final = "shoplens-dead"


@dataclass(frozen=True, slots=True)
class EventLine:
    """A line of a file of events: what it asks for, or why it will not do."""

    line: int
    text: bytes
    update: Update | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        known = {} if self.update is None else {"op": operation_of(self.update), "product_id": self.update.id}
        return {"line": self.line, "ok": not self.problem, **known, "error": self.problem or None}


def event_lines(path: Path) -> Iterator[EventLine]:
    """The events of a file, an event a line. Raises ``NotFound``."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(f"There is no file {path} that can be read; check its name.") from error
    with file:
        for number, line in enumerate(file, start=1):
            text = line.strip()
            if text:
                yield _event_line(number, text)


def _event_line(number: int, text: bytes) -> EventLine:
    try:
        return EventLine(number, text, parse_event(None, text))
    except InvalidArgument as error:
        return EventLine(number, text, problem=error.message)


def send_events(lines: Sequence[EventLine], servers: str, topic: str) -> None:
    """Tell events over Kafka, each under its product's id, in order. Returns once the broker has them all. Raises ``Unavailable``."""
    try:
        with closing(producer(servers)) as sending:
            sent = [sending.send(topic, key=line.update.id.encode(), value=line.text) for line in lines if line.update is not None]
            for each in sent:
                each.get(timeout=_ANSWER_S)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {servers} did not take the events ({error}); start it, or correct --kafka.") from error


def wait_until_searchable(server: str, since: datetime, timeout_s: float) -> None:
    """Until the catalogue holds everything that was told before ``since``. Raises ``DeadlineExceeded`` and ``Unavailable``."""
    until = time.monotonic() + timeout_s
    try:
        with httpx.Client(base_url=server, timeout=10.0, trust_env=False) as client:
            while True:
                answer = client.get("/v1/status").raise_for_status().json()
                if datetime.fromisoformat(answer["index"]["fresh_as_of"]) >= since:
                    return
                if time.monotonic() > until:
                    raise DeadlineExceeded("The events were sent and are not all in effect yet; look at the lag of ingest.")
                time.sleep(0.05)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise Unavailable(f"No shoplens server answers at {server}; correct --server.") from error


class DeadTopic:
    """The dead letters of a Kafka, oldest first. What was replayed is remembered under a consumer group of its own."""

    def __init__(self, servers: str, topic: str) -> None:
        """Raises ``Unavailable``."""
        self._servers = servers
        self._topic = topic
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=servers.split(","), group_id=_GROUP, enable_auto_commit=False, auto_offset_reset="earliest"
            )
            partitions = self._consumer.partitions_for_topic(topic) or set()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka does not answer at {servers} ({error}); start it, or correct --kafka.") from error
        self._partitions = [TopicPartition(topic, number) for number in sorted(partitions)]
        if not self._partitions:
            self.close()
            raise NotFound(f"Kafka has no topic {topic}; correct --dead-topic.")

    def letters(self, *, again: bool = False) -> list[DeadLetter]:
        """Those that were not replayed yet; with ``again`` all that Kafka still has."""
        consumer, found = self._consumer, []
        consumer.assign(self._partitions)
        starts, ends = consumer.beginning_offsets(self._partitions), consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            done = 0 if again else consumer.committed(partition) or 0
            consumer.seek(partition, max(starts[partition], done))
        while any(consumer.position(partition) < ends[partition] for partition in self._partitions):
            for partition, records in consumer.poll(timeout_ms=500).items():
                found += [dead_letter(Position(str(partition.partition), record.offset), record) for record in records]
        return found

    def replay(self, topic: str) -> int:
        """Tell every letter that was not replayed yet once more, as it was; how many that were."""
        letters = self.letters()
        try:
            with closing(producer(self._servers)) as sending:
                sent = [sending.send(topic, key=letter.message.key, value=letter.message.value) for letter in letters]
                for each in sent:
                    each.get(timeout=_ANSWER_S)
            marks: dict[TopicPartition, OffsetAndMetadata] = {}
            for letter in letters:
                assert letter.letter is not None
                partition = TopicPartition(self._topic, int(letter.letter.log))
                marks[partition] = OffsetAndMetadata(letter.letter.offset + 1, "", -1)
            if marks:
                self._consumer.commit(marks)
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {self._servers} did not take all letters back ({error}); replay again.") from error
        return len(letters)

    def close(self) -> None:
        self._consumer.close()


class DeadFolder:
    """The dead letters of a data folder, which a server that follows a file leaves there."""

    def __init__(self, data: Path) -> None:
        self._path = data / DEAD_FILE

    def letters(self) -> list[dict[str, Any]]:
        """As documents, oldest first. Raises ``NotFound`` where there is no such folder."""
        if not self._path.parent.is_dir():
            raise NotFound(f"There is no data folder {self._path.parent}; correct --data.")
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]

    def replay(self, updates: Path) -> int:
        """Append every letter to the file of updates, and put them aside; how many that were."""
        letters = self.letters()
        if letters:
            with updates.open("ab") as file:
                file.writelines(base64.b64decode(letter["value_base64"] or "") + b"\n" for letter in letters)
            self._path.rename(self._path.with_name(f"{self._path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{self._path.suffix}"))
        return len(letters)


def documents(letters: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    return [dead_letter_document(letter) for letter in letters]
