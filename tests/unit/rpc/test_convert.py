"""Whatever the domain can hold comes back from its message as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shoplens.api.catalogue.v1 import catalogue_pb2, product_pb2
from shoplens.api.detector.v1 import detector_pb2
from shoplens.api.encoder.v1 import encoder_pb2
from shoplens.api.ingest.v1 import ingest_pb2
from shoplens.api.picture.v1 import picture_pb2
from shoplens.api.ranker.v1 import ranker_pb2
from shoplens.api.search.v1 import search_pb2
from shoplens.domain import (
    WHOLE_FRAME,
    Box,
    CategoryGuess,
    Contribution,
    EncoderCard,
    Features,
    Hit,
    ImageSource,
    IndexedImage,
    IndexedRegion,
    IndexStatus,
    Look,
    LookRow,
    Picture,
    Price,
    Product,
    ProductDetails,
    ProductDraft,
    ProductImage,
    ProductPage,
    Ranking,
    RankingQuery,
    Region,
    Result,
    Scores,
    SearchAnswer,
    SearchQuery,
    Variant,
    Verdict,
    Wish,
)
from shoplens.errors import InvalidArgument, UnreadablePicture
from shoplens.rpc.convert import features as features_
from shoplens.rpc.convert import hits as hits_
from shoplens.rpc.convert import index, pictures, products, rankings, searches
from shoplens.rpc.convert.packing import pack_moment, pack_vector, packing, unpack_moment, unpack_vector
from shoplens.testing import pictures as photos
from shoplens.testing.filters import filters

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe_texts = st.none() | texts
counts = st.integers(0, 2**31 - 1)
versions = st.none() | st.integers(-(2**63), 2**63 - 1)
shares = st.floats(0.0, 1.0)
numbers = st.floats(allow_nan=False)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
vectors = arrays(np.float32, st.integers(0, 8), elements=st.floats(width=32, allow_nan=False))
weights = st.dictionaries(texts, st.floats(0.0, 10.0), max_size=3)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    (x0, x1), (y0, y1) = (sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True))) for _ in range(2))
    return Box(x0, y0, x1, y1)


@st.composite
def pictures_(draw: st.DrawFn) -> Picture:
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Picture(draw(arrays(np.uint8, (height, width, 3))), draw(texts), draw(counts), draw(counts))


attributes = texts | st.integers(-(2**63), 2**63 - 1) | numbers | st.booleans() | st.lists(texts, max_size=3).map(tuple)
prices = st.builds(Price, numbers, texts)
details = st.builds(
    ProductDetails,
    *(texts,) * 4,
    price=st.none() | prices,
    in_stock=st.booleans(),
    url=texts,
    attributes=st.dictionaries(texts, attributes, max_size=3),
)
regions = st.builds(Region, boxes(), texts, shares)
features = st.builds(Features, vectors, vectors, vectors, texts)
cards = st.builds(
    EncoderCard, texts, texts, counts, counts, st.lists(texts, max_size=3).map(tuple), st.dictionaries(texts, vectors, max_size=2)
)
images = st.builds(ProductImage, texts, texts, counts, counts, maybe_texts, maybe_texts, maybe_texts, st.none() | moments)
sources = st.builds(ImageSource, texts, st.binary(max_size=8), st.none(), maybe_texts, maybe_texts, st.none() | moments) | st.builds(
    ImageSource, texts, st.none(), texts, maybe_texts, maybe_texts, st.none() | moments
)
several_images = st.lists(images, max_size=2).map(tuple)
drafts = st.builds(ProductDraft, texts, details, st.lists(sources, max_size=2).map(tuple), versions)
products_ = st.builds(Product, texts, details, several_images, st.integers(-(2**63), 2**63 - 1), texts, moments)
indexed_regions = st.builds(IndexedRegion, boxes(), texts, features)
indexed_images = st.builds(IndexedImage, images, st.binary(max_size=8), texts, st.lists(indexed_regions, max_size=2).map(tuple))
hits = st.builds(Hit, counts, texts, texts, numbers, boxes(), texts, vectors, texts, details, st.none() | shares)
several_hits = (
    st.lists(hits, max_size=4).flatmap(lambda some: st.lists(st.sampled_from(some), max_size=8) if some else st.just([])).map(tuple)
)
statuses = st.builds(IndexStatus, texts, counts, counts, moments, st.booleans())
pages = st.builds(ProductPage, st.lists(products_, max_size=2).map(tuple), texts)
scores = st.builds(Scores, shares, *(st.none() | shares,) * 5)
contributions = st.builds(Contribution, texts, numbers, numbers)
several_texts = st.lists(texts, max_size=2).map(tuple)
variants = st.builds(Variant, texts, texts, texts, texts)
results = st.builds(
    Result,
    texts,
    texts,
    texts,
    shares,
    scores,
    details,
    st.lists(contributions, max_size=2).map(tuple),
    several_texts,
    st.lists(variants, max_size=2).map(tuple),
    texts,
)
guesses = st.builds(CategoryGuess, texts, shares)
rankings_ = st.builds(Ranking, st.lists(guesses, max_size=2).map(tuple), st.sampled_from(Verdict), st.lists(results, max_size=2).map(tuple))
top_ks = st.integers(-(2**31), 2**31 - 1)
values_by_name = st.dictionaries(texts, several_texts, max_size=2)
wishes = st.builds(Wish, texts, texts, several_texts, values_by_name, values_by_name)
copies_ = st.dictionaries(texts, shares, max_size=2)
ranking_queries = st.builds(
    RankingQuery,
    st.lists(features, max_size=2).map(tuple),
    maybe_texts,
    weights,
    top_ks,
    st.booleans(),
    copies_,
    st.dictionaries(texts, texts, max_size=2),
    wishes,
)
queries = st.builds(
    SearchQuery,
    pictures_(),
    st.none(),
    st.none() | boxes(),
    maybe_texts,
    st.none() | shares,
    top_ks,
    weights,
    st.booleans(),
    st.none() | filters(),
    texts,
) | st.builds(SearchQuery, st.none(), texts)
looks = st.builds(Look, texts, texts, statuses, st.lists(st.builds(LookRow, regions, rankings_), max_size=2).map(tuple), weights)
answers = st.builds(SearchAnswer, texts, texts, statuses, st.lists(regions, max_size=2).map(tuple), st.integers(0, 9), rankings_, weights)

CONVERTERS: dict[str, tuple[st.SearchStrategy[Any], Any, Any, type[Message]]] = {
    "look": (looks, searches.pack_look, searches.unpack_look, search_pb2.Look),
    "box": (boxes(), pictures.pack_box, pictures.unpack_box, picture_pb2.Box),
    "picture": (pictures_(), pictures.pack_picture, pictures.unpack_picture, picture_pb2.Picture),
    "region": (regions, pictures.pack_region, pictures.unpack_region, detector_pb2.Region),
    "features": (features, features_.pack_features, features_.unpack_features, encoder_pb2.Features),
    "card": (cards, features_.pack_card, features_.unpack_card, encoder_pb2.EncoderCard),
    "details": (details, products.pack_details, products.unpack_details, product_pb2.ProductDetails),
    "image": (images, products.pack_image, products.unpack_image, product_pb2.ProductImage),
    "source": (sources, products.pack_source, products.unpack_source, ingest_pb2.ImageSource),
    "draft": (drafts, products.pack_draft, products.unpack_draft, ingest_pb2.ProductDraft),
    "product": (products_, products.pack_product, products.unpack_product, product_pb2.Product),
    "indexed image": (indexed_images, index.pack_indexed_image, index.unpack_indexed_image, catalogue_pb2.IndexedImage),
    "hit": (hits, lambda hit: hits_.pack_hits([hit])[0], lambda message: hits_.unpack_hits([message])[0], catalogue_pb2.Hit),
    "hits": (several_hits, hits_.pack_table, lambda message: tuple(hits_.unpack_table(message)), catalogue_pb2.HitTable),
    "page": (pages, index.pack_page, index.unpack_page, catalogue_pb2.ListProductsResponse),
    "status": (statuses, index.pack_status, index.unpack_status, catalogue_pb2.IndexStatus),
    "ranking query": (ranking_queries, rankings.pack_ranking_query, rankings.unpack_ranking_query, ranker_pb2.RankingQuery),
    "ranking": (rankings_, rankings.pack_ranking, rankings.unpack_ranking, ranker_pb2.Ranking),
    "query": (queries, searches.pack_query, searches.unpack_query, search_pb2.SearchRequest),
    "answer": (answers, searches.pack_answer, searches.unpack_answer, search_pb2.SearchAnswer),
}


def shown(value: object) -> str:
    """A value with all its parts, arrays by dtype and bytes: == of dataclasses stops at arrays."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    if hasattr(value, "__dataclass_fields__"):
        return f"{type(value).__name__}({', '.join(f'{name}={shown(getattr(value, name))}' for name in value.__dataclass_fields__)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    return repr(dict(sorted(value.items()))) if isinstance(value, dict) else repr(value)


@pytest.mark.parametrize("name", CONVERTERS)
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_what_is_packed_and_sent_comes_back_the_same(name: str, data: st.DataObject) -> None:
    strategy, pack, unpack, message = CONVERTERS[name]
    value = data.draw(strategy)
    assert shown(unpack(message.FromString(pack(value).SerializeToString()))) == shown(value)


changes = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "category": texts,
        "in_stock": st.booleans(),
        "price": st.none() | prices,
        "attributes": st.dictionaries(texts, st.none() | attributes, min_size=1, max_size=3),
    },
)


@given(changes)
@settings(deadline=None)
def test_changes_come_back_the_same(change: dict[str, Any]) -> None:
    assert products.unpack_changes(products.pack_changes(change)) == change


@pytest.mark.parametrize("change", [{"colour": "red"}, {"price": 12}, {"attributes": None}, {"title": None}, {"in_stock": "yes"}])
def test_a_change_that_no_product_knows_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument), packing():
        products.pack_changes(change)


def test_vectors_are_four_little_endian_bytes_a_number() -> None:
    assert pack_vector(np.array([1.0, -2.0], dtype=np.float32)) == b"\x00\x00\x80\x3f\x00\x00\x00\xc0"
    assert unpack_vector(b"\x00\x00\x80\x3f").tolist() == [1.0]
    with pytest.raises(InvalidArgument):
        unpack_vector(b"\x00\x00\x80")


def test_moments_of_any_zone_come_back_in_utc() -> None:
    moment = datetime(2026, 5, 31, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    packed = pack_moment(moment)
    assert packed is not None
    assert unpack_moment(packed).isoformat() == "2026-05-31T12:00:00+00:00"


@settings(max_examples=30)
@given(st.lists(hits, min_size=1, max_size=4), st.data())
def test_hits_of_one_product_share_its_details_on_both_sides(some: list[Hit], data: st.DataObject) -> None:
    given_ = [data.draw(st.sampled_from(some)) for _ in range(8)]
    one_by_one = hits_.unpack_hits([catalogue_pb2.Hit.FromString(each.SerializeToString()) for each in hits_.pack_hits(given_)])
    in_columns = hits_.unpack_table(catalogue_pb2.HitTable.FromString(hits_.pack_table(given_).SerializeToString()))
    for sent in (one_by_one, in_columns):
        assert [shown(hit) for hit in sent] == [shown(hit) for hit in given_]
        assert len({id(hit.details) for hit in sent}) <= len(some)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.probe.append(0),
        lambda table: table.box.pop(),
        lambda table: table.words.append(0.5),
        lambda table: table.picture.__setitem__(0, 7),
        lambda table: table.pictures[0].__setattr__("product", 7),
        lambda table: table.box.__setitem__(0, 2.0),
        lambda table: table.colour.__setitem__(0, b"x"),
    ],
)
def test_columns_of_hits_that_do_not_fit_together_are_refused(spoil: Callable[[catalogue_pb2.HitTable], object]) -> None:
    hit = Hit(0, "p", "i", 0.5, WHOLE_FRAME, "top", np.zeros(3, np.float32), "h", ProductDetails(title="t"))
    table = hits_.pack_table([hit, hit])
    assert len(hits_.unpack_table(table)) == 2
    spoil(table)
    with pytest.raises(InvalidArgument):
        hits_.unpack_table(table)


def test_a_photo_may_come_as_a_file() -> None:
    query = searches.unpack_query(search_pb2.SearchRequest(image=photos.png(1)))
    assert query.picture is not None
    np.testing.assert_array_equal(query.picture.pixels, photos.picture(1).pixels)
    assert shown(replace(query, picture=photos.picture(1))) == shown(SearchQuery(picture=photos.picture(1)))
    with pytest.raises(UnreadablePicture):
        searches.unpack_query(search_pb2.SearchRequest(image=b"no picture"))


@pytest.mark.parametrize(
    ("unpack", "message"),
    [
        (pictures.unpack_box, picture_pb2.Box(x0=0.5, y0=0.5, x1=0.5, y1=1.0)),
        (pictures.unpack_box, picture_pb2.Box(x1=float("nan"), y1=1.0)),
        (pictures.unpack_picture, picture_pb2.Picture()),
        (pictures.unpack_picture, picture_pb2.Picture(pixels=b"\0" * 11, pixels_width=2, pixels_height=2)),
        (products.unpack_attribute, product_pb2.AttributeValue()),
        (rankings.unpack_ranking, ranker_pb2.Ranking()),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(unpack: Any, message: Message) -> None:
    with pytest.raises(InvalidArgument):
        unpack(message)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="cannot be sent"), packing():
        products.pack_draft(ProductDraft("p1", ProductDetails(), (), version=2**63))
