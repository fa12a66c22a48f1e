"""A large message costs little the second time, and what was loaded is not looked at again."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

from shoplens.memory import settle

FAULTS = """
import resource, sys, threading
from shoplens import memory

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
    assert 10 * faults("keep") < faults("not")


def test_the_collector_leaves_alone_what_was_there_and_finds_what_comes() -> None:
    class Ring:
        alive = 0

        def __init__(self) -> None:
            self.me = self
            Ring.alive += 1

        def __del__(self) -> None:
            Ring.alive -= 1

    before = gc.get_freeze_count()
    settle()
    try:
        assert gc.get_freeze_count() > before + 1_000
        Ring()
        gc.collect()
        assert Ring.alive == 0
    finally:
        gc.unfreeze()
