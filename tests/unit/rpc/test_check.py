"""What watches a service is told the truth about it."""

from __future__ import annotations

import subprocess
import sys

from shoplens.rpc.check import serves
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings


def test_a_service_that_serves_says_so_by_each_of_its_names() -> None:
    with Server([], ServerSettings(), {"well": lambda: None}) as server:
        assert serves(server.address)
        assert not serves(server.address, "nobody")
        done = subprocess.run([sys.executable, "-m", "shoplens.rpc.check", server.address], check=False)
        assert done.returncode == 0
    assert not serves(server.address)
