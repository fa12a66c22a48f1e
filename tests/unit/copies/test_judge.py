"""The network that judges copies: it learns from cases, ships, and goes on from what was shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the train extra")

from services.copies.agreement import CHANNELS, GRID  # noqa: E402
from services.copies.probability import EVIDENCE, FILE  # noqa: E402
from shoplens.model_store import model_folder  # noqa: E402
from training.copies import judge as lesson  # noqa: E402
from training.copies.cases import Case  # noqa: E402
from training.copies.judge import convert, fit_judge, judge, parameters_of  # noqa: E402
from training.copies.restore import restored  # noqa: E402

WIDTH = CHANNELS + len(EVIDENCE)


def planes(rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.random((GRID, GRID, WIDTH)), np.float16)


def test_what_ships_is_restored_as_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = judge(np.arange(len(EVIDENCE), dtype=np.float32), np.full(len(EVIDENCE), 2, np.float32))
    # Of each weight what half precision keeps of it.
    model.set_weights([np.asarray(rng.normal(0, 0.1, weight.shape), np.float16).astype(np.float32) for weight in model.get_weights()])
    (tmp_path / FILE).write_bytes(convert(model))
    again, seen = restored(tmp_path / FILE), rng.random((3, GRID, GRID, WIDTH)).astype(np.float32)
    np.testing.assert_allclose(again.predict_on_batch(seen), model.predict_on_batch(seen), atol=1e-3)


def test_another_networks_file_is_refused() -> None:
    with pytest.raises(ValueError, match="no file of the judge"):
        restored(model_folder("copies") / "copies.tflite")


def test_a_further_lesson_goes_on_from_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "FURTHER_EPOCHS", 2)
    monkeypatch.setattr(lesson, "_BATCH", 8)
    rng, kinds = np.random.default_rng(1), ("copy", "stranger", "dyed")
    cases = [Case(kinds[number % 3], number, planes(rng)) for number in range(60)]
    shipped = restored(model_folder("copies") / FILE)
    before = shipped.get_weights()
    taught = fit_judge(cases, 1, shipped)
    parameters = parameters_of(taught, cases)
    moved = [float(np.abs(old - new).max()) for old, new in zip(before, taught.get_weights(), strict=True)]
    assert 0 < max(moved) < 0.05
    assert parameters["evidence"] == list(EVIDENCE)
    assert 0 <= float(str(parameters["threshold"])) <= 1.001
