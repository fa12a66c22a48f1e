"""What every use of Kafka shares: its errors as ours, and a producer that loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaProducer
from kafka.errors import KafkaError

from shoplens.errors import Unavailable


@contextmanager
def speaking_kafka(what: str) -> Iterator[None]:
    """Kafka's errors as ours: "Kafka did not <what>"."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka did not {what} ({error}); start it, or correct its address.", retry_after_s=5.0) from error


def producer(servers: str, *, longest_block_s: float = 60.0) -> KafkaProducer:
    """One that a broker has to acknowledge to, on every replica in sync, and that never writes twice.

    servers: as in ``127.0.0.1:9092``, several with commas. longest_block_s: what sending may wait for the brokers' answer.
    """
    return KafkaProducer(
        bootstrap_servers=servers.split(","),
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        reconnect_backoff_max_ms=1_000,
        max_block_ms=round(1_000 * longest_block_s),
    )
