"""Pins what pyproject.toml asks for: exact versions and hashes, no download addresses.

One file a way of using shoplens; all take the versions of the first three, so that they can share an environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("serving", ("features", "s3")),
    ("batch", ("batch", "s3")),
    ("dev", ("batch", "dev", "onnx", "s3")),
    ("eval", ("batch", "dev", "eval", "onnx", "s3")),
    ("train", ("batch", "dev", "onnx", "s3", "train")),
    ("gpu", ("features", "gpu", "s3")),
)


def lock(name: str, extras: tuple[str, ...], constraints: tuple[str, ...]) -> None:
    """Write ``requirements/<name>.txt``."""
    uv = Path(sys.executable).with_name("uv")
    arguments = [str(uv), "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    arguments += [
        "--universal",
        "--python-version",
        "3.11",
        "--constraint=requirements/constraints.txt",
        "--custom-compile-command",
        "make lock",
        "--no-config",
    ]
    arguments += [f"--extra={extra}" for extra in extras]
    arguments += [f"--constraint=requirements/{constraint}.txt" for constraint in constraints]
    subprocess.run([*arguments, "--output-file", f"requirements/{name}.txt", "pyproject.toml"], check=True, cwd=REQUIREMENTS.parent)


def main() -> None:
    done: tuple[str, ...] = ()
    for name, extras in LEVELS:
        sys.stderr.write(f"locking {name}\n")
        lock(name, extras, done[:3])
        done = (*done, name)


if __name__ == "__main__":
    main()
