"""``make stack``: every service as its own process, over a real Kafka, Redis and Milvus, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tools.stack import kafka, milvus, prometheus
from tools.stack.prometheus import Prometheus, targets
from tools.stack.system import SERVICES, System


def main(
    folder: Annotated[Path, typer.Option(help="Where data and logs lie.")] = Path("build/stack"),
    port: Annotated[int, typer.Option(help="The page's port.")] = 8080,
    kafka_port: Annotated[int, typer.Option(help="Kafka's port.")] = 9092,
    pictures: Annotated[Path | None, typer.Option(help="The folder below which file: addresses of pictures are read.")] = None,
) -> None:
    """Start everything, print where it is, and wait."""
    console = Console()
    for missing in (kafka.why_not(), milvus.why_not()):
        if missing:
            console.print(f"[bold red]Error:[/] {missing}")
            raise typer.Exit(1)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = {} if pictures is None else {"file_root": pictures.absolute()}
    console.print("Starting Kafka, Redis, Milvus and the services; a first start fetches Kafka …", style="dim")
    with System(folder, http_port=port, kafka_port=kafka_port, **settings) as system, ExitStack() as opened:
        system.wait_until_ready()
        watched = "" if prometheus.why_not() else opened.enter_context(Prometheus(folder / "prometheus", targets(system))).url
        _say(console, system, watched)
        while not stop.wait(1.0):
            for name, service in system.services.items():
                if not service.running:
                    console.print(f"[red]{name} ended; its log is {folder / name}.log[/]")
                    stop.set()
    console.print("Stopped.", style="dim")


def _say(console: Console, system: System, watched: str) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("page, API", f"{system.address}/")
    table.add_row("Kafka", system.kafka.address)
    table.add_row("Redis", system.valkey.url)
    table.add_row("Milvus", system.milvus.uri)
    table.add_row("Prometheus", watched or prometheus.why_not())
    for name in SERVICES:
        table.add_row(f"{name}'s metrics", f"http://{system.metrics(name)}/metrics")
    console.print(table)
    console.print(f"Logs are in {system.folder}. Ctrl-C stops everything.", style="dim")


if __name__ == "__main__":
    typer.run(main)
