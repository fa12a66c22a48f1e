"""A real Prometheus on loopback that watches a system's services, with the alerts that a shop gets."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tools.stack.ports import free_port
from tools.stack.system import SERVICES, System

ALERTS: Final = Path(__file__).parents[2] / "deploy" / "alerts" / "alerts.yaml"
_START_S: Final = 60.0


def why_not() -> str:
    """Why this machine cannot run it; empty where it can."""
    return "" if shutil.which("prometheus") else "the command prometheus is missing (make system installs it)"


def targets(system: System) -> dict[str, str]:
    """Where each service of a system serves its metrics; the gateway does so over HTTP itself."""
    return {name: system.metrics(name) for name in SERVICES} | {"gateway": system.address.removeprefix("http://")}


class Prometheus:
    """Keeps its files in ``folder`` and asks each target every ``every_s`` seconds. Use it as a context.

    targets: host:port of each service's metrics, by the service's name.
    """

    def __init__(self, folder: Path, targets: Mapping[str, str], *, every_s: int = 5) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._port = free_port()
        config = {
            "global": {"scrape_interval": f"{every_s}s", "evaluation_interval": f"{every_s}s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [
                {
                    "job_name": "shoplens",
                    "static_configs": [{"targets": [target], "labels": {"service": name}} for name, target in targets.items()],
                }
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def series(self, expression: str, *, start: float, end: float, step_s: float) -> list[dict[str, Any]]:
        """What an expression was between two moments of the wall clock: ``metric`` and ``values`` of each series."""
        found: list[dict[str, Any]] = self._get("query_range", query=expression, start=start, end=end, step=step_s)["result"]
        return found

    def _get(self, path: str, **parameters: str | float) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30.0, trust_env=False)
        return answer.raise_for_status().json()["data"]

    def __enter__(self) -> Self:
        log = (self._folder / "prometheus.log").open("wb")
        command = [
            "prometheus",
            f"--config.file={self._folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        ready = Retrying(
            retry=retry_if_exception_type(httpx.HTTPError), wait=wait_fixed(0.2), stop=stop_after_delay(_START_S), reraise=True
        )
        ready(lambda: httpx.get(f"{self.url}/-/ready", trust_env=False).raise_for_status())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
