"""What the catalogue takes in and gives back: indexed images, pages and the state of the index; hits are in :mod:`…convert.hits`."""

from __future__ import annotations

from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.domain import (
    ImageHolder,
    ImageSource,
    IndexedImage,
    IndexedRegion,
    IndexStatus,
    ProductPage,
    RegionQuery,
)
from shoplens.filters import parse
from shoplens.rpc.convert.features import pack_features, unpack_features
from shoplens.rpc.convert.packing import pack_moment, pack_vector, unpack_moment, unpack_vector
from shoplens.rpc.convert.pictures import pack_box, unpack_box
from shoplens.rpc.convert.products import pack_image, pack_product, unpack_image, unpack_product


def pack_indexed_region(region: IndexedRegion) -> catalogue_pb2.IndexedRegion:
    return catalogue_pb2.IndexedRegion(box=pack_box(region.box), category=region.category, features=pack_features(region.features))


def unpack_indexed_region(message: catalogue_pb2.IndexedRegion) -> IndexedRegion:
    return IndexedRegion(unpack_box(message.box), message.category, unpack_features(message.features))


def pack_indexed_image(image: IndexedImage) -> catalogue_pb2.IndexedImage:
    return catalogue_pb2.IndexedImage(
        image=pack_image(image.image),
        content=image.content,
        media_type=image.media_type,
        regions=[pack_indexed_region(region) for region in image.regions],
    )


def unpack_indexed_image(message: catalogue_pb2.IndexedImage) -> IndexedImage:
    return IndexedImage(
        image=unpack_image(message.image),
        content=message.content,
        media_type=message.media_type,
        regions=tuple(unpack_indexed_region(region) for region in message.regions),
    )


def source_of(indexed: IndexedImage) -> ImageSource:
    """The source that an indexed image came from. It need not travel beside the image, which holds all of it."""
    image = indexed.image
    content = indexed.content if image.uri is None else None
    return ImageSource(image.id, content, image.uri, image.page_url, image.creator, image.published_at)


def pack_holder(holder: ImageHolder) -> catalogue_pb2.ImageHolder:
    return catalogue_pb2.ImageHolder(product_id=holder.product_id, image=pack_image(holder.image))


def unpack_holder(message: catalogue_pb2.ImageHolder) -> ImageHolder:
    return ImageHolder(message.product_id, unpack_image(message.image))


def pack_region_query(query: RegionQuery) -> catalogue_pb2.SearchRegionsRequest:
    return catalogue_pb2.SearchRegionsRequest(
        probes=[pack_vector(probe) for probe in query.probes],
        limit=query.limit,
        nodes=query.nodes,
        model=query.model,
        filter="" if query.only is None else str(query.only),
        words=query.words,
        reads_table=True,
    )


def unpack_region_query(message: catalogue_pb2.SearchRegionsRequest) -> RegionQuery:
    """Raises ``InvalidArgument`` for a filter that cannot be read."""
    return RegionQuery(
        probes=tuple(unpack_vector(probe) for probe in message.probes),
        limit=message.limit,
        model=message.model,
        nodes=tuple(message.nodes),
        only=parse(message.filter) if message.filter else None,
        words=message.words,
    )


def pack_page(page: ProductPage) -> catalogue_pb2.ListProductsResponse:
    return catalogue_pb2.ListProductsResponse(
        products=[pack_product(product) for product in page.products],
        next_page_token=page.next_token,
    )


def unpack_page(message: catalogue_pb2.ListProductsResponse) -> ProductPage:
    return ProductPage(tuple(unpack_product(product) for product in message.products), message.next_page_token)


def pack_status(status: IndexStatus) -> catalogue_pb2.IndexStatus:
    return catalogue_pb2.IndexStatus(
        version=status.version,
        items=status.items,
        products=status.products,
        fresh_as_of=pack_moment(status.fresh_as_of),
        ready=status.ready,
        revision=status.revision,
    )


def unpack_status(message: catalogue_pb2.IndexStatus) -> IndexStatus:
    return IndexStatus(
        message.version, message.items, message.products, unpack_moment(message.fresh_as_of), message.ready, message.revision
    )
