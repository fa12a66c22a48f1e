"""Jars of Maven Central, fetched once for each version of a list and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path


def why_not() -> str:
    """Why this machine cannot run Java programs; empty where it can."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return f"the command {missing[0]} is missing (make system installs it)" if missing else ""


def jars(pom: Path) -> Path:
    """The folder of what a project file lists, with all that it needs. Raises ``CalledProcessError``."""
    folder = Path.home() / ".cache" / "shoplens" / pom.name.split(".")[0] / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={made}/jars"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            Path(made, "jars").rename(folder)
    return folder
