"""Every version of the weights, and how a new one is put in force.

A folder holds numbered files, ``0001.toml``, ``0002.toml``, …; the highest is in force, and none is ever changed. A file appears
whole: it is linked, not written in place. To roll back is to publish an older file again under a new number, so the folder is
also the history. A learned ranker lies beside them, named by its content; weights name it to let it rank.

An empty folder, or none, means the weights that ship.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.ranker.learned import LearnedRanker
from services.ranker.rules import Rules
from services.ranker.weights import DEFAULT_PATH, RankingWeights
from shoplens.errors import InvalidArgument, NotFound, Unavailable

SHIPPED = 0
"""The version of the weights that ship."""

_NAME = re.compile(r"(\d{4,9})\.toml")


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
            self.rules(text)
        except ValueError as error:
            raise InvalidArgument(f"These weights make no sense, and nothing was changed: {error}") from error
        try:
            return self._link(text)
        except OSError as error:
            raise Unavailable(f"The weights could not be written to {self._folder} ({error.strerror}); nothing was changed.") from error

    def rules(self, text: str) -> Rules:
        """What a version's text says, with the ranker that it names. Raises ``ValueError``."""
        weights = RankingWeights.parse(text)
        if not weights.learned:
            return Rules(weights)
        try:
            learned = (self._folder / weights.learned).read_text("utf-8")
        except OSError as error:
            raise ValueError(f"the learned ranker {weights.learned} cannot be read ({error.strerror})") from error
        return Rules(weights, LearnedRanker.from_text(learned))

    def publish_learned(self, ranker: LearnedRanker, *, trial: bool) -> Version:
        """Put a learned ranker in force, beside the weights of today. Raises ``Unavailable``."""
        text = ranker.to_text()
        name = f"learned-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._whole(text, self._folder / name)
        except OSError as error:
            raise Unavailable(f"The ranker could not be written to {self._folder} ({error.strerror}); nothing was changed.") from error
        today = re.sub(r"(?m)^(learned|trial)\s*=.*\n", "", self.version(self.newest()).text)
        return self.publish(re.sub(r"(?m)^encoder\s*=.*\n", rf'\g<0>learned = "{name}"\ntrial = {str(trial).lower()}\n', today, count=1))

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
        while True:
            number = self.newest() + 1
            try:
                self._whole(text, self._path(number))
            except FileExistsError:  # another was quicker, who then comes first
                continue
            return self.version(number)

    def _whole(self, text: str, path: Path) -> None:
        """A file that appears whole. Raises ``FileExistsError`` where there is one of other content."""
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.link(name, path)
        except FileExistsError:
            if path.read_text("utf-8") != text or path.suffix != ".json":
                raise
        finally:
            Path(name).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04d}.toml"
