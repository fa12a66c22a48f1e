"""The shipped encoder on pictures made here: shapes, units, and that like is nearer to like."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.encoder.engine import LiteRtEncoder
from shoplens.cores import Cores
from shoplens.domain import WHOLE_FRAME, Box, Features, Picture, Pixels
from shoplens.models import ModelError
from shoplens.taxonomy import taxonomy
from tests.unit.encoder.garments import garment

MODELS = Path(__file__).parents[3] / "models" / "encoder"


def model_dir() -> Path:
    return max((path.parent for path in MODELS.glob("*/manifest.json")), key=lambda path: int(path.name))


@pytest.fixture(scope="module")
def encoder() -> LiteRtEncoder:
    return LiteRtEncoder(model_dir(), Cores(1))


def picture(pixels: Pixels) -> Picture:
    return Picture(pixels=pixels, content_hash="c0ffee", width=pixels.shape[1], height=pixels.shape[0])


def whole(encoder: LiteRtEncoder, pixels: Pixels) -> Features:
    (features,) = encoder.encode(picture(pixels), [WHOLE_FRAME])
    return features


def test_features_are_what_the_card_says(encoder: LiteRtEncoder) -> None:
    card, features = encoder.card(), whole(encoder, garment("red", "stripes"))
    assert card.categories == tuple(taxonomy().leaves)
    assert features.embedding.shape == (card.embedding_width,)
    assert features.colour.shape == (card.colour_width,)
    assert features.categories.shape == (len(card.categories),)
    assert {array.dtype for array in (features.embedding, features.colour, features.categories)} == {np.dtype(np.float32)}
    assert np.linalg.norm(features.embedding) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(features.colour) == pytest.approx(1, abs=1e-5)
    assert features.categories.min() >= 0
    assert features.categories.sum() == pytest.approx(1, abs=1e-4)
    assert features.content_hash == "c0ffee"


def test_the_same_picture_gives_the_same_features(encoder: LiteRtEncoder) -> None:
    first, second = whole(encoder, garment("green", "plain")), whole(encoder, garment("green", "plain"))
    np.testing.assert_array_equal(first.embedding, second.embedding)
    np.testing.assert_array_equal(first.colour, second.colour)


def test_many_boxes_in_one_call_equal_one_call_each(encoder: LiteRtEncoder) -> None:
    photo = picture(np.hstack([garment("red", "stripes"), garment("blue", "dots")]))
    boxes = [WHOLE_FRAME, Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1), Box(0.1, 0.2, 0.3, 0.9)]
    together = encoder.encode(photo, boxes)
    for box, features in zip(boxes, together, strict=True):
        (alone,) = encoder.encode(photo, [box])
        np.testing.assert_allclose(features.embedding, alone.embedding, atol=1e-4)
        np.testing.assert_allclose(features.categories, alone.categories, atol=1e-4)
        np.testing.assert_allclose(features.colour, alone.colour, atol=1e-4)


def test_no_boxes_cost_nothing(encoder: LiteRtEncoder) -> None:
    assert encoder.encode(picture(garment("red", "plain")), []) == []


def test_one_pixel_is_a_picture_too(encoder: LiteRtEncoder) -> None:
    features = whole(encoder, np.full((1, 1, 3), 200, np.uint8))
    assert np.isfinite(features.embedding).all()
    assert np.isfinite(features.colour).all()


def test_a_crop_a_mirror_image_and_a_dim_light_stay_nearest_to_their_product(encoder: LiteRtEncoder) -> None:
    kinds = [("red", "stripes"), ("red", "dots"), ("blue", "stripes"), ("blue", "dots"), ("green", "plain"), ("black", "dots")]
    shop = np.stack([whole(encoder, garment(*kind)).embedding for kind in kinds])
    for number, kind in enumerate(kinds):
        photo = garment(*kind)
        cropped, mirrored, dim = photo[20:230, 16:240], photo[:, ::-1], (photo * 0.8).astype(np.uint8)
        for view in (cropped, mirrored, dim):
            similarity = shop @ whole(encoder, np.ascontiguousarray(view)).embedding
            assert similarity.argmax() == number


def test_the_background_counts_less_than_the_product(encoder: LiteRtEncoder) -> None:
    on_white, on_grey = (whole(encoder, garment("red", "stripes", ground)) for ground in ((255, 255, 255), (120, 130, 140)))
    other = whole(encoder, garment("blue", "dots"))
    assert on_white.embedding @ on_grey.embedding > on_white.embedding @ other.embedding
    assert on_white.colour @ on_grey.colour > on_white.colour @ other.colour


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model manifest"):
        LiteRtEncoder(tmp_path)


@pytest.mark.parametrize("field", ["name", "input", "outputs", "classes", "file"])
def test_a_manifest_that_lacks_a_field_names_it(tmp_path: Path, field: str) -> None:
    table = json.loads((model_dir() / "manifest.json").read_text())
    del table[field]
    (tmp_path / "manifest.json").write_text(json.dumps(table))
    with pytest.raises(ModelError, match=f"'{field}' is missing"):
        LiteRtEncoder(tmp_path)


def test_a_file_that_is_no_model_says_so(tmp_path: Path) -> None:
    shutil.copytree(model_dir(), tmp_path, dirs_exist_ok=True)
    (tmp_path / json.loads((tmp_path / "manifest.json").read_text())["file"]).write_bytes(b"not a model")
    with pytest.raises(ModelError, match="not a LiteRT model"):
        LiteRtEncoder(tmp_path)


def test_a_model_for_another_colour_signature_is_refused(tmp_path: Path) -> None:
    shutil.copytree(model_dir(), tmp_path, dirs_exist_ok=True)
    table = json.loads((tmp_path / "manifest.json").read_text())
    table["parameters"]["colour"]["width"] = 7
    (tmp_path / "manifest.json").write_text(json.dumps(table))
    with pytest.raises(ModelError, match="colour signatures 7 wide"):
        LiteRtEncoder(tmp_path)
