"""Writes of an index wait while somebody copies it, and the copier waits for a write."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import closing
from pathlib import Path

import pytest

from services.catalogue.pausing import Writes, paused
from shoplens import deadlines
from shoplens.errors import DeadlineExceeded, Unavailable


def _hold(index: Path, held: multiprocessing.synchronize.Event, let_go: multiprocessing.synchronize.Event) -> None:
    with paused(index, 10):
        held.set()
        let_go.wait(30)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


def test_writes_go_on_where_nobody_copies(index: Path) -> None:
    with closing(Writes(index)) as writes:
        for _ in range(3):
            with writes.going_on(1):
                pass
        with paused(index, 1):
            pass


def test_a_copier_in_another_process_holds_writes_until_their_deadline(index: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    copier = context.Process(target=_hold, args=(index, held, let_go))
    copier.start()
    try:
        assert held.wait(60)
        with closing(Writes(index)) as writes:
            with pytest.raises(DeadlineExceeded, match="backup"), deadlines.within(0.05), writes.going_on(60):
                pass
            written = threading.Event()

            def write() -> None:
                with writes.going_on(30):
                    written.set()

            thread = threading.Thread(target=write)
            thread.start()
            assert not written.wait(0.05)
            let_go.set()
            assert written.wait(30)
            thread.join()
    finally:
        let_go.set()
        copier.join(30)
    assert copier.exitcode == 0


def test_a_copier_waits_for_the_write_that_goes_on(index: Path) -> None:
    with closing(Writes(index)) as writes, writes.going_on(1), pytest.raises(Unavailable, match="do not pause"), paused(index, 0.05):
        pass
    with paused(index, 1):
        pass
