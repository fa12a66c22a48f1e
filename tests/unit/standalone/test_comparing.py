"""``shoplens compare``: two pictures, what was done to one of them, and a drawing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from services.standalone.cli import app
from tests.unit.copies.scenes import scene


@pytest.fixture
def original(tmp_path: Path) -> Path:
    Image.fromarray(scene(1, 480, 600)).save(tmp_path / "original.png")
    return tmp_path / "original.png"


def compare(tmp_path: Path, query: np.ndarray, original: Path, *options: str) -> Result:
    Image.fromarray(np.ascontiguousarray(query)).save(tmp_path / "query.jpg", quality=80)
    drawing = tmp_path / "drawn.png"
    return CliRunner().invoke(app, ["compare", str(tmp_path / "query.jpg"), str(original), "--overlay", str(drawing), *options])


def test_a_cut_and_mirrored_copy_is_told_placed_and_drawn(tmp_path: Path, original: Path) -> None:
    answer = json.loads(compare(tmp_path, scene(1, 480, 600)[150:600, :360][:, ::-1], original, "--json").stdout)
    assert answer["copy"]
    assert answer["score"] >= answer["threshold"]
    change = answer["change"]
    assert change["flipped"]
    assert change["overlap"] == pytest.approx(0.75 * 0.75, abs=0.02)
    # The query's upper left corner is the cut's upper right one.
    assert [change["affine"][0][2], change["affine"][1][2]] == pytest.approx([0.75, 0.25], abs=0.01)
    drawn = cv2.imread(answer["overlay"])
    assert drawn.shape == (480, 384 + 12 + 384 + 12 + 384, 3)


def test_it_is_said_in_words(tmp_path: Path, original: Path) -> None:
    result = compare(tmp_path, scene(1, 480, 600)[150:600, :360][:, ::-1], original)
    assert "A copy (probability" in result.stdout
    assert "cut to 56%, mirrored" in result.stdout


def test_the_same_file_is_said_to_be_just_that(tmp_path: Path, original: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(original), str(original), "--overlay", str(tmp_path / "drawn.png"), "--json"])
    answer = json.loads(result.stdout)
    assert (answer["copy"], answer["exact"], answer["score"]) == (True, True, 1.0)


def test_another_picture_is_no_copy_and_nothing_is_drawn(tmp_path: Path, original: Path) -> None:
    answer = json.loads(compare(tmp_path, np.full((300, 300, 3), 200, np.uint8), original, "--json").stdout)
    assert answer["copy"] is False
    assert (answer["change"], answer["overlay"]) == (None, None)
    assert not (tmp_path / "drawn.png").exists()


def test_mistakes_are_sentences(tmp_path: Path, original: Path) -> None:
    result = compare(tmp_path, scene(1, 480, 600), original, "--overlay", str(tmp_path / "nowhere" / "drawn.png"))
    assert result.exit_code == 1
    assert "give another path with --overlay" in result.output
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "broken.jpg"), str(original)])
    assert result.exit_code == 1
    assert "send a JPEG, PNG" in result.output
