"""No secret lies in the tree, and one that did would be found."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

ROOT = Path(__file__).parents[2]

LEFT_OUT = ("requirements/",)
"""Hashes of packages, thousands of them."""

PLANTED = {
    "a key of a cloud": "aws_access_key_id = AKIA" + "IOSFODNN7EXAMPLF",  # pragma: allowlist secret
    "a password": "password: 'correct-" + "horse-battery'",  # pragma: allowlist secret
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a token of a code host": "token = ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",  # pragma: allowlist secret
    "an address with a password": "url = https://shop:hunter" + "2hunter2@registry.example/",  # pragma: allowlist secret
}


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in listed.stdout.decode().split("\0") if name] if listed.returncode == 0 else []
    files = (ROOT / name for name in names) if names else (each for each in ROOT.rglob("*") if ".venv" not in each.parts)
    return (each for each in files if each.is_file() and not str(each.relative_to(ROOT)).startswith(LEFT_OUT))


def secrets(path: Path) -> list[str]:
    text = path.read_text("utf-8", "replace")
    # How Kubernetes names a secret that lies elsewhere.
    real = (each for each in scan_file(str(path)) if f"secretName: {each.secret_value}" not in text)
    return [f"{path}:{each.line_number}: {each.type}" for each in real]


def test_no_file_holds_a_secret() -> None:
    with default_settings():
        found = [secret for path in tracked() for secret in secrets(path)]
    assert found == []


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(f"{PLANTED[kind]}\n")
    with default_settings():
        assert secrets(path)
