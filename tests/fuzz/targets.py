"""Everything that reads what strangers send."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from PIL import Image

from services.standalone.feeds import open_feed
from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.api.detector.v1 import detector_pb2
from shoplens.api.ingest.v1 import ingest_pb2
from shoplens.api.picture.v1 import picture_pb2
from shoplens.api.ranker.v1 import ranker_pb2
from shoplens.api.search.v1 import search_pb2
from shoplens.domain import WHOLE_FRAME, Picture, PreparedPut, RankingQuery, Region, RegionQuery, SearchQuery, Write
from shoplens.errors import InvalidArgument, ShoplensError
from shoplens.events import parse_event
from shoplens.filters import facts, matches, parse
from shoplens.images import decode
from shoplens.rpc.convert import index, pictures, products, rankings, searches, writes
from shoplens.testing.fakes import FakeCatalogue, FakeEncoder, FakeIngest
from shoplens.testing.pictures import png
from shoplens.testing.products import draft, indexed
from tests.fuzz.mutation import Mutate, bytes_mutated, json_mutated, picture_mutated, words_mutated


@dataclass(frozen=True, slots=True)
class Target:
    """seeds: good inputs. call: raises ``ShoplensError`` or nothing."""

    name: str
    seeds: Sequence[bytes]
    mutate: Mutate
    call: Callable[[bytes], object]

    def accepts(self, content: bytes) -> bool:
        """Whether it did its work; False where it refused. Whatever else it raises is a crash."""
        try:
            self.call(content)
        except ShoplensError:
            return False
        return True


def _pictures() -> list[bytes]:
    image = Image.open(BytesIO(png(5))).convert("RGB").resize((48, 40))
    made = []
    for kind, options in (
        ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("GIF", {}), ("BMP", {}),
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}), ("AVIF", {}),
    ):  # fmt: skip
        out = BytesIO()
        image.save(out, kind, **options)
        made.append(out.getvalue())
    for mode in ("P", "1", "LA", "RGBA", "I;16"):
        out = BytesIO()
        (image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)).save(out, "PNG")
        made.append(out.getvalue())
    out = BytesIO()
    image.convert("CMYK").save(out, "JPEG")
    animated = BytesIO()
    image.save(animated, "GIF", save_all=True, append_images=[image.rotate(90)] * 3)
    return [*made, out.getvalue(), animated.getvalue()]


_FILTER_WORDS = (
    "AND", "OR", "NOT", "(", ")", "=", "!=", "<", "<=", ">", ">=", "IN", "price", "brand", "category", "in_stock", "attributes.fit",
    "title",
    '"Acme"', "'x'", '"', "\\", "50", "-1", "1e309", "0x1", "true", "false", "null", ",", "[", "]", "TO", "*", "..", "é", "🧥", "",
)  # fmt: skip


@cache
def _facts() -> Any:
    encoder = FakeEncoder()
    catalogue = FakeCatalogue(encoder.card().model)
    return facts(FakeIngest(encoder, catalogue).put(draft("p1", 1)))


def _filter(content: bytes) -> None:
    matches(parse(content.decode("utf-8", "surrogateescape")), _facts())


_EVENTS = [
    json.dumps(each).encode()
    for each in (
        {"product_id": "p1", "title": "Dress", "images": [{"id": "1", "uri": "https://shop.example/1.jpg"}]},
        {
            "product_id": "p2", "title": "T", "description": "d", "category": "Women/Dresses", "brand": "B", "url": "https://shop.example/",
            "price": {"amount": 9.5, "currency": "EUR"}, "in_stock": True, "version": 4, "attributes": {"sizes": ["S"], "n": 1, "ok": True},
            "images": [{"id": "1", "content": "aGVsbG8=", "page_url": "https://x.example", "creator": "A"}],
        },
        {"product_id": "p1", "op": "patch", "price": {"amount": 1, "currency": "USD"}, "attributes": {"fit": None}, "in_stock": False},
        {"product_id": "p1", "op": "delete", "version": 7},
    )
]  # fmt: skip

_FEEDS = [
    b"".join(line + b"\n" for line in _EVENTS[:2]),
    b"Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant Price,Image Src,Image Position\n"
    b"dress,Dress,<p>Soft</p>,Acme,Dresses,a,TRUE,Color,Red,9.50,https://a.example/1.jpg,1\ndress,,,,,,,,,,https://a.example/2.jpg,2\n",
    b"id\ttitle\tdescription\tlink\timage_link\tprice\tavailability\n1\tDress\tSoft\thttps://a.example\thttps://a.example/1.jpg\t9.50 EUR"
    b"\tin stock\n",
    b'<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><item><g:id>1</g:id><g:title>Dress</g:title>'
    b"<g:image_link>https://a.example/1.jpg</g:image_link><g:price>9.50 EUR</g:price></item></channel></rss>",
    b"file,product_id,title,price\n1.jpg,p1,Dress,9.50\n2.jpg,p1,,\n",
]
_FEED_WORDS = (
    "\n",
    "\r\n",
    "\t",
    ",",
    ";",
    '"',
    '""',
    "<",
    ">",
    "&amp;",
    "&x;",
    "<!DOCTYPE x [",
    "]]>",
    "<![CDATA[",
    "\0",
    "﻿",
    "9,50 EUR",
    "{}",
    "é",
)


def _feed(content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        file = Path(folder) / "feed"
        file.write_bytes(content)
        for _ in open_feed(file).references():
            pass


@cache
def _memory() -> str | None:
    """A folder in memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _proto(message: Any, unpack: Callable[[Any], object], good: Sequence[Any], name: str) -> Target:
    def call(content: bytes) -> None:
        try:
            read = message.FromString(content)
        except DecodeError as error:  # which gRPC answers itself
            raise InvalidArgument("no such message") from error
        unpack(read)

    return Target(f"proto_{name}", [each.SerializeToString() for each in good], bytes_mutated, call)


def _protos() -> list[Target]:
    encoder = FakeEncoder()
    picture = decode(png(2))
    wanted = draft("p1", 1, views=2)
    put = PreparedPut(wanted, "t-shirt", tuple(indexed(encoder, wanted)), encoder.card().model)
    (features,) = encoder.encode(picture, [WHOLE_FRAME])
    small = pictures.pack_picture(Picture(picture.pixels[:3, :4].copy(), "a" * 64, 4, 3))
    asked = SearchQuery(product_id="p1", text="in red", weights={"visual": 2.0}, only=parse("price < 5"))
    return [
        _proto(picture_pb2.Picture, pictures.unpack_picture, [small], "picture"),
        _proto(detector_pb2.Region, pictures.unpack_region, [pictures.pack_region(Region(WHOLE_FRAME, "top", 0.5))], "region"),
        _proto(search_pb2.SearchRequest, searches.unpack_query, [searches.pack_query(asked)], "search"),
        _proto(
            catalogue_pb2.SearchRegionsRequest,
            index.unpack_region_query,
            [index.pack_region_query(RegionQuery([features.embedding], 5, "m", ("top",), parse("brand = x OR price < 5"), "red"))],
            "region_query",
        ),
        _proto(catalogue_pb2.Write, writes.unpack_write, [writes.pack_write(Write(put))], "write"),
        _proto(ingest_pb2.ProductDraft, products.unpack_draft, [products.pack_draft(wanted)], "draft"),
        _proto(
            ranker_pb2.RankingQuery,
            rankings.unpack_ranking_query,
            [rankings.pack_ranking_query(RankingQuery((features,), None, {}, 5, True))],
            "ranking",
        ),
    ]


@cache
def targets() -> tuple[Target, ...]:
    return (
        Target("picture", _pictures(), picture_mutated, decode),
        Target(
            "filter",
            [b"price < 50 AND brand = Acme", b'NOT (category IN (dress, skirt)) OR attributes.fit = "slim"'],
            words_mutated(_FILTER_WORDS),
            _filter,
        ),
        Target("event", _EVENTS, json_mutated, lambda content: parse_event(b"p1" if content[:1] == b" " else None, content)),
        Target("feed", _FEEDS, words_mutated(_FEED_WORDS), _feed),
        *_protos(),
    )
