"""A shop's own embedding: it takes the place of the shipped one, and everything else stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.encoder.engine import LiteRtEncoder
from services.encoder.own import OwnEmbedding, open_encoder
from shoplens.cores import Cores
from shoplens.domain import WHOLE_FRAME, Box, Picture
from shoplens.model_store import model_folder
from shoplens.models import ModelError
from shoplens.scaling import scaled
from shoplens.testing.contracts.encoder import EncoderContract
from tests.unit.encoder.garments import garment
from tests.unit.test_engines import SIDE, WEIGHTS, onnx_file

SHIPPED = model_folder("encoder")
PIXELS = garment("red", "stripes")
PHOTO = Picture(pixels=PIXELS, content_hash="c0ffee", width=256, height=256)


def own_models(root: Path, **changes: Any) -> Path:
    """A folder of models with one encoder: the shipped file, of which another output is taken for the embedding."""
    folder = root / "encoder" / "3"
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED / "encoder.tflite", folder / "mine.tflite")
    table = {
        "name": "mine",
        "version": "3",
        "file": "mine.tflite",
        "input": {"height": 224, "width": 224, "mean": [0.5] * 3, "std": [0.5] * 3},
        "outputs": {"embedding": {"meaning": "mine", "shape": [29], "tensor": "categories"}},
        "classes": [],
    }
    (folder / "manifest.json").write_text(json.dumps(table | changes))
    return root


class TestOwnEmbedding(EncoderContract):
    @pytest.fixture
    def encoder(self, tmp_path: Path) -> OwnEmbedding:
        opened = open_encoder(own_models(tmp_path), Cores(1))
        assert isinstance(opened, OwnEmbedding)
        return opened


def test_the_card_and_the_index_are_the_own_networks(tmp_path: Path) -> None:
    own, shipped = open_encoder(own_models(tmp_path), Cores(1)).card(), LiteRtEncoder(SHIPPED).card()
    assert (own.name, own.version, own.embedding_width) == ("mine", "3", 29)
    assert (own.categories, own.colour_width) == (shipped.categories, shipped.colour_width)


def test_only_the_embedding_is_another(tmp_path: Path) -> None:
    boxes = [WHOLE_FRAME, Box(0.2, 0.2, 0.8, 0.9)]
    own, shipped = open_encoder(own_models(tmp_path), Cores(1)), LiteRtEncoder(SHIPPED, Cores(1))
    for mine, theirs in zip(own.encode(PHOTO, boxes), shipped.encode(PHOTO, boxes), strict=True):
        np.testing.assert_allclose(mine.embedding, theirs.categories / np.linalg.norm(theirs.categories), atol=1e-5)
        np.testing.assert_allclose(mine.colour, theirs.colour, atol=1e-6)
        np.testing.assert_allclose(mine.categories, theirs.categories, atol=1e-6)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"meaning": "", "shape": [29], "tensor": "looks"}, r"no output 'looks', only \['categories', 'embedding', 'mask'\]"),
        ({"meaning": "", "shape": [64], "tensor": "categories"}, "gives 29 numbers a picture, the manifest says 64"),
    ],
)
def test_a_manifest_that_does_not_fit_its_file_is_refused_at_the_start(tmp_path: Path, output: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_encoder(own_models(tmp_path, outputs={"embedding": output}), Cores(1))


def test_an_input_that_the_file_does_not_take_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not take the input"):
        open_encoder(own_models(tmp_path, input={"height": 100, "width": 100}), Cores(1))


def test_an_embedding_may_come_in_onnx_with_its_channels_first(tmp_path: Path) -> None:
    root = own_models(
        tmp_path,
        file="mean.onnx",
        input={"height": SIDE, "width": SIDE, "layout": "nchw"},
        outputs={"embedding": {"meaning": "the mean colour, turned", "shape": [4], "tensor": "looks"}},
    )
    onnx_file(root / "encoder" / "3" / "mean.onnx")
    (whole,) = open_encoder(root, Cores(1)).encode(PHOTO, [WHOLE_FRAME])
    expected = (scaled(PIXELS, SIDE, SIDE).mean(axis=(0, 1)) / 127.5 - 1) @ WEIGHTS
    np.testing.assert_allclose(whole.embedding, expected / np.linalg.norm(expected), atol=1e-3)


def test_parts_that_an_own_folder_lacks_come_from_those_that_ship(tmp_path: Path) -> None:
    assert model_folder("detector", root=own_models(tmp_path)) == model_folder("detector")
    with pytest.raises(ModelError, match="is no folder"):
        model_folder("detector", root=tmp_path / "mistyped")
