"""kustomize, which no package index and no distribution carries in a current version: built once from its module, and kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.golang import PATIENCE_S, go

VERSION = "v5.7.1"
MODULE = "sigs.k8s.io/kustomize/kustomize/v5"


def kustomize() -> Path:
    """The program. Building it takes about a minute. Raises ``RuntimeError`` where it cannot be built."""
    folder = Path.home() / ".cache" / "shoplens" / f"kustomize-{VERSION}"
    program = folder / "kustomize"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        go("install", f"{MODULE}@{VERSION}", GOBIN=str(folder))
    return program


def rendered(folder: Path) -> str:
    """What ``kustomize build`` makes of a folder. Raises ``RuntimeError`` with what it says where it cannot."""
    done = subprocess.run([str(kustomize()), "build", str(folder)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout
