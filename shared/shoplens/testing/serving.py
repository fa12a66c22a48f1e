"""A shoplens of our own, started as a user would start it, for as long as a test or a measurement takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

READY_WITHIN_S = 120.0


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def server_of(data: Path) -> int:
    """The process id of the server of a data folder, to be killed. Raises ``ProcessLookupError``."""
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:  # gone meanwhile
            continue
        if b"serve" in command and str(data).encode() in command:
            return int(entry.name)
    raise ProcessLookupError(f"nobody serves {data}")


def shoplens(*arguments: str, timeout_s: float = 300.0) -> tuple[int, Any]:
    """The exit code of a command and what it said, as JSON, or as it stands where that is none. No trace may be among it."""
    call = [sys.executable, "-m", "services.standalone.cli", *arguments, "--json"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=timeout_s, check=False)
    if "Traceback" in done.stderr:
        raise AssertionError(done.stderr)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr


@contextmanager
def serving(data: Path, *, catalogue: str = "none", environment: Mapping[str, str] | None = None) -> Iterator[httpx.Client]:
    """``shoplens serve`` on a free port, ready; the client talks to it. Raises ``RuntimeError`` if it never gets ready.

    environment: variables beside this process' own.
    """
    port = free_port()
    command = [sys.executable, "-m", "services.standalone.cli", "serve", "--port", str(port), "--data", str(data), "--catalogue", catalogue]
    log = data.parent / "serve.log"
    data.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}) as process,
    ):
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as client:
                _wait(client, process, log)
                yield client
        finally:
            process.terminate()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for attempt in Retrying(
        wait=wait_fixed(0.1), stop=stop_after_delay(READY_WITHIN_S), retry=retry_if_exception_type(httpx.HTTPError), reraise=True
    ):
        with attempt:
            if process.poll() is not None:
                raise RuntimeError(f"shoplens serve ended early; {log} says:\n{log.read_text('utf-8', 'replace')[-2000:]}")
            client.get("/readyz").raise_for_status()
