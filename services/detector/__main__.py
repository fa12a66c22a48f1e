"""The detector as a process: ``python -m services.detector``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.detector.engine import LiteRtDetector
from services.detector.servicer import mount
from services.detector.settings import DetectorSettings
from shoplens.cores import Cores
from shoplens.model_store import model_folder
from shoplens.rpc.launch import Service, launch
from shoplens.rpc.probes import model_computes


@contextmanager
def compose(settings: DetectorSettings) -> Iterator[Service]:
    detector = LiteRtDetector(model_folder("detector", root=settings.models), Cores(settings.threads))
    yield Service([mount(detector)], {"model": model_computes(detector.detect)})


if __name__ == "__main__":
    launch("detector", DetectorSettings, compose)
