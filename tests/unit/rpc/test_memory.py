"""A large message costs little the second time."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, threading
from shoplens.rpc import memory

def messages():
    for _ in range(50):
        made = bytes(3_000_000)
        sent = made[:-1]
        read = sent + b"x"
        del made, sent, read

def in_a_thread():
    thread = threading.Thread(target=messages)
    thread.start()
    thread.join()

if sys.argv[1] == "keep":
    assert memory.keep()
in_a_thread()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
in_a_thread()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """Pages that a thread was given anew for fifty messages of three megabytes, after it had as many already."""
    return int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set here is glibc's")
def test_memory_that_was_used_once_is_used_again() -> None:
    assert faults("keep") < 1_000 < faults("not")
