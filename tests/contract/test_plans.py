"""The contract of a migration's plan: in a folder for one server, on a real Valkey for many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from shoplens.errors import FailedPrecondition, Unavailable
from shoplens.migration import shared_plan
from shoplens.migration.plan import PARTS, Plan, Plans, Wanted, said
from shoplens.migration.plan_folder import PlanFolder
from shoplens.migration.shared_plan import PREFIX, SharedPlan
from tools.stack.valkey import Valkey, valkey

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def empty(server: Valkey) -> Valkey:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server


@pytest.fixture(params=["folder", "redis"])
def plans(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plans]:
    if request.param == "folder":
        yield PlanFolder(tmp_path / "migration")
        return
    with closing(SharedPlan(request.getfixturevalue("empty").url)) as plans:
        yield plans


@pytest.fixture
def two(empty: Valkey) -> Iterator[tuple[SharedPlan, SharedPlan]]:
    """Two gateways that follow one plan."""
    with closing(SharedPlan(empty.url, member="a")) as one, closing(SharedPlan(empty.url, member="b")) as other:
        yield one, other


def status(plan: Plan, **more: Any) -> dict[str, Any]:
    told = {"as_of": "2026-01-02", "plan": said(plan), "problem": "", "leads": False, "in_step": False, "other": {"number": 2}}
    return {**told, **more}


def test_a_plan_is_read_as_it_was_written(plans: Plans) -> None:
    assert plans.read() == Plan()
    started = Plan().started(parts=dict.fromkeys(PARTS, "host:1"))
    for plan in (Plan().started(models=Path("/new")), started, started.changed_over(back=False), Plan(Wanted(3, "/new"), None, "x.csv", 4)):
        with plans.changing():
            plans.write(plan)
        assert plans.read() == plan


def test_what_a_server_tells_is_told(plans: Plans) -> None:
    assert plans.told() is None
    plans.tell(status(Plan(), in_step=True, leads=plans.leads()))
    told = plans.told()
    assert told is not None
    assert told["plan"] == said(Plan())
    assert told["in_step"]
    plans.leave()


def test_nobody_else_changes_a_plan_that_is_being_changed(plans: Plans) -> None:
    inside, done = [], threading.Event()

    def change() -> None:
        with plans.changing():
            inside.append(done.is_set())

    with plans.changing():
        other = threading.Thread(target=change)
        other.start()
        time.sleep(0.05)  # it may try meanwhile
        done.set()
    other.join()
    assert inside == [True]


def test_one_of_many_leads_until_it_leaves(two: tuple[SharedPlan, SharedPlan]) -> None:
    one, other = two
    assert one.leads()
    assert not other.leads()
    assert one.leads()
    one.leave()
    assert other.leads()
    assert not one.leads()


def test_who_is_killed_leads_no_more_after_its_lease(empty: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_plan, "LEASE_S", 0.2)
    with closing(SharedPlan(empty.url, member="killed")) as killed, closing(SharedPlan(empty.url, member="b")) as other:
        assert killed.leads()
        until = time.monotonic() + 60
        while not other.leads():
            assert time.monotonic() < until
        assert not killed.leads()


def test_a_command_is_done_once_all_have_done_it(two: tuple[SharedPlan, SharedPlan]) -> None:
    one, other = two
    started = Plan().started(models=Path("/new"))
    one.tell(status(started, leads=True, in_step=True, pass_=3))
    other.tell(status(Plan(), other=None, as_of="2026-01-01", problem="It is away."))
    told = one.told()
    assert told is not None
    assert (told["servers"], told["plan"], told["other"], told["problem"]) == (2, None, None, "It is away.")
    assert (told["pass_"], told["in_step"], told["as_of"]) == (3, True, "2026-01-01")
    other.tell(status(started))
    assert (one.told() or {})["plan"] == said(started)
    one.leave()
    assert (other.told() or {})["servers"] == 1
    assert not (other.told() or {})["in_step"]


def test_a_plan_that_was_lost_is_not_taken_for_none(empty: Valkey, two: tuple[SharedPlan, SharedPlan]) -> None:
    one, other = two
    one.write(Plan().started(models=Path("/new")))
    other.read()
    with redis.Redis.from_url(empty.url) as client:
        client.delete(f"{PREFIX}plan")
    with pytest.raises(FailedPrecondition, match="lost the plan"):
        other.read()


def test_a_plan_that_makes_no_sense_is_refused(empty: Valkey, two: tuple[SharedPlan, SharedPlan]) -> None:
    with redis.Redis.from_url(empty.url) as client:
        client.set(f"{PREFIX}plan", "{")
    with pytest.raises(FailedPrecondition, match="which index answers"):
        two[0].read()


def test_a_redis_that_is_away_is_no_plan() -> None:
    with closing(SharedPlan(NOWHERE)) as plans:
        for ask in (plans.read, plans.told, plans.leads, lambda: plans.write(Plan()), lambda: plans.tell({})):
            with pytest.raises(Unavailable, match="start it"):
                ask()
        with pytest.raises(Unavailable), plans.changing():
            pass
    with pytest.raises(FailedPrecondition, match="give one as in"):
        SharedPlan("not an address")
