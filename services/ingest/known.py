"""What was computed once is not computed again: a picture's features, by its bytes and by what computed them.

A product that is listed again, or whose price comes with its pictures, runs no model.
"""

from __future__ import annotations

import structlog
from google.protobuf.message import DecodeError

from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.domain import ImageSource, IndexedImage, Picture, ProductImage
from shoplens.ports import Cache
from shoplens.rpc.convert.index import pack_indexed_region, unpack_indexed_region

_log = structlog.get_logger()


class KnownPictures:
    """Indexed images in a cache, as ``shoplens.api.catalogue.v1.IndexedImage`` without their bytes.

    maker: names everything that made the features; another one knows nothing of them.
    """

    def __init__(self, cache: Cache, maker: str) -> None:
        self._cache = cache
        self._maker = maker

    def recall(self, source: ImageSource, content: bytes, content_hash: str) -> IndexedImage | None:
        """The image as it would be extracted; None where the picture is not known."""
        kept = self._cache.get(self._key(content_hash))
        if kept is None:
            return None
        try:
            message = catalogue_pb2.IndexedImage.FromString(kept)
            regions = tuple(unpack_indexed_region(region) for region in message.regions)
        except (DecodeError, ValueError) as error:
            _log.warning("known features cannot be read", content_hash=content_hash, problem=str(error))
            return None
        return IndexedImage(
            record_of(source, content_hash, message.image.width, message.image.height), content, message.media_type, regions
        )

    def remember(self, image: IndexedImage) -> None:
        message = catalogue_pb2.IndexedImage(media_type=image.media_type, regions=[pack_indexed_region(region) for region in image.regions])
        message.image.width, message.image.height = image.image.width, image.image.height
        self._cache.set(self._key(image.image.content_hash), message.SerializeToString())

    def _key(self, content_hash: str) -> str:
        return f"features:{self._maker}:{content_hash}"


def record_of(source: ImageSource, content_hash: str, width: int, height: int) -> ProductImage:
    return ProductImage(
        id=source.id,
        content_hash=content_hash,
        width=width,
        height=height,
        uri=source.uri,
        page_url=source.page_url,
        creator=source.creator,
        published_at=source.published_at,
    )


def record(source: ImageSource, picture: Picture) -> ProductImage:
    """What the catalogue keeps of a picture that came from ``source``."""
    return record_of(source, picture.content_hash, picture.width, picture.height)
