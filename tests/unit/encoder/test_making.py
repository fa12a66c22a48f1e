"""What the encoder is made with, as far as it needs neither Keras nor photos: labels, splits, masks, weights."""

from __future__ import annotations

import csv
import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.unit.encoder.garments import garment
from training.discriminant import instance_discriminant
from training.encoder.masks import phone_mask, studio_mask
from training.encoder.photos import ATTRIBUTES, LEAVES, UNLABELLED, training_photos
from training.weights import read_state_dict


def _write(folder: Path, rows: list[dict[str, str]], name: str = "manifest.csv") -> None:
    folder.mkdir()
    with (folder / name).open("w", newline="") as lines:
        table = csv.DictWriter(lines, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    kinds = [
        {"title": "Men Blue Shirt", "articleType": "Shirts", "masterCategory": "Apparel"},
        {"title": "Red Polo T-shirt", "articleType": "Tshirts", "masterCategory": "Apparel"},
        {"title": "Mist", "articleType": "Perfume and Body Mist", "masterCategory": "Personal Care"},
    ]
    said = {"gender": "Men", "baseColour": "Navy Blue", "season": "Monsoon", "usage": "Sports"}
    kinds = [kind | said for kind in kinds]
    studio = [{"path": f"images/{n}.jpg", "product_id": str(n)} | kinds[n % 3] for n in range(600)]
    phone = [{"path": f"images/p{n}.jpg", "category": "Outwear", "sender_id": str(n // 10)} for n in range(600)]
    _write(tmp_path / "studio_products", studio)
    box = {"path": "photos/1.jpg", "width": "400", "height": "600", "x1": "100", "y1": "50", "x2": "200", "y2": "250"}
    street = [
        box | {"class": "dress", "split": "train"},
        box | {"class": "shoes", "split": "train"},
        box | {"class": "hat", "split": "val"},
    ]
    street.append(box | {"class": "watch", "split": "train", "x2": "110"})
    _write(tmp_path / "clothing_cc0", phone)
    _write(tmp_path / "street_boxes", street, "boxes.csv")
    return tmp_path


def test_data_sets_own_names_become_leaves(data: Path) -> None:
    labels = {photo.kin: photo.category for photo in training_photos(data)}
    assert LEAVES[labels["Shirts"]] == "shirt"
    assert LEAVES[labels["Tshirts"]] == "polo"
    assert LEAVES[labels["phone Outwear"]] == "jacket"
    assert labels["Perfume and Body Mist"] == UNLABELLED


def test_a_shops_words_become_attributes_and_what_it_does_not_know_stays_open(data: Path) -> None:
    shirt = next(photo for photo in training_photos(data) if photo.kin == "Shirts")
    said = {name: values[index] if index >= 0 else None for (name, values), index in zip(ATTRIBUTES.items(), shirt.attributes, strict=True)}
    assert said == {"gender": "men", "colour": "navy blue", "season": None, "usage": "sports"}


def test_street_garments_are_cut_out_with_a_margin_unless_too_small_or_kept_for_measuring(data: Path) -> None:
    street = [photo for photo in training_photos(data) if photo.origin == "street_boxes"]
    assert [photo.kin for photo in street] == ["street dress", "street shoes"]
    assert street[0].crop == (88, 26, 212, 274)
    assert LEAVES[street[0].category] == "dress"
    assert street[1].category == UNLABELLED  # pumps, sandals or sneakers: the box does not say
    assert street[0].look == street[1].look


def test_the_split_is_fixed_and_never_parts_a_sender(data: Path) -> None:
    first, second = training_photos(data), training_photos(data)
    assert [photo.held_back for photo in first] == [photo.held_back for photo in second]
    phone = [photo for photo in first if photo.origin == "clothing_cc0"]
    sides = {int(photo.path.stem[1:]) // 10: photo.held_back for photo in phone}
    assert all(photo.held_back == sides[int(photo.path.stem[1:]) // 10] for photo in phone)
    assert 0.02 < np.mean([photo.held_back for photo in first if photo.origin == "studio_products"]) < 0.15


def test_missing_photos_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        training_photos(tmp_path)


def test_a_shop_photo_is_masked_to_its_object() -> None:
    mask = studio_mask(garment("blue", "dots"))
    assert mask is not None
    assert mask[130, 128] == 1
    assert mask[5, 5] == 0
    assert mask.mean() == pytest.approx(0.42, abs=0.1)


def test_a_photo_without_a_plain_border_has_no_studio_mask() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert studio_mask(noise) is None


def test_a_phone_photo_is_masked_to_what_lies_in_the_middle() -> None:
    mask = phone_mask(garment("red", "plain", (150, 120, 80)))
    assert mask is not None
    assert mask[56, 56] == 1
    assert mask[3, 3] == 0


def test_a_pickle_that_wants_to_run_code_is_refused() -> None:
    evil = io.BytesIO(b"".join([pickle.dumps(1, 2)] * 3) + b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(pickle.UnpicklingError, match="no business"):
        read_state_dict(evil)


def test_the_discriminant_ignores_what_varies_between_photos_of_one_product() -> None:
    rng = np.random.default_rng(3)
    products = np.repeat(rng.normal(size=(200, 1, 12)), 4, axis=1)
    views = products.copy()
    views[..., :4] = rng.normal(size=(200, 4, 4)) * 2  # as loud as light and background, and as meaningless
    kernel, bias = instance_discriminant(views.astype(np.float32), 8)

    def found(queries: np.ndarray, gallery: np.ndarray) -> float:
        unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (queries, gallery)]
        return float(((unit[0] @ unit[1].T).argmax(axis=1) == np.arange(len(queries))).mean())

    assert found(views[:, 0], views[:, 1]) < 0.5
    assert found(views[:, 0] @ kernel + bias, views[:, 1] @ kernel + bias) > 0.95
