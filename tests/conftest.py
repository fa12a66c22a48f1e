"""What holds for every test: nothing depends on luck, and with REQUIRE_ALL=1 nothing is skipped."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"

# A slow machine is no failure, and in CI the same examples are tried each time.
hypothesis.settings.register_profile("shoplens", deadline=None, derandomize=REQUIRE_ALL)
hypothesis.settings.load_profile("shoplens")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _unskipped((yield))


def _unskipped(report: Any) -> Any:
    """With REQUIRE_ALL=1, a skip is a failure that gives the skip's reason."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nNothing may be skipped, for REQUIRE_ALL=1 is set."
    return report
