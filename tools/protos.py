"""The protos: stubs built from them, and checks that they stay fit for those who build on them.

``python -m tools.protos build`` writes ``shared/shoplens/api``, with types; ``python -m tools.protos check`` runs buf's
lint and format, and compares with the protos that stand in git already: what others may have built on must not break.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
STUBS = ROOT / "shared" / "shoplens" / "api"

TYPE_PLUGINS = ("mypy", "mypy_grpc")
SCRIPTS = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
"""Where plugins and buf lie, whether or not the environment is activated."""


def build() -> None:
    """Build the stubs beside their place and swap them in, so that nobody imports half of them."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    with tempfile.TemporaryDirectory(dir=STUBS.parent, prefix=".api-") as scratch:
        outputs = [f"--python_out={scratch}", f"--grpc_python_out={scratch}", *(f"--{kind}_out=quiet:{scratch}" for kind in TYPE_PLUGINS)]
        plugins = [f"--plugin=protoc-gen-{kind}={_program(f'protoc-gen-{kind}')}" for kind in TYPE_PLUGINS]
        includes = [f"--proto_path={PROTOS}", f"--proto_path={resources.files('grpc_tools') / '_proto'}"]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *includes, *plugins, *outputs, *sources], check=True, cwd=PROTOS)
        if STUBS.exists():
            STUBS.rename(Path(scratch) / "before")
        (Path(scratch) / "shoplens" / "api").rename(STUBS)


def check() -> None:
    """Lint, format, and nothing broken."""
    buf = _program("buf")
    subprocess.run([buf, "lint"], check=True, cwd=PROTOS)
    subprocess.run([buf, "format", "--diff", "--exit-code"], check=True, cwd=PROTOS)
    earlier = _earlier()
    if earlier is None:
        sys.stderr.write("no earlier protos to compare with\n")
        return
    subprocess.run(
        [buf, "breaking", "protos", "--against", f"{_git('rev-parse', '--git-common-dir')}#ref={earlier},subdir=protos"],
        check=True,
        cwd=ROOT,
    )


def _earlier() -> str | None:
    """The commit whose protos others have: main's, or on main itself the one before. None where it has none."""
    for name in ("origin/main", "main", "HEAD~1"):
        commit = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if commit and commit != _git("rev-parse", "HEAD"):
            return commit if _git("ls-tree", commit, "protos/buf.yaml") else None
    return None


def _git(*arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], check=False, cwd=ROOT, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _program(name: str) -> str:
    found = shutil.which(name, path=SCRIPTS)
    if found is None:
        raise SystemExit(f"{name} is missing; `make install` and `make lint` set it up")
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build"]:
            build()
        case ["check"]:
            check()
        case _:
            raise SystemExit("python -m tools.protos build|check")
