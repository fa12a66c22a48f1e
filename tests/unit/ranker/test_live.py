"""Weights: published, followed by running rankers, refused where they make no sense, and taken back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from services.ranker import live
from services.ranker.learned import LearnedRanker
from services.ranker.live import LiveWeights
from services.ranker.publishing import WeightsFolder
from services.ranker.weights import DEFAULT_PATH
from shoplens.errors import InvalidArgument, NotFound

SHIPPED = DEFAULT_PATH.read_text("utf-8")


def with_colour(weight: float) -> str:
    return SHIPPED.replace("colour = 0.5", f"colour = {weight}")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ranker looks at its folder each time: no test waits."""
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> WeightsFolder:
    return WeightsFolder(tmp_path / "weights")


@pytest.fixture
def running(tmp_path: Path) -> LiveWeights:
    return LiveWeights(tmp_path / "weights")


def colour(running: LiveWeights) -> float:
    return running().weights.weights.colour


def test_what_ships_is_in_force_until_something_is_published(folder: WeightsFolder, running: LiveWeights) -> None:
    assert colour(running) == 0.5
    assert folder.newest() == 0
    assert folder.publish(with_colour(0.8)).number == 1
    assert colour(running) == 0.8
    assert colour(LiveWeights(None)) == 0.5


def test_an_older_version_is_a_command_away(folder: WeightsFolder, running: LiveWeights) -> None:
    for weight in (0.7, 0.8, 0.9):
        folder.publish(with_colour(weight))
    assert folder.roll_back().number == 4
    assert colour(running) == 0.8
    folder.roll_back(1)
    assert colour(running) == 0.7
    folder.roll_back(0)
    assert colour(running) == 0.5
    assert [version.number for version in folder.versions()] == list(range(7))
    with pytest.raises(NotFound, match="99"):
        folder.roll_back(99)


def test_there_is_nothing_before_what_ships(folder: WeightsFolder) -> None:
    with pytest.raises(NotFound, match="none before"):
        folder.roll_back()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour =", ""),
        (with_colour(-1), "weights.colour"),
        (SHIPPED.replace("visual = 1.0", "beauty = 1.0"), "weights.beauty"),
        (SHIPPED.replace("business = 0.02", "business = 1.0"), "orders equals"),
        (SHIPPED.replace("low = 1.0, high = 5.0", "low = 5.0, high = 5.0"), "low is below high"),
        (f'learned = "learned-0123456789abcdef.json"\n{SHIPPED}', "cannot be read"),
        (f'learned = "../../secret"\n{SHIPPED}', "learned"),
    ],
)
def test_weights_that_make_no_sense_change_nothing(folder: WeightsFolder, running: LiveWeights, text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=f"nothing was changed: .*{said}"):
        folder.publish(text)
    assert folder.newest() == 0
    assert colour(running) == 0.5


def test_a_file_that_somebody_spoilt_by_hand_is_passed_over(tmp_path: Path, folder: WeightsFolder, running: LiveWeights) -> None:
    folder.publish(with_colour(0.8))
    (tmp_path / "weights" / "0002.toml").write_text("spoilt")
    (tmp_path / "weights" / "notes.txt").write_text("mine")
    assert colour(running) == 0.8
    assert colour(LiveWeights(tmp_path / "weights")) == 0.8
    assert folder.publish(with_colour(0.9)).number == 3
    assert colour(running) == 0.9


def test_publishers_at_the_same_time_each_get_a_version(folder: WeightsFolder) -> None:
    threads = [threading.Thread(target=folder.publish, args=(with_colour(weight / 10),)) for weight in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [version.number for version in folder.versions()] == list(range(9))
    assert len({version.text for version in folder.versions()[1:]}) == 8


def test_a_learned_ranker_is_named_by_the_weights_and_goes_with_them(
    folder: WeightsFolder, running: LiveWeights, learned: LearnedRanker
) -> None:
    folder.publish(with_colour(0.8))
    folder.publish_learned(learned, trial=True)
    assert (running().learned, running().weights.trial, colour(running)) == (learned, True, 0.8)
    folder.publish_learned(learned, trial=False)
    assert not running().weights.trial
    folder.roll_back(1)
    assert running().learned is None
