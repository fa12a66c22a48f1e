"""Camera search: the question and the answer."""

from __future__ import annotations

from collections.abc import Iterable

from shoplens import images
from shoplens.api.search.v1 import search_pb2
from shoplens.domain import Lack, Look, LookRow, Picture, SearchAnswer, SearchQuery
from shoplens.errors import InvalidArgument
from shoplens.filters import parse
from shoplens.rpc.convert.index import pack_status, unpack_status
from shoplens.rpc.convert.pictures import pack_box, pack_picture, pack_region, unpack_box, unpack_picture, unpack_region
from shoplens.rpc.convert.rankings import pack_ranking, unpack_ranking

DEFAULT_TOP_K = 20
"""Results of a search that does not say how many it wants."""

_LACKS = {lack: search_pb2.Lack.Value(f"LACK_{lack.name}") for lack in Lack}
_PACKED_LACKS = {packed: lack for lack, packed in _LACKS.items()}


def pack_query(query: SearchQuery) -> search_pb2.SearchRequest:
    if query.picture is not None and query.product_id is not None:
        raise InvalidArgument("Send exactly one of a picture and a product_id.")
    message = search_pb2.SearchRequest(
        box=None if query.box is None else pack_box(query.box),
        category=query.category,
        region_score=query.region_score,
        top_k=query.top_k,
        weights=query.weights,
        explain=query.explain,
        filter="" if query.only is None else str(query.only),
        text=query.text,
    )
    if query.picture is not None:
        message.picture.CopyFrom(pack_picture(query.picture))
    if query.product_id is not None:
        message.product_id = query.product_id
    return message


def unpack_query(message: search_pb2.SearchRequest) -> SearchQuery:
    """Decodes a photo that came as a file; raises ``UnreadablePicture`` and ``PictureTooLarge``."""
    return SearchQuery(
        picture=_unpack_photo(message),
        product_id=message.product_id if message.HasField("product_id") else None,
        box=unpack_box(message.box) if message.HasField("box") else None,
        category=message.category if message.HasField("category") else None,
        region_score=message.region_score if message.HasField("region_score") else None,
        top_k=message.top_k if message.HasField("top_k") else DEFAULT_TOP_K,
        weights=dict(message.weights),
        explain=message.explain,
        only=parse(message.filter) if message.filter else None,
        text=message.text,
    )


def _unpack_photo(message: search_pb2.SearchRequest) -> Picture | None:
    match message.WhichOneof("source"):
        case "image":
            return images.photo(message.image)
        case "picture":
            return unpack_picture(message.picture)
        case _:
            return None


def pack_answer(answer: SearchAnswer) -> search_pb2.SearchAnswer:
    return search_pb2.SearchAnswer(
        request_id=answer.request_id,
        model=answer.model,
        index=pack_status(answer.index),
        regions=[pack_region(region) for region in answer.regions],
        region=answer.region,
        ranking=pack_ranking(answer.ranking),
        timings_ms=answer.timings_ms,
        degraded=[_LACKS[lack] for lack in answer.degraded],
    )


def unpack_answer(message: search_pb2.SearchAnswer) -> SearchAnswer:
    return SearchAnswer(
        request_id=message.request_id,
        model=message.model,
        index=unpack_status(message.index),
        regions=tuple(unpack_region(region) for region in message.regions),
        region=message.region,
        ranking=unpack_ranking(message.ranking),
        timings_ms=dict(message.timings_ms),
        degraded=_unpack_lacks(message.degraded),
    )


def pack_look(look: Look) -> search_pb2.Look:
    return search_pb2.Look(
        request_id=look.request_id,
        model=look.model,
        index=pack_status(look.index),
        rows=[search_pb2.LookRow(region=pack_region(row.region), ranking=pack_ranking(row.ranking)) for row in look.rows],
        timings_ms=look.timings_ms,
        degraded=[_LACKS[lack] for lack in look.degraded],
    )


def unpack_look(message: search_pb2.Look) -> Look:
    return Look(
        request_id=message.request_id,
        model=message.model,
        index=unpack_status(message.index),
        rows=tuple(LookRow(unpack_region(row.region), unpack_ranking(row.ranking)) for row in message.rows),
        timings_ms=dict(message.timings_ms),
        degraded=_unpack_lacks(message.degraded),
    )


def _unpack_lacks(packed: Iterable[search_pb2.Lack.ValueType]) -> tuple[Lack, ...]:
    """A lack that only a newer gateway knows is left out."""
    return tuple(_PACKED_LACKS[lack] for lack in packed if lack in _PACKED_LACKS)
