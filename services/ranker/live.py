"""Weights that change under a running ranker, and every version of them.

A folder holds numbered files, ``0001.toml``, ``0002.toml``, …; the highest is in force, and none is ever changed. Every ranker
that sees the folder follows within half a second, without a request failing: a file appears whole (it is linked, not written
in place), is read once, and where it is not valid the ranker keeps what it had and says so. To roll back is to publish an
older file again under a new number, so the folder is also the history.

An empty folder, or none, means the weights that ship.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from services.ranker.weights import DEFAULT_PATH, RankingWeights
from shoplens import metrics
from shoplens.errors import InvalidArgument, NotFound, Unavailable

LOOK_EVERY_S = 0.25
SHIPPED = 0
"""The version of the weights that ship."""

_NAME = re.compile(r"(\d{4,9})\.toml")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """number: 0 for what ships. published_at: when the file appeared."""

    number: int
    text: str
    published_at: datetime | None


class WeightsFolder:
    """The versions, for who publishes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self) -> list[Version]:
        """All of them, what ships first."""
        return [self.version(number) for number in (SHIPPED, *self.numbers())]

    def numbers(self) -> list[int]:
        """Of the versions that were published, in order."""
        if not self._folder.is_dir():
            return []
        return sorted(int(found[1]) for path in self._folder.iterdir() if (found := _NAME.fullmatch(path.name)))

    def newest(self) -> int:
        return max(self.numbers(), default=SHIPPED)

    def version(self, number: int) -> Version:
        """Raises ``NotFound``."""
        path = DEFAULT_PATH if number == SHIPPED else self._path(number)
        try:
            text = path.read_text("utf-8")
            changed = None if number == SHIPPED else datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            raise NotFound(f"There is no version {number} of the weights; `shoplens weights history` lists them.") from None
        return Version(number, text, changed)

    def publish(self, text: str) -> Version:
        """Put weights in force as the next version. Raises ``InvalidArgument`` where they make no sense."""
        try:
            RankingWeights.parse(text)
        except ValueError as error:
            raise InvalidArgument(f"These weights make no sense, and nothing was changed: {error}") from error
        try:
            return self._link(text)
        except OSError as error:
            raise Unavailable(f"The weights could not be written to {self._folder} ({error.strerror}); nothing was changed.") from error

    def roll_back(self, number: int | None = None) -> Version:
        """Put an older version in force again, the one before the present by default. Raises ``NotFound``."""
        newest = self.newest()
        if number is None:
            if newest == SHIPPED:
                raise NotFound("The weights that ship are in force, and there are none before them.")
            number = newest - 1
        return self.publish(self.version(number).text)

    def _link(self, text: str) -> Version:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            while True:
                number = self.newest() + 1
                try:
                    os.link(name, self._path(number))  # fails where another was quicker, who then comes first
                except FileExistsError:
                    continue
                return self.version(number)
        finally:
            Path(name).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04d}.toml"


class LiveWeights:
    """The weights in force, for the ranker. Safe to call from many threads."""

    def __init__(self, folder: Path | None) -> None:
        """``folder`` None: what ships, for ever."""
        self._folder = None if folder is None else WeightsFolder(folder)
        self._lock = threading.Lock()
        self._number = SHIPPED
        self._weights = RankingWeights.load()
        self._looked_at = float("-inf")
        self._refused: set[int] = set()
        metrics.WEIGHTS_VERSION.set(SHIPPED)

    def __call__(self) -> RankingWeights:
        """The newest valid version, as of a quarter of a second ago at most."""
        if self._folder is not None and time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            with self._lock:
                self._look(self._folder)
        return self._weights

    def _look(self, folder: WeightsFolder) -> None:
        """Take up the newest version that is valid; a folder that cannot be read changes nothing."""
        self._looked_at = time.monotonic()
        try:
            for number in reversed(folder.numbers()):
                if number == self._number:
                    return
                if number not in self._refused and self._take_up(folder.version(number)):
                    return
        except (OSError, NotFound) as error:
            _log.warning("the weights' folder cannot be read; what is in force stays", in_force=self._number, error=str(error))

    def _take_up(self, version: Version) -> bool:
        try:
            self._weights = RankingWeights.parse(version.text)
        except ValueError as error:
            self._refused.add(version.number)
            metrics.WEIGHTS_REFUSED.inc()
            _log.error("weights refused", version=version.number, error=str(error))
            return False
        self._number = version.number
        metrics.WEIGHTS_VERSION.set(version.number)
        _log.info("weights in force", version=version.number)
        return True
