"""Ranking: the query that the ranker sees, and the order that it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoplens.api.ranker.v1 import ranker_pb2
from shoplens.domain import AttributeGuess, CategoryGuess, Contribution, Ranking, RankingQuery, Result, Scores, Variant, Verdict, Wish
from shoplens.errors import InvalidArgument
from shoplens.rpc.convert.features import pack_features, unpack_features
from shoplens.rpc.convert.products import pack_details, unpack_details

_VERDICTS = {verdict: ranker_pb2.Verdict.Value(f"VERDICT_{verdict.name}") for verdict in Verdict}
_VERDICTS_BACK = {number: verdict for verdict, number in _VERDICTS.items()}
_OPTIONAL_SCORES = ("category", "colour", "text", "attributes", "business")


def pack_ranking_query(query: RankingQuery) -> ranker_pb2.RankingQuery:
    return ranker_pb2.RankingQuery(
        probes=[pack_features(probe) for probe in query.probes],
        category=query.category,
        weights=query.weights,
        top_k=query.top_k,
        explain=query.explain,
        copies=query.copies,
        groups=query.groups,
        wish=_pack_wish(query.wish),
    )


def unpack_ranking_query(message: ranker_pb2.RankingQuery) -> RankingQuery:
    return RankingQuery(
        probes=tuple(unpack_features(probe) for probe in message.probes),
        category=message.category if message.HasField("category") else None,
        weights=dict(message.weights),
        top_k=message.top_k,
        explain=message.explain,
        copies=dict(message.copies),
        groups=dict(message.groups),
        wish=_unpack_wish(message.wish),
    )


def _pack_wish(wish: Wish) -> ranker_pb2.Wish:
    return ranker_pb2.Wish(
        words=wish.words, rest=wish.rest, colours=wish.colours, attributes=_pack_values(wish.attributes), unlike=_pack_values(wish.unlike)
    )


def _unpack_wish(message: ranker_pb2.Wish) -> Wish:
    return Wish(message.words, message.rest, tuple(message.colours), _unpack_values(message.attributes), _unpack_values(message.unlike))


def _pack_values(values: Mapping[str, Sequence[str]]) -> dict[str, ranker_pb2.Values]:
    return {name: ranker_pb2.Values(values=each) for name, each in values.items()}


def _unpack_values(messages: Mapping[str, ranker_pb2.Values]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(message.values) for name, message in messages.items()}


def pack_scores(scores: Scores) -> ranker_pb2.Scores:
    return ranker_pb2.Scores(
        visual=scores.visual,
        category=scores.category,
        colour=scores.colour,
        text=scores.text,
        attributes=scores.attributes,
        business=scores.business,
    )


def unpack_scores(message: ranker_pb2.Scores) -> Scores:
    given = {name: getattr(message, name) for name in _OPTIONAL_SCORES if message.HasField(name)}  # type: ignore[arg-type]
    return Scores(visual=message.visual, **given)


def pack_result(result: Result) -> ranker_pb2.Result:
    return ranker_pb2.Result(
        product_id=result.product_id,
        image_id=result.image_id,
        node=result.node,
        score=result.score,
        scores=pack_scores(result.scores),
        details=pack_details(result.details),
        explanation=[ranker_pb2.Contribution(part=each.part, weight=each.weight, value=each.value) for each in result.explanation],
        duplicates=result.duplicates,
        variants=[
            ranker_pb2.Variant(product_id=each.product_id, image_id=each.image_id, title=each.title, colour=each.colour)
            for each in result.variants
        ],
        team=result.team,
    )


def unpack_result(message: ranker_pb2.Result) -> Result:
    return Result(
        product_id=message.product_id,
        image_id=message.image_id,
        node=message.node,
        score=message.score,
        scores=unpack_scores(message.scores),
        details=unpack_details(message.details),
        explanation=tuple(Contribution(each.part, each.weight, each.value) for each in message.explanation),
        duplicates=tuple(message.duplicates),
        variants=tuple(Variant(each.product_id, each.image_id, each.title, each.colour) for each in message.variants),
        team=message.team,
    )


def pack_ranking(ranking: Ranking) -> ranker_pb2.Ranking:
    return ranker_pb2.Ranking(
        categories=[ranker_pb2.CategoryGuess(name=guess.name, probability=guess.probability) for guess in ranking.categories],
        verdict=_VERDICTS[ranking.verdict],
        results=[pack_result(result) for result in ranking.results],
        attributes=[
            ranker_pb2.AttributeGuess(name=guess.name, value=guess.value, probability=guess.probability) for guess in ranking.attributes
        ],
    )


def unpack_ranking(message: ranker_pb2.Ranking) -> Ranking:
    verdict = _VERDICTS_BACK.get(message.verdict)
    if verdict is None:
        raise InvalidArgument("The ranking has no verdict that this version knows.")
    return Ranking(
        categories=tuple(CategoryGuess(guess.name, guess.probability) for guess in message.categories),
        verdict=verdict,
        results=tuple(unpack_result(result) for result in message.results),
        attributes=tuple(AttributeGuess(guess.name, guess.value, guess.probability) for guess in message.attributes),
    )
