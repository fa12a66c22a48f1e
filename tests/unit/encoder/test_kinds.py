"""The category's branch: what it learns from, how pictures are mixed, and that what ships computes what was taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

keras = pytest.importorskip("keras", reason="training needs the train extra")

from tests.unit.encoder.test_lesson import bank  # noqa: E402
from training.backbone import LITE0, FrozenNormConv, NormedConv, backbone  # noqa: E402
from training.encoder.kinds import SHARPNESS, Course, KindsLesson, branched_network, folded_into, mixing  # noqa: E402
from training.encoder.network import SHARED_BLOCKS, served_network  # noqa: E402
from training.encoder.photos import LEAVES  # noqa: E402
from training.encoder.views import draw  # noqa: E402

SIDE = 64


def _restless(layer: NormedConv) -> NormedConv:
    """A normalisation that has seen something."""
    rng = np.random.default_rng(3)
    layer.norm.set_weights([rng.uniform(0.5, 2, weights.shape) for weights in layer.norm.get_weights()])
    return layer


@pytest.mark.parametrize("depthwise", [False, True])
def test_folding_the_normalisation_changes_nothing(depthwise: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 6)).astype(np.float32)
    taught, served = (kind(6, 3, 2, depthwise=depthwise) for kind in (NormedConv, FrozenNormConv))
    taught(x), served(x)
    served.set_weights(_restless(taught).folded())
    np.testing.assert_allclose(served(x), taught(x, training=False), atol=1e-4)


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_batch_is_left_alone_or_laid_over_itself_or_patched(count: int, seed: int) -> None:
    plan = mixing(count, np.random.default_rng(seed))
    assert sorted(plan["with"]) == list(range(count))
    x0, y0, x1, y1 = plan["box"][0]
    assert 0 <= plan["share"][0] <= 1
    if x1 > x0:
        assert (x1 - x0) * (y1 - y0) == pytest.approx(1 - plan["share"][0], abs=1e-5)
        assert x1 <= 1 + 1e-6
        assert y1 <= 1 + 1e-6


def _student() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, keras.layers.Dense(4, kernel_initializer="zeros")(pooled))


def _inputs(share: float, box: tuple[float, float, float, float] = (0, 0, 0, 0)) -> dict:
    rows = np.arange(4, dtype=np.int32)
    plan = draw(bank(), rows, np.random.default_rng(0), gentle=True)
    mixed = {"with": rows[::-1].copy(), "share": np.full(4, share, np.float32), "box": np.tile(np.float32(box), (4, 1))}
    return {"plan": plan, **mixed}


def _mixed(lesson: KindsLesson, inputs: dict) -> np.ndarray:
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
    return keras.ops.convert_to_numpy(lesson._mixed(tensors))


def test_pictures_are_mixed_as_the_plan_says() -> None:
    lesson = KindsLesson(_student(), [], bank())
    alone = _mixed(lesson, _inputs(1.0))
    np.testing.assert_allclose(_mixed(lesson, _inputs(0.25)), 0.25 * alone + 0.75 * alone[::-1], atol=1e-5)
    patched = _mixed(lesson, _inputs(0.75, (0.0, 0.5, 0.5, 1.0)))
    np.testing.assert_allclose(patched[:, SIDE // 2 :, : SIDE // 2], alone[::-1][:, SIDE // 2 :, : SIDE // 2], atol=1e-5)
    np.testing.assert_allclose(patched[:, : SIDE // 2], alone[:, : SIDE // 2], atol=1e-5)


def test_a_teachers_word_counts_more_than_the_label() -> None:
    sure = _student()
    sure.layers[-1].set_weights([np.zeros((3, 4)), np.array([9.0, 0, 0, 0])])
    student = _student()
    lesson = KindsLesson(student, [sure], bank())
    lesson.compile(optimizer=keras.optimizers.SGD(5.0))
    for _ in range(30):
        lesson.train_on_batch(_inputs(1.0), np.full(4, 2))
    said = keras.ops.convert_to_numpy(student(np.zeros((1, SIDE, SIDE, 3), np.float32)))[0]
    assert said.argmax() == 0
    assert sure.layers[-1].get_weights()[1].tolist() == [9.0, 0, 0, 0]  # who teaches does not learn


def test_what_is_served_says_what_was_taught_and_the_trunk_stays(tmp_path: Path) -> None:
    served = served_network(SIDE, len(LEAVES))
    trunk = served.get_layer(LITE0.name)
    body = backbone(SIDE, SIDE, conv=NormedConv)
    pooled = keras.layers.GlobalAveragePooling2D()(body.output["head"])
    start = keras.Model(body.input, keras.layers.Dense(len(LEAVES), name="logits")(pooled))
    network = branched_network(trunk, start, LITE0)
    learning = {variable.path.split("/")[0] for variable in network.trainable_variables}
    assert not any(name.startswith(("stem", "below")) for name in learning)
    assert not any(f"block{number}_" in name for number in range(SHARED_BLOCKS) for name in learning)
    for layer in network.layers:
        if isinstance(layer, NormedConv):
            _restless(layer)
    before = trunk.get_weights()
    folded_into(served, network, LITE0)
    image = np.random.default_rng(1).uniform(-1, 1, (2, SIDE, SIDE, 3)).astype(np.float32)
    np.testing.assert_allclose(served(image)["categories"], SHARPNESS * np.asarray(network(image, training=False)), rtol=1e-3, atol=1e-2)
    assert all((one == other).all() for one, other in zip(before, trunk.get_weights(), strict=True))


def test_a_smaller_effort_sees_fewer_views_in_smaller_steps() -> None:
    whole = Course()
    assert whole.scaled(1.0) == whole
    assert whole.scaled(0.1) == replace(whole, teachers=whole.teachers // 10, branch=whole.branch // 10, views=64)
