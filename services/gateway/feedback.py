"""Where searches and reactions are kept: a file beside the catalogue, or the topic ``search.feedback``.

A reaction is kept once ``reacted`` returns. What was shown is of less worth than the answer that shows it: it never makes a
search wait or fail, and what could not be kept is counted.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import IO, Self

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from shoplens import metrics
from shoplens.domain import Impression, Reaction
from shoplens.errors import Unavailable
from shoplens.feedback import TOPIC, reaction_line, shown_line
from shoplens.kafka import producer, speaking_kafka
from shoplens.tracing import message_headers

MOST_BYTES = 512 * 2**20
"""A full file makes room for a new one, and stays beside it as ``….1``; the one before is dropped."""

_ANSWER_S = 5.0
_AGAIN_S = 2.0
_BLOCK_S = 0.05
"""A producer that has lost its brokers would make every search wait."""

_log = structlog.get_logger(__name__)


class FeedbackFile:
    """Implements ``ports.FeedbackLog``: a line a record."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file = self._opened()

    def shown(self, impression: Impression) -> None:
        try:
            self._write(shown_line(impression))
        except OSError as error:
            metrics.FEEDBACK_LOST.inc()
            _log.warning("what a search showed was not kept", error=str(error))

    def reacted(self, reaction: Reaction) -> None:
        try:
            self._write(reaction_line(reaction))
        except OSError as error:
            raise Unavailable(
                f"The feedback could not be kept ({error.strerror}); make room or mend the disk, and send it again."
            ) from error
        metrics.FEEDBACK.labels(reaction.action.value).inc()

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        with self._lock:
            if self._file.tell() > self._most_bytes:
                self._file.close()
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
                self._file = self._opened()
            self._file.write(line + b"\n")
            self._file.flush()

    def _opened(self) -> IO[bytes]:
        file = self._path.open("ab")
        if file.tell() and not self._ends_a_line():
            file.write(b"\n")  # a process died in the middle of one
        return file

    def _ends_a_line(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


class KafkaFeedback:
    """Implements ``ports.FeedbackLog``: a message a record, those of one search in one partition.

    It connects in the background: searches are answered while Kafka is away, from the first one on.
    """

    def __init__(self, servers: str, *, topic: str = TOPIC) -> None:
        self._servers = servers
        self._topic = topic
        self._producer: KafkaProducer | None = None
        self._closed = threading.Event()
        self._connecting = threading.Thread(target=self._connect, name="feedback", daemon=True)
        self._connecting.start()

    def shown(self, impression: Impression) -> None:
        if self._producer is None:
            metrics.FEEDBACK_LOST.inc()
            return
        try:
            sent = self._producer.send(
                self._topic, key=impression.request_id.encode(), value=shown_line(impression), headers=message_headers()
            )
            sent.add_errback(_lost)
        except (KafkaError, OSError) as error:
            _lost(error)

    def reacted(self, reaction: Reaction) -> None:
        if self._producer is None:
            raise Unavailable("Kafka, which keeps the feedback, is away; send it again in a moment.", retry_after_s=_AGAIN_S)
        with speaking_kafka("keep the feedback"):
            key, headers = reaction.request_id.encode(), message_headers()
            self._producer.send(self._topic, key=key, value=reaction_line(reaction), headers=headers).get(timeout=_ANSWER_S)
        metrics.FEEDBACK.labels(reaction.action.value).inc()

    def wait_until_connected(self, timeout_s: float) -> bool:
        """Whether it is."""
        self._connecting.join(timeout_s)
        return self._producer is not None

    def close(self) -> None:
        self._closed.set()
        if self._producer is not None:
            self._producer.close(timeout=_ANSWER_S)

    def _connect(self) -> None:
        while not self._closed.is_set():
            try:
                with speaking_kafka("answer"):
                    self._producer = producer(self._servers, longest_block_s=_BLOCK_S)
            except Unavailable as error:
                _log.warning("feedback is not kept for now", error=str(error))
                self._closed.wait(_AGAIN_S)
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NoFeedback:
    """Implements ``ports.FeedbackLog`` where none is kept: what was shown goes unnoticed, a reaction is refused."""

    def shown(self, impression: Impression) -> None:
        """Kept nowhere."""

    def reacted(self, reaction: Reaction) -> None:
        raise Unavailable(f"Feedback such as a {reaction.action} is not kept here; name Kafka's address in the gateway's settings.")


def _lost(error: BaseException) -> None:
    metrics.FEEDBACK_LOST.inc()
    _log.warning("what a search showed was not kept", error=str(error))
