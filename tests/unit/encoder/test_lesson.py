"""The views that the encoder learns from, the batches they come in, and what it is taught about them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the train extra")

from tests.unit.encoder.garments import garment  # noqa: E402
from training.backbone import LITE0, LITE2, backbone  # noqa: E402
from training.encoder.batches import PairMaker, grouped_order  # noqa: E402
from training.encoder.lesson import Lesson, Weights  # noqa: E402
from training.encoder.masks import SIDE, studio_mask  # noqa: E402
from training.encoder.photos import ATTRIBUTES, UNLABELLED, Photo  # noqa: E402
from training.encoder.train import Round  # noqa: E402
from training.encoder.views import Bank, draw, pictures, render  # noqa: E402

GARMENTS = (("red", "plain"), ("blue", "dots"), ("green", "stripes"), ("black", "plain"))


def bank(*, known: bool = True) -> Bank:
    photos = [np.asarray(cv2.resize(garment(*kind), (224, 224)), np.uint8) for kind in GARMENTS]
    masks = np.zeros((len(photos), SIDE, SIDE), np.uint8)
    if known:
        for row, photo in enumerate(photos):
            masks[row] = cv2.resize(np.asarray(studio_mask(photo)), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return Bank(np.stack(photos), masks, np.array([3], np.int32))


def rendered(of: Bank, plan: dict, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    tensors = {name: keras.ops.convert_to_tensor(values) for name, values in plan.items()}
    images, where = render(keras.ops.convert_to_tensor(of.photos), keras.ops.convert_to_tensor(of.masks), tensors, side)
    return keras.ops.convert_to_numpy(images), keras.ops.convert_to_numpy(where)


def test_the_same_seed_gives_the_same_views() -> None:
    rows = np.arange(4, dtype=np.int32)
    first, again, other = (pictures(bank(), rows, np.random.default_rng(seed), 64, gentle=False) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("seed", range(8))
def test_the_mask_follows_the_object(seed: int) -> None:
    red = np.zeros(16, np.int32)
    images, where = rendered(bank(), draw(bank(), red, np.random.default_rng(seed), gentle=True), side=96)
    assert images.min() >= -1
    assert images.max() <= 1
    inside = np.repeat(np.repeat(where[..., 0], 16, axis=1), 16, axis=2) > 0.999
    reddest = images[..., 0] - images[..., 1:].max(axis=3)
    assert inside.sum() > 500
    assert (reddest[inside] > 0.3).mean() > 0.9


def test_an_unknown_mask_stays_unknown_and_keeps_its_background() -> None:
    plan = draw(bank(known=False), np.arange(4, dtype=np.int32), np.random.default_rng(0), gentle=False)
    _, where = rendered(bank(known=False), plan)
    assert (where == -1).all()
    assert not plan["ground"].any()


def test_hard_views_differ_more_from_the_photo_than_gentle_ones() -> None:
    rows = np.zeros(64, np.int32)
    photo = cv2.resize(bank().photos[0], (64, 64)).astype(float)

    def away(*, gentle: bool) -> float:
        return float(np.abs(pictures(bank(), rows, np.random.default_rng(5), 64, gentle=gentle) - photo).mean())

    assert away(gentle=False) > 1.2 * away(gentle=True)


def test_batches_take_every_photo_once_and_keep_kin_together() -> None:
    kins = ["shirt"] * 200 + ["shoe"] * 100 + ["hat"] * 5
    order = grouped_order(kins, np.random.default_rng(1))
    assert sorted(order) == list(range(305))
    together = [kins[row] == kins[after] for row, after in pairwise(order)]
    assert np.mean(together) > 0.9


def photos() -> list[Photo]:
    attributes = tuple(range(len(ATTRIBUTES)))
    looks = ("a", "b", "b", "c")
    return [
        Photo(Path(f"{row}.jpg"), "studio_products", str(row), row, "kind", False, look=look, attributes=attributes)
        for row, look in enumerate(looks)
    ]


def test_a_batch_pairs_a_gentle_and_a_hard_view_of_each_product_and_goes_on_where_it_stopped() -> None:
    teacher = np.zeros((4, 256), np.float32)
    maker = PairMaker(photos(), bank(), teacher, pairs=2, seed=3)
    assert maker.steps == 2
    stream = maker.batches()
    first, second = next(stream), next(stream)
    resumed = next(maker.batches(skip=1))
    for batch in (first, second):
        rows = batch.plan["photo"]
        np.testing.assert_array_equal(rows[:2], rows[2:])
        np.testing.assert_array_equal(batch.targets["product"], rows)
        np.testing.assert_array_equal(batch.targets["category"], rows)
    assert {*first.plan["photo"], *second.plan["photo"]} == {0, 1, 2, 3}
    for name, values in second.plan.items():
        np.testing.assert_array_equal(values, resumed.plan[name])


def lesson() -> Lesson:
    """A lesson over a network that says little: its embedding is a picture's mean colour."""
    image = keras.Input((64, 64, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    outputs = {
        "embedding": keras.layers.UnitNormalization()(mean),
        "categories": keras.layers.Dense(4, name="categories")(mean),
        "teacher": keras.layers.UnitNormalization()(keras.layers.Dense(256, name="teacher")(mean)),
        "mask": keras.layers.Conv2D(1, 16, strides=16, name="mask")(image),
        **{name: keras.layers.Dense(len(values), name=name)(mean) for name, values in ATTRIBUTES.items()},
    }
    return Lesson(keras.Model(image, outputs), bank(), {name: len(values) for name, values in ATTRIBUTES.items()}, Weights())


def instance(embedding: list[list[float]], look: list[int]) -> tuple[float, float]:
    count = len(embedding) // 2
    unit = np.array(embedding, np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    y = {"product": np.tile(np.arange(count, dtype=np.int32), 2), "look": np.tile(np.array(look, np.int32), 2)}
    loss, found = lesson()._instance(keras.ops.convert_to_tensor(unit), {name: keras.ops.convert_to_tensor(v) for name, v in y.items()})
    return float(loss), float(found)


def test_a_product_near_its_own_view_costs_less_than_one_near_another() -> None:
    right, found = instance([[1, 0, 0], [0, 1, 0], [1, 0.1, 0], [0.1, 1, 0]], [0, 1])
    wrong, missed = instance([[1, 0, 0], [0, 1, 0], [0.1, 1, 0], [1, 0.1, 0]], [0, 1])
    assert right < 0.1 < wrong
    assert (found, missed) == (1.0, 0.0)


def test_products_of_one_look_are_not_pushed_apart() -> None:
    twins = [[1, 0, 0], [1, 0.01, 0], [1, 0, 0.01], [1, 0.01, 0.01]]
    strangers, _ = instance(twins, [0, 1])
    alike, _ = instance(twins, [0, 0])
    assert strangers > 0.5
    assert alike == pytest.approx(0, abs=1e-3)


def test_a_step_lowers_the_loss_and_unknown_labels_cost_nothing() -> None:
    learner, maker = lesson(), PairMaker(photos(), bank(), np.full((4, 256), 1 / 16, np.float32), pairs=4, seed=3)
    learner.compile(optimizer=keras.optimizers.Adam(0.05))
    batch = next(maker.batches())
    losses = []
    for _ in range(40):
        losses.append(learner.train_on_batch(batch.plan, batch.targets, return_dict=True)["loss"])
        learner.reset_metrics()
    assert losses[-1] < 0.8 * losses[0]
    logits, unknown = keras.ops.ones((3, 4)), keras.ops.full((3,), UNLABELLED, dtype="int32")
    assert float(Lesson._labels(logits, unknown)) == 0.0


def test_the_learning_rate_rises_shortly_and_falls_to_nothing() -> None:
    course = Round(1000, 1e-3, Weights())
    rates = [course.rate(progress) for progress in (0.0, 0.03, 0.5, 0.999)]
    assert rates[0] < rates[1] / 10
    assert rates[1] == pytest.approx(1e-3)
    assert rates[1] > rates[2] > rates[3]
    assert rates[3] < 1e-8


def test_the_larger_variant_is_wider_and_deeper() -> None:
    small, large = (backbone(64, 64, variant) for variant in (LITE0, LITE2))
    assert (small.count_params(), large.count_params()) == (3_371_008, 4_811_072)
