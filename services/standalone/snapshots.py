"""The log of updates, folded: every product as the log leaves it, as a feed that ``import`` and ``compute`` read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from shoplens.domain import ProductDeletion, ProductDraft, ProductPatch, Update
from shoplens.errors import InvalidArgument, NotFound, Unavailable
from shoplens.events import parse_event
from shoplens.products import draft_document

Entry = tuple[bytes | None, bytes | None]
"""A message's key and value."""


@dataclass(slots=True)
class Snapshot:
    """What the log says so far. refused: messages that cannot be read, or change what is not there."""

    products: dict[str, ProductDraft] = field(default_factory=dict)
    refused: int = 0
    _gone: dict[str, int] = field(default_factory=dict)

    def tell(self, key: bytes | None, value: bytes | None) -> None:
        """Apply one message, as the catalogue would: an older version, or the same again, changes nothing."""
        try:
            update = parse_event(key, value)
        except InvalidArgument:
            self.refused += 1
            return
        match update:
            case ProductDeletion():
                self._delete(update)
            case ProductPatch():
                self._patch(update)
            case _:
                self._put(update)

    def lines(self) -> Iterator[str]:
        """The products as NDJSON, in the order of their ids."""
        for _, draft in sorted(self.products.items()):
            yield json.dumps(draft_document(draft), ensure_ascii=False) + "\n"

    def _is_old(self, update: Update) -> bool:
        current = self.products.get(update.id)
        known = self._gone.get(update.id) if current is None else current.version
        return update.version is not None and known is not None and update.version <= known

    def _put(self, draft: ProductDraft) -> None:
        if not self._is_old(draft):
            self.products[draft.id] = replace(draft, version=self._next(draft))
            self._gone.pop(draft.id, None)

    def _patch(self, patch: ProductPatch) -> None:
        current = self.products.get(patch.id)
        if current is None:
            self.refused += 1
        elif not self._is_old(patch):
            details = current.details.changed(patch.changes)
            self.products[patch.id] = replace(current, details=details, version=self._next(patch))

    def _delete(self, deletion: ProductDeletion) -> None:
        if self._is_old(deletion):
            return
        self.products.pop(deletion.id, None)
        if deletion.version is not None:
            self._gone[deletion.id] = deletion.version

    def _next(self, update: ProductDraft | ProductPatch) -> int:
        current = self.products.get(update.id)
        return update.version if update.version is not None else (0 if current is None else current.version or 0) + 1


def snapshot(entries: Iterable[Entry]) -> Snapshot:
    """The log folded, from its beginning to its end."""
    found = Snapshot()
    for key, value in entries:
        found.tell(key, value)
    return found


def of_file(path: Path) -> Iterator[Entry]:
    """A file of events. Raises ``InvalidArgument``."""
    try:
        with path.open("rb") as file:
            yield from ((None, line) for line in file if line.strip())
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read ({error.strerror}); give a file of events.") from error


def of_topic(servers: str, topic: str) -> Iterator[Entry]:
    """All that a topic holds at this moment. Raises ``Unavailable`` and ``NotFound``."""
    try:
        with closing(KafkaConsumer(bootstrap_servers=servers.split(","), enable_auto_commit=False)) as consumer:
            partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            if not partitions:
                raise NotFound(f"Kafka has no topic {topic}; correct --topic.")
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for partition, records in consumer.poll(timeout_ms=500).items():
                    yield from ((record.key, record.value) for record in records if record.offset < ends[partition])
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka does not answer at {servers} ({error}); start it, or correct --kafka.") from error
