"""A plan is written down, and a running server carries it out."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shoplens.domain import SearchQuery
from shoplens.errors import FailedPrecondition, InvalidArgument
from shoplens.images import decode
from shoplens.migration.comparison import EVERY, Shadow, labelled_photos
from shoplens.migration.generations import Generation, Generations
from shoplens.migration.live import LiveSearch
from shoplens.migration.mirroring import MirroredIngest
from shoplens.migration.overseer import Overseer
from shoplens.migration.plan import PARTS, Plan, Wanted, require_parts, said
from shoplens.migration.plan_folder import PLAN, PlanFolder
from shoplens.models import ModelError
from shoplens.testing.pictures import png
from shoplens.testing.products import draft

Make = Callable[[int], Generation]
PATIENCE_S = 120.0


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.fixture
def plans(tmp_path: Path) -> PlanFolder:
    return PlanFolder(tmp_path / "migration")


@pytest.fixture
def dropped() -> list[int]:
    return []


@pytest.fixture
def shadow() -> Shadow:
    return Shadow()


@pytest.fixture
def followed(plans: PlanFolder, generations: Generations, shadow: Shadow, make: Make, dropped: list[int]) -> Iterator[Generations]:
    """Generations whose server follows the plans; models called ``broken`` cannot be opened."""

    def open_(wanted: Wanted) -> Generation:
        if wanted.models == "broken":
            raise ModelError("There is no encoder in broken.")
        return make(wanted.number)

    overseer = Overseer(plans, generations, shadow, open_=open_, drop=dropped.append)
    with shadow.comparing(generations), overseer.following():
        yield generations


def carried_out(plans: PlanFolder, plan: Plan) -> None:
    plans.write(plan)
    until(lambda: (plans.told() or {}).get("plan") == said(plan))


def in_step(plans: PlanFolder) -> bool:
    return bool((plans.told() or {}).get("in_step"))


def test_a_plan_goes_only_the_ways_that_make_sense() -> None:
    alone = Plan()
    started = alone.started(models=Path("/new"))
    switched = started.changed_over(back=False)
    assert (started.live.number, started.other, started.switched) == (1, Wanted(2, "/new"), False)
    assert (switched.live, switched.other, switched.switched) == (Wanted(2, "/new"), Wanted(1), True)
    assert switched.changed_over(back=True) == started
    assert switched.finished(abandoned=False) == Plan(Wanted(2, "/new"))
    assert started.finished(abandoned=True) == alone
    assert switched.finished(abandoned=False).started(models=Path("/newer")).other == Wanted(3, "/newer")
    for wrong in (
        lambda: started.started(models=Path("/other")),
        lambda: alone.changed_over(back=False),
        lambda: started.changed_over(back=True),
        lambda: switched.changed_over(back=False),
        lambda: started.finished(abandoned=False),
        lambda: switched.finished(abandoned=True),
        lambda: alone.finished(abandoned=False),
        lambda: alone.comparing(Path("x.csv")),
    ):
        with pytest.raises(FailedPrecondition):
            wrong()


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({}, "detector is missing and encoder is missing"),
        ({**dict.fromkeys(PARTS, "host:1"), "ranker": ""}, "ranker is missing"),
        ({**dict.fromkeys(PARTS, "host:1"), "rancor": "host:1"}, "rancor is none"),
    ],
)
def test_a_generation_of_services_has_all_its_parts_and_no_others(parts: dict[str, str], wrong: str) -> None:
    assert require_parts(dict.fromkeys(PARTS, "host:1"))
    with pytest.raises(FailedPrecondition, match=wrong):
        require_parts(parts)


def test_a_plan_is_read_as_it_was_written(plans: PlanFolder) -> None:
    assert plans.read() == Plan()
    for plan in (Plan().started(models=Path("/new")), Plan(Wanted(3, "/new"), None, None, 4), Plan().started(parts={"encoder": "a:1"})):
        plans.write(plan)
        assert plans.read() == plan


@pytest.mark.parametrize("text", ["", "{", "[]", '{"live": {}}', '{"live": {"number": 1, "odd": 2}, "other": null}'])
def test_a_plan_that_makes_no_sense_is_refused(plans: PlanFolder, tmp_path: Path, text: str) -> None:
    plans.write(Plan())
    (tmp_path / "migration" / PLAN).write_text(text, "utf-8")
    with pytest.raises(FailedPrecondition, match="which index answers"):
        plans.read()


def test_from_the_start_to_the_end(followed: Generations, plans: PlanFolder, dropped: list[int], closed: list[int]) -> None:
    ingest = MirroredIngest(followed)
    for number in range(8):
        ingest.put(draft(f"p{number}", number))
    started = Plan().started(models=Path("/new"))
    carried_out(plans, started)
    until(lambda: in_step(plans))
    assert followed.now.other is not None
    assert followed.now.other.catalogue.status().products == 8
    ingest.put(draft("late", 9))
    switched = started.changed_over(back=False)
    carried_out(plans, switched)
    assert followed.now.live.number == 2
    assert followed.now.live.catalogue.get("late").id == "late"
    carried_out(plans, switched.changed_over(back=True))
    assert followed.now.live.number == 1
    carried_out(plans, switched)
    until(lambda: in_step(plans))  # the old one is kept in step for the way back
    carried_out(plans, switched.finished(abandoned=False))
    until(lambda: dropped == [1])
    assert closed == [1]
    assert followed.now.other is None


def test_what_goes_amiss_beside_is_mended(followed: Generations, plans: PlanFolder) -> None:
    followed.now.live.ingest.put(draft("p1", 1))
    carried_out(plans, Plan().started(models=Path("/new")))
    until(lambda: in_step(plans))
    other = followed.now.other
    assert other is not None
    other.ingest.delete("p1")
    until(lambda: other.catalogue.status().products == 1)


def test_a_model_that_cannot_be_opened_is_told_and_nothing_else_happens(followed: Generations, plans: PlanFolder) -> None:
    plan = Plan().started(models=Path("broken"))
    carried_out(plans, plan)
    assert "no encoder in broken" in plans.told()["problem"]  # type: ignore[index]
    assert followed.now.other is None
    carried_out(plans, plan.finished(abandoned=True))
    assert plans.told()["problem"] == ""  # type: ignore[index]


def test_a_server_that_starts_in_the_middle_goes_on(plans: PlanFolder, make: Make, shadow: Shadow, dropped: list[int]) -> None:
    plan = Plan().started(models=Path("/new")).changed_over(back=False)
    plans.write(plan)
    second = make(2)
    second.ingest.put(draft("p1", 1))
    generations = Generations(second)  # as the plan says
    with Overseer(plans, generations, shadow, open_=lambda wanted: make(wanted.number), drop=dropped.append).following():
        until(lambda: in_step(plans))
        assert generations.now.live is second
        assert generations.now.other is not None
        assert (generations.now.other.number, generations.now.other.catalogue.status().products) == (1, 1)


def test_one_shoppers_photo_in_ten_is_compared(followed: Generations, plans: PlanFolder, shadow: Shadow) -> None:
    MirroredIngest(followed).put(draft("p1", 1))
    carried_out(plans, Plan().started(models=Path("/new")))
    until(lambda: in_step(plans))
    search = LiveSearch(followed, shadow)
    for _ in range(3 * EVERY):
        search.search(SearchQuery(picture=decode(png(1))))
    until(lambda: plans.told()["shoppers"]["photos"] == 3)  # type: ignore[index]
    assert plans.told()["shoppers"]["overlap_at_10"] == 1.0  # type: ignore[index]
    assert plans.told()["shoppers"]["same_first"] == 1.0  # type: ignore[index]


def test_labelled_photos_are_asked_of_both(followed: Generations, plans: PlanFolder, tmp_path: Path) -> None:
    for number in (1, 2):
        MirroredIngest(followed).put(draft(f"p{number}", number))
        (tmp_path / f"{number}.png").write_bytes(png(number))
    table = tmp_path / "labelled.csv"
    with table.open("w", newline="") as lines:
        csv.writer(lines).writerows([("photo", "product_id"), ("1.png", "p1"), ("2.png", "p9")])
    started = Plan().started(models=Path("/new"))
    carried_out(plans, started)
    until(lambda: in_step(plans))
    carried_out(plans, started.comparing(table))
    until(lambda: plans.told()["labelled"] is not None)  # type: ignore[index]
    half = {"r@1": 0.5, "r@10": 0.5}
    assert plans.told()["labelled"] == {"photos": 2, "live": half, "other": half}  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "photo,product_id\n", "photo\n1.png\n"])
def test_a_table_without_labels_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labelled.csv").write_text(text, "utf-8")
    with pytest.raises(InvalidArgument):
        labelled_photos(tmp_path / "labelled.csv")
