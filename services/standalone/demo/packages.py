"""Published packages, fetched once through their own clients, pinned by hash, kept and never installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from shoplens.errors import Unavailable

TIMEOUT_S: Final = 300


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package. ``archive`` is the file that its client makes of it, ``sha256`` of that file in hex."""

    client: Literal["pip", "npm"]
    name: str
    version: str
    archive: str
    sha256: str

    def fetch(self, cache: Path) -> Path:
        """The archive in ``cache``, fetched where it is not there yet. Raises ``Unavailable``, saying what to do."""
        kept = cache / self.archive
        if kept.is_file() and _sha256(kept) == self.sha256:
            return kept
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix="fetching-") as folder:
            self._run(Path(folder))
            fetched = Path(folder) / self.archive
            if not fetched.is_file() or _sha256(fetched) != self.sha256:
                raise Unavailable(f"{self} came as something else than was pinned; update shoplens, or report this.")
            # In one step, so that two processes can fetch at once.
            fetched.replace(kept)
        return kept

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def _run(self, folder: Path) -> None:
        try:
            subprocess.run(
                self._command(folder), cwd=folder, check=True, capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL
            )
        except subprocess.CalledProcessError as error:
            said = next((line for line in reversed(error.stderr.strip().splitlines()) if line.strip()), "it did not say why")
            raise Unavailable(f"{self.client} could not fetch {self}: {said}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{self.client} could not fetch {self}: {error}") from error

    def _command(self, folder: Path) -> Sequence[str]:
        if self.client == "pip":
            options = ("--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet")
            return (sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), f"{self.name}=={self.version}")
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable(f"npm, which fetches {self}, is not installed.")
        return (npm, "pack", f"{self.name}@{self.version}", "--silent", "--pack-destination", str(folder))


def contents(archive: Path, folder: str, suffixes: tuple[str, ...]) -> Mapping[str, bytes]:
    """The files of an archive below ``folder`` that end so, by their name without the folder."""
    wanted = {}
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if name.startswith(folder) and name.endswith(suffixes):
                    wanted[name.removeprefix(folder)] = file.read(name)
    else:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name.startswith(folder) and member.name.endswith(suffixes) else None
                if content is not None:
                    wanted[member.name.removeprefix(folder)] = content.read()
    return wanted


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
