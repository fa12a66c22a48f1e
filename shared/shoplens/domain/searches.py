"""A camera search: what is asked, how it is ranked, what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shoplens.domain.filters import Filter
from shoplens.domain.index import IndexStatus
from shoplens.domain.pictures import Box, Features, Picture, Region
from shoplens.domain.products import ProductDetails
from shoplens.domain.wishes import Wish


class Verdict(StrEnum):
    """What the best result is to the photo, surest first."""

    EXACT_COPY = "exact_copy"
    EDITED_COPY = "edited_copy"
    SAME_PRODUCT = "same_product"
    SIMILAR = "similar"
    NO_MATCH = "no_match"


@dataclass(frozen=True, slots=True)
class Scores:
    """The parts of a result's score, each 0..1; ``None`` where a part had nothing to say."""

    visual: float
    category: float | None = None
    colour: float | None = None
    text: float | None = None
    attributes: float | None = None
    business: float | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part's share of a score: ``weight`` × ``value``. The shares of a result add up to its score."""

    part: str
    weight: float
    value: float


@dataclass(frozen=True, slots=True)
class Variant:
    """Another colour or size of a result's style; ``colour`` as the shop says it, empty where it does not."""

    product_id: str
    image_id: str
    title: str
    colour: str


@dataclass(frozen=True, slots=True)
class Result:
    """A product in the answer; ``image_id`` is its picture that matched best, ``node`` the taxonomy's name for its category.

    duplicates: products left out of the answer because their picture is a copy of this one.
    variants: products of the same style that this one stands for, best first.
    team: whose pick it was, where two rankers play against each other; empty where none do.
    """

    product_id: str
    image_id: str
    node: str
    score: float
    scores: Scores
    details: ProductDetails
    explanation: tuple[Contribution, ...] = ()
    duplicates: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    team: str = ""


@dataclass(frozen=True, slots=True)
class CategoryGuess:
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class AttributeGuess:
    """What the photo says of an attribute. name, value: the lexicon's, where it has them; probability: 0..1."""

    name: str
    value: str
    probability: float


@dataclass(frozen=True, slots=True)
class RankingQuery:
    """What the ranker needs to know of a query.

    probes: the query's features; a hit names the one that found it.
    category: the shopper's pick (a taxonomy node), or None.
    weights: overrides by part name, each 0..10.
    copies: pictures of which the query is an edited copy, by content hash, with the probability that it is, 0..1.
    wish: what the shopper's words ask for.
    groups: pictures among the hits' that are copies of others, by content hash, with the name of their group.
    """

    probes: tuple[Features, ...]
    category: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    top_k: int = 20
    explain: bool = False
    copies: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)


@dataclass(frozen=True, slots=True)
class Ranking:
    """attributes: what was read off the photo; none where that was not asked for (``explain``), or there is nobody to read them."""

    categories: tuple[CategoryGuess, ...]
    verdict: Verdict
    results: tuple[Result, ...]
    attributes: tuple[AttributeGuess, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A camera search. Exactly one of ``picture`` and ``product_id``; ``category`` is a taxonomy node.

    only: what the products found must fulfil. text: what the shopper says beside the photo ("in red, with long sleeves").
    """

    picture: Picture | None = None
    product_id: str | None = None
    box: Box | None = None
    category: str | None = None
    region_score: float | None = None
    top_k: int = 20
    weights: Mapping[str, float] = field(default_factory=dict)
    explain: bool = False
    only: Filter | None = None
    text: str = ""


class Lack(StrEnum):
    """What an answer had to do without, because a part was away or too slow."""

    REGIONS = "regions"
    """The photo was searched whole."""

    COPIES = "copies"
    """Edited copies are not told, and double listings not folded."""

    RANKING = "ranking"
    """Results come by looks alone."""

    FRESHNESS = "freshness"
    """The products are those that this photo found a while ago."""


@dataclass(frozen=True, slots=True)
class LookRow:
    """A piece of a photo and the products that come nearest to it."""

    region: Region
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that a photo shows, a row a piece, the most salient first; ``timings_ms`` by stage, ``degraded`` as in an answer."""

    request_id: str
    model: str
    index: IndexStatus
    rows: tuple[LookRow, ...]
    timings_ms: Mapping[str, float]
    degraded: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """``region`` is the index in ``regions`` of the one searched for; ``timings_ms`` by stage; ``degraded`` is what it lacks."""

    request_id: str
    model: str
    index: IndexStatus
    regions: tuple[Region, ...]
    region: int
    ranking: Ranking
    timings_ms: Mapping[str, float]
    degraded: tuple[Lack, ...] = ()
