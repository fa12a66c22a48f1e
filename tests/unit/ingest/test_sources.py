"""Where a picture's bytes come from, and what is not sent twice."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from services.ingest.sources import Sources
from shoplens.domain import ImageSource, ProductDetails, ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.fetcher import Fetched, Validators
from shoplens.testing import pictures
from shoplens.testing.contracts.catalogue import ENCODER, MODEL
from shoplens.testing.fakes import FakeCache, FakeCatalogue
from shoplens.testing.products import indexed

URI = "https://shop.example/a.png"
V1 = Validators('"v1"')


@dataclass
class Web:
    """One picture, which says what state it is in."""

    content: bytes = field(default_factory=lambda: pictures.png(1))
    state: Validators = V1
    asked: list[Validators] = field(default_factory=list)

    def revisit(self, uri: str, validators: Validators) -> Fetched:
        self.asked.append(validators)
        return Fetched(None if validators == self.state != Validators() else self.content, self.state)


def stocked(content: bytes) -> FakeCatalogue:
    catalogue = FakeCatalogue(MODEL)
    draft = ProductDraft("p", ProductDetails(), (ImageSource("1", content),))
    catalogue.put(draft, "t-shirt", indexed(ENCODER, draft), model=MODEL)
    return catalogue


def test_what_is_sent_along_is_taken() -> None:
    assert Sources(Web(), FakeCatalogue(MODEL), FakeCache()).content(ImageSource("1", b"bytes")) == b"bytes"
    with pytest.raises(InvalidArgument, match="neither content nor uri"):
        Sources(Web(), FakeCatalogue(MODEL), FakeCache()).content(ImageSource("1"))


def test_a_picture_that_did_not_change_comes_from_the_catalogue() -> None:
    web = Web()
    sources = Sources(web, stocked(web.content), FakeCache())
    assert [sources.content(ImageSource("1", uri=URI)) for _ in range(3)] == [pictures.png(1)] * 3
    assert web.asked == [Validators(), V1, V1]


def test_a_picture_that_changed_is_fetched_and_remembered() -> None:
    web = Web()
    sources = Sources(web, stocked(web.content), FakeCache())
    sources.content(ImageSource("1", uri=URI))
    web.content, web.state = pictures.png(2), Validators('"v2"')
    assert sources.content(ImageSource("1", uri=URI)) == pictures.png(2)


def test_what_the_catalogue_no_longer_has_is_fetched_whole() -> None:
    web, catalogue = Web(), stocked(pictures.png(1))
    sources = Sources(web, catalogue, FakeCache())
    sources.content(ImageSource("1", uri=URI))
    catalogue.delete("p")
    assert sources.content(ImageSource("1", uri=URI)) == pictures.png(1)
    assert web.asked == [Validators(), Validators()]


def test_a_server_that_says_nothing_of_its_pictures_is_asked_each_time() -> None:
    web, cache = Web(state=Validators()), FakeCache()
    sources = Sources(web, stocked(web.content), cache)
    assert sources.content(ImageSource("1", uri=URI)) == sources.content(ImageSource("1", uri=URI))
    assert cache.kept == {}


def test_nonsense_in_the_cache_is_as_nothing() -> None:
    web, cache = Web(), FakeCache()
    sources = Sources(web, stocked(web.content), cache)
    sources.content(ImageSource("1", uri=URI))
    cache.kept = dict.fromkeys(cache.kept, b"{")
    assert sources.content(ImageSource("1", uri=URI)) == pictures.png(1)
