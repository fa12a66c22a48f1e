"""A real Apache Kafka on loopback: one broker in KRaft mode, from the jars that Maven fetches once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.ingest.topics import DEAD, UPDATES
from tools.maven import jars, why_not
from tools.stack.ports import free_port

__all__ = ["TOPICS", "KafkaBroker", "kafka_broker", "why_not"]

TOPICS: Final[Mapping[str, int]] = {UPDATES: 6, DEAD: 1, "search.feedback": 3}
"""Topics and their partitions. What was told of a product stays in its partition, so their number is chosen once."""

START_S: Final = 120.0
_POM: Final = Path(__file__).with_name("kafka.pom.xml")
_MEMORY: Final = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")


class KafkaBroker:
    """A broker that keeps its log in ``folder``; ``start`` it, ``stop`` or ``kill`` it, and start it again on the same address.

    advertised: the host:port at which it tells its clients to look for it; its own unless given.
    """

    def __init__(self, folder: Path, *, port: int | None = None, advertised: str = "") -> None:
        self._folder = folder
        self._advertised = advertised
        self._ports = port or free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """Raises ``RuntimeError`` while it does not run."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid

    def start(self) -> None:
        """Returns once it answers, with the topics there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        properties = self._folder / "server.properties"
        properties.write_text(self._properties())
        if not (self._folder / "log" / "meta.properties").exists():
            self._java("kafka.tools.StorageTool", "format", "-t", "c2hvcGxlbnMtLS0tLS0tLS", "-c", str(properties)).wait()
        self._process = self._java("kafka.Kafka", str(properties))
        self._wait()

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """At once, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "kafka.log").open("ab") as log:
            return subprocess.Popen(
                ["java", *_MEMORY, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars(_POM)}/*", main, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while True:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"Kafka did not start; its log is {self._folder / 'kafka.log'}")
            try:
                return _make_topics(self.address)
            except (KafkaError, OSError) as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"Kafka does not answer; its log is {self._folder / 'kafka.log'}") from error
                time.sleep(0.1)

    def _properties(self) -> str:
        port, controller = self._ports
        return "\n".join(
            f"{name}={value}"
            for name, value in {
                "process.roles": "broker,controller",
                "node.id": 1,
                "controller.quorum.voters": f"1@127.0.0.1:{controller}",
                "controller.listener.names": "CONTROLLER",
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://{self._advertised or self.address}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "log.dirs": self._folder.absolute() / "log",
                "auto.create.topics.enable": "false",
                "offsets.topic.replication.factor": 1,
                "offsets.topic.num.partitions": 4,
                "transaction.state.log.replication.factor": 1,
                "transaction.state.log.min.isr": 1,
                "group.initial.rebalance.delay.ms": 0,
                "message.max.bytes": 20_000_000,
            }.items()
        )


@contextmanager
def kafka_broker(folder: Path, *, port: int | None = None) -> Iterator[KafkaBroker]:
    """A running broker; stopped at the end."""
    broker = KafkaBroker(folder, port=port)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _make_topics(address: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=[address], bootstrap_timeout_ms=2_000)
    try:
        there = set(admin.list_topics())
        missing = {name: {"num_partitions": count, "replication_factor": 1} for name, count in TOPICS.items() if name not in there}
        if missing:
            admin.create_topics(missing)
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()
