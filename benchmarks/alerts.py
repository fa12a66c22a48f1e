"""A running system under load while its parts are taken away, and what Prometheus makes of it: alerts that fire, dashboards drawn.

``python -m benchmarks.alerts`` runs every service over a real Kafka, Redis and Milvus, with a real Prometheus that has the alerts of
``deploy/alerts``. Shoppers search all the time. Calm first; then the detector is killed until its alerts fire, then the encoder. The
table says after how long each did; ``build/dashboards`` has the pictures.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.availability import PRODUCTS, Ingress, Shoppers, fill
from benchmarks.report import publish
from benchmarks.updates import made_pictures
from tools.observability.dashboards import DASHBOARDS
from tools.observability.drawing import drawn
from tools.stack.prometheus import Prometheus, targets
from tools.stack.system import System

REPORT = Path("build/bench.json")
PICTURES = Path("build/dashboards")
FAULTS = {
    "detector": ("ShoplensServiceDown", "ShoplensSearchesDegraded"),
    "encoder": ("ShoplensErrorsBurnFast",),
}
"""Who is killed, and what has to fire of it."""

LONGEST_S = 900.0

_console = Console()


def main(
    rate: Annotated[float, typer.Option(help="Searches a second.")] = 2.0,
    calm: Annotated[float, typer.Option(help="Minutes before the first fault.")] = 4.0,
) -> None:
    """Run it, and print the table."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shoplens-alerts-") as home:
        folder = Path(home)
        made_pictures(folder / "pictures", PRODUCTS)
        photos = [(folder / "pictures" / f"{number}.jpg").read_bytes() for number in range(PRODUCTS)]
        with System(folder / "system", file_root=folder / "pictures") as system:
            system.wait_until_ready()
            fill(system.address, folder / "pictures")
            ingress = Ingress(lambda: [system.address])
            try:
                with Prometheus(folder / "prometheus", targets(system)) as prometheus, Shoppers(ingress, photos, rate):
                    figures = _watched(system, prometheus, calm)
                    _draw(prometheus, (time.monotonic() - begun) / 60)
            finally:
                ingress.close()
    publish("Alerts on a running system", figures, REPORT)


def _watched(system: System, prometheus: Prometheus, calm: float) -> dict[str, float]:
    time.sleep(60 * calm)
    figures = {"alerts_firing_while_calm": float(len(prometheus.firing()))}
    _console.print("calm; firing:", sorted(prometheus.firing()) or "nothing")
    for part, alerts in FAULTS.items():
        system.services[part].kill()
        killed = time.monotonic()
        for alert in alerts:
            _until(lambda alert=alert: alert in prometheus.firing(), alert)
            figures[f"alerts_{alert}_fired_after_s"] = time.monotonic() - killed
            _console.print(f"{part} killed; {alert} fires after {time.monotonic() - killed:.0f} s; all:", sorted(prometheus.firing()))
        system.start(part)
        back = time.monotonic()
        _until(lambda: "ShoplensServiceDown" not in prometheus.firing(), "quiet")
        figures[f"alerts_ShoplensServiceDown_over_after_s_{part}"] = time.monotonic() - back
    return figures


def _draw(prometheus: Prometheus, minutes: float) -> None:
    for dashboard in DASHBOARDS:
        variables = dict.fromkeys(dashboard.variables, "gateway")
        _console.print(drawn(dashboard, prometheus, PICTURES / f"{dashboard.uid}.png", minutes=minutes, variables=variables))


def _until(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + LONGEST_S
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError(f"not in {LONGEST_S:.0f} s: {what}")
        time.sleep(2.0)


if __name__ == "__main__":
    typer.run(main)
