"""API keys: who may do what, and how often. Only their hashes are kept, in a file that may change under a running server.

A key is 32 random bytes in URL-safe base64, so its SHA-256 cannot be turned round by guessing, and needs no salt.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path

import structlog

from shoplens.addresses import is_loopback
from shoplens.errors import FailedPrecondition, InvalidArgument, NotFound

LOOK_EVERY_S = 1.0
_PREFIX = "sl_"

_log = structlog.get_logger(__name__)


class Role(IntEnum):
    """What a key may do; each may do what those before it may."""

    SEARCH = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Key:
    """sha256: of the key, in hex. per_minute: requests that it may make; 0 for any number."""

    name: str
    sha256: str
    role: Role
    per_minute: int = 0


class KeyFile:
    """The keys as a file holds them, for who hands them out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Key]:
        """By name; none where there is no file. Raises ``FailedPrecondition`` where it is none of ours."""
        try:
            stored = json.loads(self._path.read_text("utf-8"))
            return {
                name: Key(name, str(each["sha256"]), Role[each["role"].upper()], int(each.get("per_minute", 0)))
                for name, each in stored.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FailedPrecondition(f"The keys in {self._path} cannot be read ({error}); mend the file, or move it away.") from error

    def add(self, name: str, role: Role, per_minute: int = 0) -> str:
        """A new key, which is told this once. Raises ``InvalidArgument`` where the name is taken."""
        keys = self.read()
        if name in keys:
            raise InvalidArgument(f"There is a key named {name!r}; remove it first, or choose another name.")
        secret = _PREFIX + secrets.token_urlsafe(32)
        self._write({**keys, name: Key(name, hashed(secret), role, per_minute)})
        return secret

    def remove(self, name: str) -> None:
        """Raises ``NotFound``."""
        keys = self.read()
        if name not in keys:
            raise NotFound(f"There is no key named {name!r}; `shoplens keys list` shows them.")
        self._write({other: key for other, key in keys.items() if other != name})

    def _write(self, keys: Mapping[str, Key]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        stored = {name: {**asdict(key), "role": key.role.name.lower()} for name, key in keys.items()}
        for each in stored.values():
            del each["name"]
        descriptor, new = tempfile.mkstemp(dir=self._path.parent, prefix=".keys-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(stored, file, indent=1)
        Path(new).replace(self._path)


def require_keys(path: Path | None, host: str, *, open_to_all: bool) -> None:
    """Raises ``FailedPrecondition`` where a server would listen beyond this machine with no key, and nobody said that it may."""
    if open_to_all or is_loopback(host) or (path is not None and KeyFile(path).read()):
        return
    raise FailedPrecondition(
        f"Without keys everybody who reaches {host} could change the catalogue. Make one with `shoplens keys add`,"
        " or say that something else guards it: --open, or SHOPLENS_GATEWAY_OPEN=true."
    )


class KeyRing:
    """The keys in force: a changed file is followed within a second, one that cannot be read changes nothing."""

    def __init__(self, path: Path | None) -> None:
        """``path`` None: no keys, and everybody may do everything. Raises ``FailedPrecondition``."""
        self._file = None if path is None else KeyFile(path)
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._keys = {} if self._file is None else self._by_hash(self._file)
        self._looked_at = time.monotonic()

    @property
    def guards(self) -> bool:
        """Whether keys are asked for: from the first one on, and still when the last one was removed, until the file is."""
        self._look()
        return self._seen is not None

    def find(self, secret: str) -> Key | None:
        """The key that this is, if it is one."""
        self._look()
        wanted = hashed(secret)
        known = self._keys.get(wanted)
        return known if known is not None and hmac.compare_digest(known.sha256, wanted) else None

    def _look(self) -> None:
        if self._file is None or time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        with self._lock:
            self._looked_at = time.monotonic()
            stamp = self._stamp()
            if stamp == self._seen:
                return
            self._seen = stamp
            try:
                self._keys = self._by_hash(self._file)
            except FailedPrecondition as error:
                _log.error("keys not followed; those before stay in force", error=str(error))

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_ino)

    @staticmethod
    def _by_hash(file: KeyFile) -> dict[str, Key]:
        return {key.sha256: key for key in file.read().values()}


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
