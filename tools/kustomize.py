"""kustomize, which no package index and no distribution carries in a current version: built once from its module, and kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.golang import PATIENCE_S, program

VERSION = "v5.7.1"
MODULE = "sigs.k8s.io/kustomize/kustomize/v5"


def rendered(folder: Path) -> str:
    """What ``kustomize build`` makes of a folder. Raises ``RuntimeError`` with what it says where it cannot."""
    done = subprocess.run(
        [str(program(MODULE, VERSION)), "build", str(folder)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout
