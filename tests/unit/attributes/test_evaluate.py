"""Precision and recall of attributes: counted over what the shop says of products that taught nothing."""

from __future__ import annotations

import numpy as np
import pytest

from services.ranker.attributes import AttributeReader
from shoplens.domain import WHOLE_FRAME, Features
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeEncoder
from tests.unit.ranker.reading import ATTRIBUTES, made_up_reader
from training.attributes.evaluate import scores
from training.attributes.lessons import VIEWS, Lessons

ENCODER = FakeEncoder()


@pytest.fixture
def reader() -> AttributeReader:
    return made_up_reader(ENCODER.card())


def read_as(reader: AttributeReader, features: Features) -> list[int]:
    """The labels that make every guess right."""
    posterior = dict(zip(reader.categories, features.categories.tolist(), strict=True))
    return [ATTRIBUTES[guess.name].index(guess.value) for guess in reader.read(features, posterior)]


def lessons(reader: AttributeReader, *, wrong: int = 0, unsaid: int = 0) -> Lessons:
    """Twelve products, eight of them held back; of those the first attribute of ``wrong`` is mislabelled, that of ``unsaid`` not said."""
    seen = [ENCODER.encode(pictures.picture(seed), [WHOLE_FRAME])[0] for seed in range(12)]
    labels = np.array([read_as(reader, each) for each in seen], np.int32)
    labels[:wrong, 0] = 1 - labels[:wrong, 0]
    labels[8 - unsaid : 8, 0] = -1
    parts = {name: np.array([[getattr(each, name)] * VIEWS for each in seen]) for name in ("embedding", "categories", "colour")}
    return Lessons(**parts, kinds=np.zeros(12, np.int32), labels=labels, held_back=np.arange(12) < 8)


def test_of_what_is_right_everything_counts(reader: AttributeReader) -> None:
    found = scores(reader, lessons(reader))
    assert set(found) == {*ATTRIBUTES, "all"}
    assert all((score.precision, score.recall) == (1.0, 1.0) for score in found.values())
    assert [found[name].number for name in (*ATTRIBUTES, "all")] == [8, 8, 16]


def test_a_wrong_value_costs_its_attribute_and_the_whole(reader: AttributeReader) -> None:
    found = scores(reader, lessons(reader, wrong=2))
    assert found["gender"].precision == pytest.approx(6 / 8)
    assert found["season"].precision == 1.0
    assert found["all"].precision == pytest.approx(14 / 16)
    assert found["all"].low <= found["all"].precision <= found["all"].high


def test_what_the_shop_does_not_say_is_not_counted(reader: AttributeReader) -> None:
    assert scores(reader, lessons(reader, unsaid=3))["gender"].number == 5


def test_what_is_left_unsaid_costs_recall_alone(reader: AttributeReader) -> None:
    silent = scores(reader, lessons(reader), sure=1.01)["all"]
    assert silent.recall == 0.0
    known = scores(reader, lessons(reader), sure=0.7)["all"]
    assert known.recall < 1.0
    assert known.precision in (0.0, 1.0)
