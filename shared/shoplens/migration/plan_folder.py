"""The plan of a migration as a small file that outlives every process, for the one server that has the folder."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shoplens.errors import FailedPrecondition, Unavailable
from shoplens.migration.plan import Plan, from_json, to_json

PLAN: Final = "plan.json"
STATUS: Final = "status.json"


class PlanFolder:
    """Implements ``Plans`` for one server: a folder with the plan, and with what the server says of its progress."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Plan:
        """Without a file, the first generation alone. Raises ``FailedPrecondition`` where the file makes no sense."""
        path = self._folder / PLAN
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return Plan()
        except OSError as error:
            raise FailedPrecondition(f"{path} cannot be read; it says which index answers. ({error})") from error
        return from_json(text, str(path))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes the plan meanwhile; it takes a moment. Raises ``Unavailable``."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / ".lock").open("w")
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written ({error.strerror}); the plan of a migration is kept there.") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, plan: Plan) -> None:
        """Durable once it returns."""
        self._whole(PLAN, to_json(plan))

    def leads(self) -> bool:
        return True

    def tell(self, status: Mapping[str, Any]) -> None:
        self._whole(STATUS, json.dumps(status))

    def told(self) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads((self._folder / STATUS).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return told

    def leave(self) -> None:
        """What was told last is old by itself."""

    def _whole(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(new).replace(self._folder / name)
