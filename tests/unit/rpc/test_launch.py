"""A service's process ends when it is told to, whatever hangs in it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from shoplens import deadlines
from shoplens.errors import ShoplensError
from shoplens.rpc.clients import DetectorClient
from shoplens.rpc.launch import HUNG
from shoplens.testing import pictures

HANGING = """
import time
from contextlib import contextmanager
from services.detector.servicer import mount
from shoplens.rpc import server
from shoplens.rpc.launch import Service, launch
from shoplens.rpc.settings import ServerSettings

class Hanging:
    def detect(self, picture, *, category=None):
        time.sleep(600)

@contextmanager
def compose(settings):
    yield Service([mount(Hanging())])

server._UNWINDING_S = 0.2
launch("detector", ServerSettings, compose)
"""


def test_a_process_with_a_call_that_hangs_ends_all_the_same() -> None:
    environment = {"SHOPLENS_SERVER_GRACE_S": "0.1", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen([sys.executable, "-c", HANGING], stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        port = next(entry["port"] for entry in map(json.loads, process.stderr) if entry["event"] == "serving")
        with DetectorClient(f"127.0.0.1:{port}") as client, deadlines.within(0.5), pytest.raises(ShoplensError):
            client.detect(pictures.picture(1))
        process.terminate()
        said = process.stderr.read()
        assert process.wait(60) == HUNG, said
