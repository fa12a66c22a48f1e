"""Weights that change under a running ranker, without a request failing.

Every ranker that sees the folder of versions follows within half a second. What is not valid is passed over, and said so.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import structlog

from services.ranker.publishing import SHIPPED, Version, WeightsFolder
from services.ranker.rules import Rules
from services.ranker.weights import RankingWeights
from shoplens import metrics
from shoplens.errors import NotFound

LOOK_EVERY_S = 0.25

_log = structlog.get_logger(__name__)


class LiveWeights:
    """The weights in force, for the ranker. Safe to call from many threads."""

    def __init__(self, folder: Path | None) -> None:
        """``folder`` None: what ships, for ever."""
        self._folder = None if folder is None else WeightsFolder(folder)
        self._lock = threading.Lock()
        self._number = SHIPPED
        self._rules = Rules(RankingWeights.load())
        self._looked_at = float("-inf")
        self._refused: set[int] = set()
        metrics.weights_version().set(SHIPPED)

    @property
    def number(self) -> int:
        """Of the version in force."""
        return self._number

    def __call__(self) -> Rules:
        """The newest valid version, as of a quarter of a second ago at most."""
        if self._folder is not None and time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            with self._lock:
                self._look(self._folder)
        return self._rules

    def _look(self, folder: WeightsFolder) -> None:
        """Take up the newest version that is valid; a folder that cannot be read changes nothing."""
        self._looked_at = time.monotonic()
        try:
            for number in reversed(folder.numbers()):
                if number == self._number:
                    return
                if number not in self._refused and self._take_up(folder, folder.version(number)):
                    return
        except (OSError, NotFound) as error:
            _log.warning("the weights' folder cannot be read; what is in force stays", in_force=self._number, error=str(error))

    def _take_up(self, folder: WeightsFolder, version: Version) -> bool:
        try:
            self._rules = folder.rules(version.text)
        except ValueError as error:
            self._refused.add(version.number)
            metrics.WEIGHTS_REFUSED.inc()
            _log.error("weights refused", version=version.number, error=str(error))
            return False
        self._number = version.number
        metrics.weights_version().set(version.number)
        _log.info("weights in force", version=version.number)
        return True
