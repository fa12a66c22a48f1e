"""Every service as its own process, over a real Kafka, Redis and Milvus, on one machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import httpx

from tools.stack.kafka import KafkaBroker
from tools.stack.milvus import MilvusServer
from tools.stack.ports import free_port
from tools.stack.services import PATIENCE_S, ServiceProcess
from tools.stack.valkey import Valkey

STORES: Final = ("kafka", "redis", "milvus")

SERVICES: Final = ("detector", "encoder", "catalogue", "copies", "ranker", "ingest", "gateway")
"""In the order in which they start; each waits for those that it needs."""


class System:
    """Files and logs lie in ``folder``; use it as a context.

    services: the processes by name. addresses: where each service and each store listens, host:port.
    """

    def __init__(
        self,
        folder: Path,
        *,
        http_port: int = 0,
        kafka_port: int | None = None,
        through: Callable[[str, str], str] = lambda _, address: address,
        environment: Mapping[str, str] | None = None,
        **ingest: object,
    ) -> None:
        """Ports are free ones unless given. ``ingest``: more settings of that service.

        through: given a part's name and address, the address at which the others look for it. environment: variables for all services.
        """
        folder.mkdir(parents=True, exist_ok=True)
        ports = {"kafka": kafka_port or free_port(), **{name: free_port() for name in ("redis", "milvus", *SERVICES)}}
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.folder = folder
        at = {name: through(name, address) for name, address in self.addresses.items()}
        self.kafka = KafkaBroker(folder / "kafka", port=ports["kafka"], advertised=at["kafka"])
        self.valkey = Valkey(folder / "valkey", port=ports["redis"])
        self.milvus = MilvusServer(folder / "milvus", port=ports["milvus"])
        self.services: dict[str, ServiceProcess] = {}
        self._environment = environment
        self._opened = ExitStack()
        self._settings = self._wired(http_port, ports, at, ingest)

    @property
    def address(self) -> str:
        """The page's."""
        return f"http://{self.services['gateway'].http_address}"

    def metrics(self, name: str) -> str:
        """Where a service serves Prometheus' metrics: its host:port."""
        return f"127.0.0.1:{self._settings[name]['metrics_port']}"

    def settings(self, name: str) -> dict[str, object]:
        """What a service is started with; for a second one of its kind, give it other ports."""
        return dict(self._settings[name])

    def store(self, name: str) -> KafkaBroker | Valkey | MilvusServer:
        return {"kafka": self.kafka, "redis": self.valkey, "milvus": self.milvus}[name]

    def start(self, name: str) -> None:
        """A service, anew where it was stopped or killed."""
        log = self.folder / f"{name}.log"
        self.services[name] = ServiceProcess(name, log=log, environment=self._environment, **self._settings[name])

    def wait_until_ready(self) -> None:
        """Raises ``AssertionError`` where a service ended, or is not ready in time."""
        until = time.monotonic() + PATIENCE_S
        with httpx.Client(base_url=self.address, timeout=10.0, trust_env=False) as client:
            while (answer := client.get("/readyz")).status_code != httpx.codes.OK:
                assert time.monotonic() < until, f"not ready: {answer.text}"
                time.sleep(0.1)

    def __enter__(self) -> Self:
        with self._opened:
            for store in (self.kafka, self.valkey, self.milvus):
                self._opened.callback(store.stop)
                store.start()
            self._opened.callback(self._stop_services)
            for name in SERVICES:
                self.start(name)
            self._opened = self._opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _stop_services(self) -> None:
        for service in reversed(self.services.values()):
            service.stop()

    def _wired(
        self, http_port: int, ports: Mapping[str, int], at: Mapping[str, str], ingest: Mapping[str, object]
    ) -> dict[str, dict[str, object]]:
        """Each service's settings, with ports of its own, so that it is found again where it was."""
        models = {"detector": at["detector"], "encoder": at["encoder"]}
        data = self.folder / "data"
        settings: dict[str, dict[str, object]] = {
            "detector": {},
            "encoder": {},
            "catalogue": {"milvus_uri": f"http://{at['milvus']}", "pictures": data / "pictures", "encoder": at["encoder"]},
            "copies": {"store": data / "copies.db", "catalogue": at["catalogue"]},
            "ranker": {"encoder": at["encoder"], "weights": data / "weights"},
            "ingest": {
                **models,
                "copies": at["copies"],
                "catalogue": at["catalogue"],
                "kafka": at["kafka"],
                "redis": f"redis://{at['redis']}/0",
                "features": data / "features.db",
                "member": "ingest-0",
                **ingest,
            },
            "gateway": {
                **models,
                "copies": at["copies"],
                "catalogue": at["catalogue"],
                "ranker": at["ranker"],
                "ingest": at["ingest"],
                "http_port": http_port,
                "kafka": at["kafka"],
            },
        }
        usual = {name: {"port": ports[name], "metrics_port": free_port(), "health_interval_s": 5.0} for name in SERVICES}
        return {name: {**usual[name], **given} for name, given in settings.items()}
