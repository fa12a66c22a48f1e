"""Training's takes of a picture: wherever the pixels go, the labels must go along."""

from __future__ import annotations

import numpy as np
import pytest

from services.detector.geometry import Letterbox, overlaps
from training.detector.augmentation import augmented, letterboxed, overlaid
from training.detector.batches import stacked
from training.detector.composites import CutOut, composite
from training.detector.photos import CLASSES, Labelled, repeats

HEIGHT, WIDTH = 448, 320
JUDGED = np.ones(len(CLASSES), np.float32)


def photo_with_a_square(*, classes: list[int] | None = None) -> Labelled:
    pixels = np.full((640, 430, 3), 40, np.uint8)
    pixels[200:400, 100:300] = 230
    return Labelled(pixels, np.array([[100, 200, 300, 400]], np.float32), np.array(classes or [0]), JUDGED)


def bright_part(pixels: np.ndarray, level: float) -> np.ndarray:
    rows, columns = np.nonzero(pixels.mean(2) > level)
    return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)


@pytest.mark.parametrize("seed", range(25))
def test_the_box_follows_the_pixels(seed: int) -> None:
    take = augmented(photo_with_a_square(), HEIGHT, WIDTH, np.random.default_rng(seed))
    assert take.pixels.shape == (HEIGHT, WIDTH, 3)
    if len(take.boxes) == 0:  # moved out of the frame: then little of it may be left to see
        return
    x0, y0, x1, y1 = take.boxes[0].astype(int)
    inside, outside = take.pixels[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].mean(), take.pixels.copy()
    outside[max(y0 - 3, 0) : y1 + 3, max(x0 - 3, 0) : x1 + 3] = 0
    assert inside > outside.mean(2).max() * 0.9 or overlaps(take.boxes, bright_part(take.pixels, inside * 0.75))[0, 0] > 0.85


@pytest.mark.parametrize("seed", range(10))
def test_a_close_up_shows_a_thing_larger_than_the_whole_photo_does(seed: int) -> None:
    photo = photo_with_a_square()
    small = Labelled(photo.pixels, np.array([[190, 290, 206, 304]], np.float32), photo.classes, JUDGED)
    take = augmented(small, HEIGHT, WIDTH, np.random.default_rng(seed), closer=1.0)
    (box,) = take.boxes
    assert (box[2:] - box[:2]).prod() >= 0.9 * 0.01 * HEIGHT * WIDTH or (box[2] - box[0]) >= 0.99 * 4 * 16


def test_of_two_takes_overlaid_both_are_labelled_and_only_what_both_judge_is_judged() -> None:
    one, other = (letterboxed(photo_with_a_square(classes=[number]), HEIGHT, WIDTH) for number in (0, 3))
    unsure = Labelled(other.pixels, other.boxes, other.classes, np.zeros(len(CLASSES), np.float32))
    both = overlaid(one, unsure, 0.5)
    assert both.classes.tolist() == [0, 3]
    assert both.judged.sum() == 0
    assert both.pixels.shape == one.pixels.shape


def test_training_sees_a_picture_as_the_engine_does() -> None:
    photo = photo_with_a_square()
    seen = letterboxed(photo, HEIGHT, WIDTH)
    place = Letterbox.fit(430, 640, WIDTH, HEIGHT)
    expected = place.to_input(photo.boxes / np.array([430, 640] * 2, np.float32)) * np.array([WIDTH, HEIGHT] * 2)
    np.testing.assert_allclose(seen.boxes, expected, atol=1.0)
    assert np.abs(seen.pixels.astype(float) - place.draw(photo.pixels)).mean() < 2.0


def test_a_composites_boxes_hold_its_products() -> None:
    red = CutOut(np.full((40, 30, 3), (250, 0, 0), np.uint8), np.ones((40, 30, 1), np.float32), CLASSES.index("tie"))
    grounds = [Labelled(np.zeros((90, 90, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.intp), JUDGED)]
    seen = 0
    for seed in range(20):
        made = composite([red], grounds, np.random.default_rng(seed))
        assert set(made.classes.tolist()) <= {CLASSES.index("tie")}
        for x0, y0, x1, y1 in made.boxes.astype(int):
            assert (made.pixels[y0:y1, x0:x1] == (250, 0, 0)).all()
        seen += len(made.boxes)
    assert seen > 20


def test_a_batch_pads_its_labels() -> None:
    batch = stacked([letterboxed(photo_with_a_square(classes=[3]), HEIGHT, WIDTH)] * 2)
    assert batch.images.shape == (2, HEIGHT, WIDTH, 3)
    assert batch.labels["present"].sum() == 2
    assert batch.labels["present"][:, 0, 3].tolist() == [1.0, 1.0]


def test_a_rare_class_is_shown_more_often() -> None:
    common, rare = photo_with_a_square(classes=[0]), photo_with_a_square(classes=[14])
    share = repeats([common] * 99 + [rare], 0.3)
    assert share[0] == 1.0
    assert share[-1] == pytest.approx((0.3 * 100) ** 0.5)
