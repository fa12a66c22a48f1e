"""The answer of a search as JSON, exactly as the contract has it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.http.identifiers import picture_address
from services.gateway.http.product_schemas import PriceJson
from shoplens.domain import IndexStatus, Lack, Look, LookRow, Ranking, Region, Result, SearchAnswer, Verdict

BoxJson = tuple[float, float, float, float]


_DEGRADED = (
    "Only where a part of shoplens was away, what the answer goes without: `regions` (the photo was searched whole), `copies` (none are "
    "told, none folded), `ranking` (products come by looks alone), `freshness` (they are what this photo found a while ago)."
)


class RegionOut(BaseModel):
    """A piece of fashion in the photo."""

    box: BoxJson = Field(
        description="`[x0, y0, x1, y1]`, relative to the upright photo, 0..1 from the top left.", examples=[[0.21, 0.1, 0.8, 0.66]]
    )
    category: str = Field(description="A group of /v1/categories.", examples=["top"])
    score: float = Field(description="How sure we are, 0..1.", examples=[0.93])

    @classmethod
    def of(cls, region: Region) -> Self:
        return cls(box=region.box.as_tuple(), category=region.category, score=region.score)


_READ = "What was read off the region: for whom, for what, for when, of which colour. Only with `explain`."


class CategoryOut(BaseModel):
    name: str = Field(description="A leaf of /v1/categories.", examples=["shirt"])
    probability: float = Field(description="0..1.", examples=[0.81])


class AttributeOut(BaseModel):
    name: str = Field(description="`gender`, `occasion`, `season` or `colour`.", examples=["gender"])
    value: str = Field(description="Its likeliest value.", examples=["women"])
    probability: float = Field(description="0..1.", examples=[0.93])


class ScoresOut(BaseModel):
    """The parts of a score, each 0..1; `null` where a part had nothing to say."""

    visual: float | None = Field(description="Likeness of the embeddings.", examples=[0.87])
    category: float | None = Field(description="Whether it is the same kind of thing.", examples=[0.9])
    colour: float | None = Field(description="Likeness of the colours.", examples=[0.74])
    text: float | None = Field(description="How well its words fit the `text`; `null` without one.", examples=[0.4])
    attributes: float | None = Field(
        description="How well its attributes are those that the `text` names; `null` where it names none.", examples=[1.0]
    )
    business: float | None = Field(description="What the shop would rather sell: stock, rating, popularity, margin.", examples=[0.5])


class ContributionOut(BaseModel):
    """One part's share of the score: `weight` × `value`. The shares add up to the score."""

    part: str = Field(description="A part of `scores`.", examples=["visual"])
    weight: float = Field(description="How much the part counts.", examples=[0.6])
    value: float = Field(description="What the part says, 0..1.", examples=[0.87])


class VariantOut(BaseModel):
    """Another colour or size of a result's style."""

    product_id: str = Field(description="Your own id.", examples=["SKU-1043"])
    title: str = Field(description="As shoppers read it.", examples=["Linen shirt, navy"])
    colour: str = Field(description="As you say it; empty where you do not.", examples=["Navy"])
    image_url: str = Field(description="Its picture that matched best, relative to this server.")


class ResultOut(BaseModel):
    """A product that was found."""

    product_id: str = Field(description="Your own id.", examples=["SKU-1042"])
    image_id: str = Field(description="Its picture that matched best.", examples=["front"])
    score: float = Field(description="How well it matches, 0..1; results come best first.", examples=[0.85])
    scores: ScoresOut = Field(description="What the score is made of.")
    title: str = Field(description="As shoppers read it.", examples=["Linen shirt"])
    price: PriceJson | None = Field(description="What it costs; `null` where that is not said.")
    category: str | None = Field(description="Your own name for it, else ours.", examples=["Men/Shirts"])
    brand: str = Field(description="Who makes it.")
    in_stock: bool = Field(description="Whether it can be bought now.")
    image_url: str = Field(
        description="The picture, relative to this server; `?width=320` for a thumbnail.", examples=["/v1/products/SKU-1042/images/front"]
    )
    url: str = Field(description="The product's page in your shop.")
    duplicates: list[str] | None = Field(
        default=None,
        description="Products left out because their picture is this one, edited or not: double listings. Only where there are any.",
        examples=[["SKU-2042"]],
    )
    variants: list[VariantOut] | None = Field(
        default=None, description="Other colours and sizes of its style, best first, for which it stands. Only where there are any."
    )
    explanation: list[ContributionOut] | None = Field(default=None, description="Only with `explain`.")

    @classmethod
    def of(cls, result: Result, *, explain: bool) -> Self:
        scores, details = result.scores, result.details
        out = cls(
            product_id=result.product_id,
            image_id=result.image_id,
            score=result.score,
            scores=ScoresOut(
                visual=scores.visual,
                category=scores.category,
                colour=scores.colour,
                text=scores.text,
                attributes=scores.attributes,
                business=scores.business,
            ),
            title=details.title,
            price=None if details.price is None else PriceJson(amount=details.price.amount, currency=details.price.currency),
            category=result.details.category or result.node,
            brand=details.brand,
            in_stock=details.in_stock,
            image_url=picture_address(result.product_id, result.image_id),
            url=details.url,
        )
        if result.duplicates:  # as below
            out.duplicates = list(result.duplicates)
        if result.variants:
            out.variants = [
                VariantOut(
                    product_id=each.product_id,
                    title=each.title,
                    colour=each.colour,
                    image_url=picture_address(each.product_id, each.image_id),
                )
                for each in result.variants
            ]
        if explain:  # set only then: the field is left out of an answer that did not ask for it
            out.explanation = [ContributionOut(part=share.part, weight=share.weight, value=share.value) for share in result.explanation]
        return out


class IndexOut(BaseModel):
    """What was searched."""

    version: str = Field(description="Names the model and the generation of the index.")
    items: int = Field(description="Pictures that can be found.")
    fresh_as_of: datetime = Field(description="Every write acknowledged before this moment can be found.")

    @classmethod
    def of(cls, status: IndexStatus) -> Self:
        return cls(version=status.version, items=status.items, fresh_as_of=status.fresh_as_of)


class SearchOut(BaseModel):
    """The answer of a search."""

    model_config = ConfigDict(use_enum_values=True)

    request_id: str = Field(description="Also in the `X-Request-Id` header.")
    model: str = Field(description="The encoder that answered.")
    index: IndexOut = Field(description="The index that answered.")
    regions: list[RegionOut] = Field(description="What was found in the photo, best first.")
    region: int = Field(description="The index in `regions` of the one that was searched for.")
    categories: list[CategoryOut] = Field(description="What it most likely is, best first.")
    verdict: Verdict = Field(description="What the best result is to the photo.")
    results: list[ResultOut] = Field(description="Best first; a product once.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage.")
    degraded: list[Lack] | None = Field(default=None, description=_DEGRADED)
    attributes: list[AttributeOut] | None = Field(default=None, description=_READ)

    @classmethod
    def of(cls, answer: SearchAnswer, *, request_id: str, explain: bool) -> Self:
        out = cls(
            request_id=request_id,
            model=answer.model,
            index=IndexOut.of(answer.index),
            regions=[RegionOut.of(region) for region in answer.regions],
            region=answer.region,
            categories=[CategoryOut(name=guess.name, probability=guess.probability) for guess in answer.ranking.categories],
            verdict=answer.ranking.verdict,
            results=[ResultOut.of(result, explain=explain) for result in answer.ranking.results],
            timings_ms=dict(answer.timings_ms),
        )
        if answer.degraded:  # set only then, as below
            out.degraded = list(answer.degraded)
        if explain:
            out.attributes = _read(answer.ranking)
        return out


def _read(ranking: Ranking) -> list[AttributeOut]:
    return [AttributeOut(name=guess.name, value=guess.value, probability=guess.probability) for guess in ranking.attributes]


def row_id(request_id: str, number: int) -> str:
    """The id under which a row of a look is told of in feedback."""
    return f"{request_id}.{number}"


class LookRowOut(BaseModel):
    """A piece of the photo, and what comes nearest to it."""

    model_config = ConfigDict(use_enum_values=True)

    request_id: str = Field(description="For feedback on this row's results.")
    region: RegionOut = Field(description="The piece.")
    categories: list[CategoryOut] = Field(description="What it most likely is, best first.")
    verdict: Verdict = Field(description="What the best result is to the piece.")
    results: list[ResultOut] = Field(description="Best first; a product once.")
    attributes: list[AttributeOut] | None = Field(default=None, description=_READ)

    @classmethod
    def of(cls, row: LookRow, *, request_id: str, explain: bool) -> Self:
        out = cls(
            request_id=request_id,
            region=RegionOut.of(row.region),
            categories=[CategoryOut(name=guess.name, probability=guess.probability) for guess in row.ranking.categories],
            verdict=row.ranking.verdict,
            results=[ResultOut.of(result, explain=explain) for result in row.ranking.results],
        )
        if explain:
            out.attributes = _read(row.ranking)
        return out


class LookOut(BaseModel):
    """Everything that a photo shows."""

    request_id: str = Field(description="Also in the `X-Request-Id` header.")
    model: str = Field(description="The encoder that answered.")
    index: IndexOut = Field(description="The index that answered.")
    rows: list[LookRowOut] = Field(description="A row a piece, the one that stands out first.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage.")
    degraded: list[Lack] | None = Field(default=None, description=_DEGRADED)

    @classmethod
    def of(cls, look: Look, *, request_id: str, explain: bool) -> Self:
        rows = [LookRowOut.of(row, request_id=row_id(request_id, number), explain=explain) for number, row in enumerate(look.rows)]
        out = cls(request_id=request_id, model=look.model, index=IndexOut.of(look.index), rows=rows, timings_ms=dict(look.timings_ms))
        if look.degraded:
            out.degraded = list(look.degraded)
        return out
