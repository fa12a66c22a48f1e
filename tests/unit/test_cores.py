"""The queue before the models: who computes when, with how many threads, and who is turned away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

import pytest
from prometheus_client import REGISTRY

from shoplens import deadlines, priorities
from shoplens.cores import BULK_EVERY, MOST_WAITING, Cores
from shoplens.errors import DeadlineExceeded, Overloaded

PATIENCE_S = 30.0


class Crowd:
    """Callers in threads of their own, each holding its turn until it is let go."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._threads: list[threading.Thread] = []
        self.computing = threading.Semaphore(0)
        self.order: list[str] = []
        self.threads: list[int] = []

    def come(self, name: str, *, bulk: bool = False, within_s: float = 1e6, share_s: float = 1e6) -> threading.Event:
        """Another caller, who may use a share of its time for this; it has queued when this returns. Set the event to let it finish."""
        done = threading.Event()

        def call() -> None:
            with self._cores.turn() as threads:
                self.order.append(name)
                self.threads.append(threads)
                self.computing.release()
                assert done.wait(PATIENCE_S)

        def run() -> None:
            with deadlines.within(within_s), deadlines.patience(share_s), priorities.bulk() if bulk else nullcontext():
                call()

        before = waiting() + len(self.order)
        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)
        wait_until(lambda: waiting() + len(self.order) > before)
        return done

    def join_all(self, done: Iterable[threading.Event]) -> None:
        for event in done:
            event.set()
        self.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)


def waiting() -> int:
    return int(REGISTRY.get_sample_value("shoplens_inference_waiting") or 0)


def wait_until(happened: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S * 1000)):
        if happened():
            return
        pause.wait(0.001)
    raise AssertionError("it did not come to pass")


@contextmanager
def all_taken(cores: Cores) -> Iterator[threading.Event]:
    """Somebody who came alone holds every turn until the event is set, or the end."""
    crowd = Crowd(cores)
    done = crowd.come("first")
    assert crowd.computing.acquire(timeout=PATIENCE_S)
    yield done
    done.set()
    crowd.join()


def test_who_is_alone_gets_every_core() -> None:
    with Cores(4).turn() as threads:
        assert threads == 4


def test_bulk_work_gets_one_even_alone_for_it_comes_in_crowds() -> None:
    with priorities.bulk(), Cores(4).turn() as threads:
        assert threads == 1


def test_of_a_crowd_each_gets_one_and_one_more_computes_than_there_are_cores() -> None:
    cores = Cores(2)
    crowd = Crowd(cores)
    with all_taken(cores) as held:
        done = [crowd.come(str(number)) for number in range(5)]
        assert crowd.order == []
        held.set()
        for _ in range(3):
            assert crowd.computing.acquire(timeout=PATIENCE_S)
        assert crowd.threads == [1, 1, 1]
        assert waiting() == 2
        crowd.join_all(done)
    assert sorted(crowd.order) == ["0", "1", "2", "3", "4"]


def test_shoppers_go_before_bulk_work_that_came_earlier() -> None:
    cores = Cores(1)
    crowd = Crowd(cores)
    with all_taken(cores) as held:
        done = [crowd.come("bulk", bulk=True), crowd.come("bulk", bulk=True), crowd.come("shopper"), crowd.come("shopper")]
        held.set()
        for _ in range(2):
            assert crowd.computing.acquire(timeout=PATIENCE_S)
        assert crowd.order == ["shopper", "shopper"]
        crowd.join_all(done)


def test_who_came_first_is_finished_first() -> None:
    cores = Cores(1)
    crowd = Crowd(cores)
    with all_taken(cores) as held:
        done = [crowd.come("later", within_s=2000.0), crowd.come("last", within_s=3000.0), crowd.come("first", within_s=1000.0)]
        held.set()
        for _ in range(2):
            assert crowd.computing.acquire(timeout=PATIENCE_S)
        assert sorted(crowd.order) == ["first", "later"]
        crowd.join_all(done)


def test_who_came_first_is_finished_first_whatever_share_of_its_time_each_uses() -> None:
    cores = Cores(1)
    crowd = Crowd(cores)
    with all_taken(cores) as held:
        shares = {"later": (2000.0, 100.0), "last": (3000.0, 50.0), "first": (1000.0, 900.0)}
        done = [crowd.come(name, within_s=whole_s, share_s=share_s) for name, (whole_s, share_s) in shares.items()]
        held.set()
        for _ in range(2):
            assert crowd.computing.acquire(timeout=PATIENCE_S)
        assert sorted(crowd.order) == ["first", "later"]
        crowd.join_all(done)


def test_bulk_work_is_not_starved_by_shoppers() -> None:
    cores = Cores(1)
    crowd = Crowd(cores)
    with all_taken(cores) as held:
        done = {f"shopper {number}": crowd.come(f"shopper {number}", within_s=1e6 + number) for number in range(2 * BULK_EVERY)}
        done["bulk"] = crowd.come("bulk", bulk=True)
        held.set()
        assert crowd.computing.acquire(timeout=PATIENCE_S)
        # One by one: whoever began is let finish once the next has begun.
        for begun in range(1, len(done)):
            assert crowd.computing.acquire(timeout=PATIENCE_S)
            done[crowd.order[begun - 1]].set()
        crowd.join_all(done.values())
    assert BULK_EVERY - 1 <= crowd.order.index("bulk") <= BULK_EVERY + 1


def test_work_that_nobody_waits_for_any_more_is_dropped_and_counted() -> None:
    cores = Cores(2)
    dropped = REGISTRY.get_sample_value("shoplens_inference_dropped_total") or 0.0
    with all_taken(cores):
        with deadlines.within(0.01), pytest.raises(DeadlineExceeded, match="before its turn"), cores.turn():
            raise AssertionError("it was computed all the same")
        assert waiting() == 0
    assert REGISTRY.get_sample_value("shoplens_inference_dropped_total") == dropped + 1
    with cores.turn() as threads:
        assert threads == 2


def test_who_comes_too_late_leaves_nothing_behind() -> None:
    cores = Cores(2)
    for _ in range(5):
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded), cores.turn():
            raise AssertionError("it was computed all the same")
    assert waiting() == 0
    with cores.turn() as threads:
        assert threads == 2


def test_a_full_queue_turns_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoplens.cores.MOST_WAITING", 2)
    cores = Cores(1)
    crowd = Crowd(cores)
    assert MOST_WAITING >= 2
    with all_taken(cores) as held:
        done = [crowd.come("a"), crowd.come("b")]
        with pytest.raises(Overloaded), cores.turn():
            raise AssertionError("it was let in")
        crowd.join_all((*done, held))


def test_what_fails_gives_its_turn_back() -> None:
    cores = Cores(2)
    with pytest.raises(ZeroDivisionError), cores.turn():
        raise ZeroDivisionError
    with cores.turn() as threads:
        assert threads == 2


def test_at_least_one_core_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Cores(0)
