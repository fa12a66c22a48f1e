"""``shoplens weights``, ``learn`` and ``trial``: what they do to a data folder, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from services.ranker.live import LiveWeights
from services.ranker.weights import DEFAULT_PATH, RankingWeights
from services.standalone.cli import app
from services.standalone.places import FEEDBACK_FILE, WEIGHTS_FOLDER
from shoplens.domain import Action, Impression, ProductDetails, Reaction, Scores
from shoplens.domain import Result as ShownProduct
from shoplens.feedback import Session, reaction_line, shown_line
from shoplens.testing.shoppers import NOW, candidates, session


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})


def written(sessions: list[Session]) -> bytes:
    """Sessions as a gateway logs them."""
    lines = []
    for each in sessions:
        shown = tuple(
            ShownProduct(result.product_id, "1", "shirt", 0.5, Scores(**result.scores), ProductDetails(), team=result.team)
            for result in each.results
        )
        lines.append(shown_line(Impression(each.request_id, NOW, shown)))
        lines += [reaction_line(Reaction(each.request_id, product, action, NOW)) for product, action in each.reactions.items()]
    return b"\n".join(lines) + b"\n"


@pytest.fixture(scope="module")
def log() -> bytes:
    weights = RankingWeights.load().weights
    dice = np.random.default_rng(1)
    found = []
    for number in range(3_000):
        made = candidates(dice)
        shares = weights.shares(made[0].scores)
        made.sort(key=lambda each: -sum(share * each.scores[part] for part, share in shares.items()))
        found.append(session(number, made, dice))
    return written(found)


def test_weights_are_shown_changed_listed_and_taken_back(tmp_path: Path) -> None:
    assert run("weights", "show", "--data", tmp_path).stdout == DEFAULT_PATH.read_text("utf-8")
    changed = tmp_path / "mine.toml"
    changed.write_text(DEFAULT_PATH.read_text("utf-8").replace("\ncolour = 0.5", "\ncolour = 0.75"))
    assert json.loads(run("weights", "set", changed, "--data", tmp_path, "--json").stdout) == {"version": 1}
    assert "colour = 0.75" in run("weights", "show", "--data", tmp_path).stdout
    assert "colour = 0.75" not in run("weights", "show", "--version", "0", "--data", tmp_path).stdout
    assert run("weights", "rollback", "--data", tmp_path).stdout == "Version 2 is in force.\n"
    assert run("weights", "rollback", "--to", "1", "--data", tmp_path).exit_code == 0
    listed = json.loads(run("weights", "history", "--data", tmp_path, "--json").stdout)
    assert [each["version"] for each in listed] == [0, 1, 2, 3]
    assert "3  " in run("weights", "history", "--data", tmp_path).stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("weights", "set", "missing.toml"), "cannot be read"),
        (("weights", "rollback"), "none before them"),
        (("weights", "show", "--version", "7"), "no version 7"),
        (("learn",), "There is no feedback in"),
        (("trial",), "There is no feedback in"),
    ],
)
def test_mistakes_are_sentences(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments, "--data", tmp_path)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def test_weights_that_make_no_sense_say_which(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(DEFAULT_PATH.read_text("utf-8").replace("visual = 1.0", "visual = 11"))
    result = run("weights", "set", wrong, "--data", tmp_path)
    assert result.exit_code == 1
    assert "weights.visual: Input should be less than or equal to 10" in result.output


def test_what_shoppers_did_is_learned_put_in_force_and_taken_back(tmp_path: Path, log: bytes) -> None:
    (tmp_path / FEEDBACK_FILE).write_bytes(log)
    learned = json.loads(run("learn", "--data", tmp_path, "--json").stdout)
    assert learned["version"] == 1
    assert learned["gain_low"] > 0
    assert learned["after"] > learned["before"]
    running = LiveWeights(tmp_path / WEIGHTS_FOLDER)
    assert running().learned is not None
    assert run("weights", "rollback", "--data", tmp_path).exit_code == 0
    assert LiveWeights(tmp_path / WEIGHTS_FOLDER)().learned is None


def test_what_was_learned_can_play_against_the_weights_first(tmp_path: Path, log: bytes) -> None:
    (tmp_path / FEEDBACK_FILE).write_bytes(log)
    assert "It plays against the weights: version 1." in run("learn", "--trial", "--data", tmp_path).stdout
    assert LiveWeights(tmp_path / WEIGHTS_FOLDER)().weights.trial


def test_what_wins_is_not_put_in_force_unasked(tmp_path: Path, log: bytes) -> None:
    (tmp_path / FEEDBACK_FILE).write_bytes(log)
    assert "was not put in force" in run("learn", "--no-publish", "--data", tmp_path).stdout
    assert not (tmp_path / WEIGHTS_FOLDER).exists()


def test_a_trial_tells_who_wins(tmp_path: Path) -> None:
    dice = np.random.default_rng(2)
    made = candidates(dice, 2)
    won = [session(number, made, dice, ["learned", "fixed"]) for number in range(40)]
    for each in won:
        each.reactions = {made[0].product_id: Action.CLICK}
    (tmp_path / f"{FEEDBACK_FILE}.1").write_bytes(written(won[:20]))
    (tmp_path / FEEDBACK_FILE).write_bytes(written(won[20:]))
    said = run("trial", "--data", tmp_path).stdout
    assert "what was learned 40" in said
    assert "What was learned is better" in said
