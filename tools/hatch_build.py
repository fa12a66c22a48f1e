"""Builds the gRPC stubs whenever the package is built or installed, so that nobody has to know of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        subprocess.run([sys.executable, "-m", "tools.protos", "build"], check=True, cwd=self.root)
