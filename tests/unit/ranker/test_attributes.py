"""Reading attributes: by weights made up here, as Keras computes it, and by those that ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.encoder.engine import LiteRtEncoder
from services.ranker.attributes import AttributeReader, looked_at
from shoplens.domain import WHOLE_FRAME, EncoderCard, Features
from shoplens.model_store import model_folder
from shoplens.models import ModelError
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeEncoder
from tests.unit.ranker.reading import ATTRIBUTES, made_up_reader

SHIPPED = model_folder("attributes")


@pytest.fixture(scope="module")
def card() -> EncoderCard:
    return LiteRtEncoder(model_folder("encoder")).card()


def features(seed: int = 0) -> Features:
    (made,) = FakeEncoder().encode(pictures.picture(seed), [WHOLE_FRAME])
    return made


def test_each_attribute_is_read_once_in_order_with_a_value_of_its_own() -> None:
    read = made_up_reader(FakeEncoder().card()).read(features(), {"dress": 1.0})
    assert [guess.name for guess in read] == list(ATTRIBUTES)
    for guess in read:
        values = ATTRIBUTES[guess.name]
        assert guess.value in values
        assert 1 / len(values) <= guess.probability <= 1.0


def test_the_category_comes_first_and_what_was_read_before_counts() -> None:
    reader = made_up_reader(FakeEncoder().card())
    forced = {name: reader.read(features(), {name: 1.0}) for name in reader.categories}
    assert len({read[0].probability for read in forced.values()}) > 1
    deaf = replace(reader, weights={**reader.weights, "from_gender_kernel": np.zeros((2, 4), np.float32)})
    assert any(deaf.read(features(), {name: 1.0})[1].probability != read[1].probability for name, read in forced.items())


def test_it_computes_what_keras_computes() -> None:
    keras = pytest.importorskip("keras", reason="training needs the train extra")
    from training.attributes.network import network, weights_of

    keras.utils.set_random_seed(4)
    encoder = FakeEncoder().card()
    width = encoder.embedding_width + len(encoder.categories) + encoder.colour_width
    model = network(width, len(encoder.categories), {name: len(values) for name, values in ATTRIBUTES.items()})
    reader = AttributeReader(encoder.model, encoder.categories, ATTRIBUTES, {k: v.astype(np.float32) for k, v in weights_of(model).items()})
    probe = features()
    first, second = reader.read(probe, {"dress": 1.0})
    given = {
        "seen": looked_at(probe.embedding, probe.categories, probe.colour)[None],
        "category": np.eye(len(encoder.categories), dtype=np.float32)[[encoder.categories.index("dress")]],
        "said_gender": np.eye(2, dtype=np.float32)[[ATTRIBUTES["gender"].index(first.value)]],
    }
    for guess in (first, second):
        logits = np.asarray(model(given, training=False)[guess.name])[0]
        likely = np.exp(logits) / np.exp(logits).sum()
        assert likely[ATTRIBUTES[guess.name].index(guess.value)] == pytest.approx(guess.probability, abs=2e-3)


def test_the_one_that_ships_reads_the_encoder_that_ships(card: EncoderCard) -> None:
    reader = AttributeReader.load(SHIPPED, card)
    assert list(reader.attributes) == ["gender", "occasion", "season", "colour"]
    assert AttributeReader.find(card) is not None


def test_another_encoders_features_are_not_read(card: EncoderCard) -> None:
    other = replace(card, version="0")
    with pytest.raises(ModelError, match=r"lite0-4.*lite0-0"):
        AttributeReader.load(SHIPPED, other)
    assert AttributeReader.find(other) is None


@pytest.mark.parametrize("manifest", ["", "[]", "{}", json.dumps({"attributes": [{"name": "gender"}]}), json.dumps({"attributes": 3})])
def test_a_folder_that_is_no_reader_is_refused(tmp_path: Path, card: EncoderCard, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ModelError, match="no model that reads attributes"):
        AttributeReader.load(tmp_path, card)
