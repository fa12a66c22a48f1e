"""Products: as shops send them, as they change, and as the catalogue holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoplens.api.catalogue.v1 import product_pb2
from shoplens.api.ingest.v1 import ingest_pb2
from shoplens.domain import AttributeValue, ImageSource, Price, Product, ProductDetails, ProductDraft, ProductImage
from shoplens.errors import InvalidArgument
from shoplens.rpc.convert.packing import pack_moment, unpack_moment

_PLAIN_FIELDS = ("title", "description", "category", "brand", "in_stock", "url")


def pack_attribute(value: AttributeValue) -> product_pb2.AttributeValue:
    match value:
        case bool():  # before int, which it also is
            return product_pb2.AttributeValue(flag=value)
        case str():
            return product_pb2.AttributeValue(text=value)
        case int():
            return product_pb2.AttributeValue(integer=value)
        case float():
            return product_pb2.AttributeValue(number=value)
        case _:
            return product_pb2.AttributeValue(texts=product_pb2.TextList(values=value))


def unpack_attribute(message: product_pb2.AttributeValue) -> AttributeValue:
    match message.WhichOneof("kind"):
        case "flag":
            return message.flag
        case "text":
            return message.text
        case "integer":
            return message.integer
        case "number":
            return message.number
        case "texts":
            return tuple(message.texts.values)
        case _:
            raise InvalidArgument("An attribute has a value: a text, a number, true or false, or several texts.")


def pack_price(price: Price | None) -> product_pb2.Price | None:
    return None if price is None else product_pb2.Price(amount=price.amount, currency=price.currency)


def unpack_price(message: product_pb2.Price) -> Price:
    return Price(message.amount, message.currency)


def pack_details(details: ProductDetails) -> product_pb2.ProductDetails:
    return product_pb2.ProductDetails(
        title=details.title,
        description=details.description,
        category=details.category,
        brand=details.brand,
        price=pack_price(details.price),
        in_stock=details.in_stock,
        url=details.url,
        attributes={name: pack_attribute(value) for name, value in details.attributes.items()},
    )


def unpack_details(message: product_pb2.ProductDetails) -> ProductDetails:
    return ProductDetails(
        title=message.title,
        description=message.description,
        category=message.category,
        brand=message.brand,
        price=unpack_price(message.price) if message.HasField("price") else None,
        in_stock=message.in_stock,
        url=message.url,
        attributes={name: unpack_attribute(value) for name, value in message.attributes.items()},
    )


def pack_changes(changes: Mapping[str, Any]) -> product_pb2.ProductChanges:
    """``changes`` as in ``ProductPatch``; attributes that change nothing are left out.

    Raises ``InvalidArgument`` for a field that products do not have, or a value of the wrong kind.
    """
    message = product_pb2.ProductChanges()
    for name, value in changes.items():
        match name, value:
            case "price", None:
                message.no_price = True
            case "price", Price():
                message.price.CopyFrom(product_pb2.Price(amount=value.amount, currency=value.currency))
            case "attributes", Mapping():
                for key, attribute in value.items():
                    if attribute is None:
                        message.removed_attributes.append(key)
                    else:
                        message.attributes[key].CopyFrom(pack_attribute(attribute))
            case _ if name in _PLAIN_FIELDS:
                setattr(message, name, value)
            case _:
                raise InvalidArgument(f"A product's {name!r} cannot be changed to {value!r}.")
    return message


def unpack_changes(message: product_pb2.ProductChanges) -> dict[str, Any]:
    changes: dict[str, Any] = {name: getattr(message, name) for name in _PLAIN_FIELDS if message.HasField(name)}  # type: ignore[arg-type]
    match message.WhichOneof("price_change"):
        case "price":
            changes["price"] = unpack_price(message.price)
        case "no_price" if message.no_price:
            changes["price"] = None
    if message.attributes or message.removed_attributes:
        changes["attributes"] = {name: unpack_attribute(value) for name, value in message.attributes.items()}
        changes["attributes"] |= dict.fromkeys(message.removed_attributes)
    return changes


def pack_image(image: ProductImage) -> product_pb2.ProductImage:
    return product_pb2.ProductImage(
        id=image.id,
        content_hash=image.content_hash,
        width=image.width,
        height=image.height,
        uri=image.uri,
        page_url=image.page_url,
        creator=image.creator,
        published_at=pack_moment(image.published_at),
    )


def unpack_image(message: product_pb2.ProductImage) -> ProductImage:
    return ProductImage(
        id=message.id,
        content_hash=message.content_hash,
        width=message.width,
        height=message.height,
        uri=message.uri if message.HasField("uri") else None,
        page_url=message.page_url if message.HasField("page_url") else None,
        creator=message.creator if message.HasField("creator") else None,
        published_at=unpack_moment(message.published_at) if message.HasField("published_at") else None,
    )


def pack_product(product: Product) -> product_pb2.Product:
    return product_pb2.Product(
        id=product.id,
        details=pack_details(product.details),
        images=[pack_image(image) for image in product.images],
        version=product.version,
        node=product.node,
        updated_at=pack_moment(product.updated_at),
    )


def unpack_product(message: product_pb2.Product) -> Product:
    return Product(
        id=message.id,
        details=unpack_details(message.details),
        images=tuple(unpack_image(image) for image in message.images),
        version=message.version,
        node=message.node,
        updated_at=unpack_moment(message.updated_at),
    )


def pack_source(source: ImageSource) -> ingest_pb2.ImageSource:
    message = ingest_pb2.ImageSource(
        id=source.id,
        page_url=source.page_url,
        creator=source.creator,
        published_at=pack_moment(source.published_at),
    )
    if source.content is not None:
        message.content = source.content
        if source.uri is not None:
            message.address = source.uri
    elif source.uri is not None:
        message.uri = source.uri
    return message


def unpack_source(message: ingest_pb2.ImageSource) -> ImageSource:
    given = message.WhichOneof("source")
    address = message.address if message.HasField("address") else None
    return ImageSource(
        id=message.id,
        content=message.content if given == "content" else None,
        uri=message.uri if given == "uri" else address,
        page_url=message.page_url if message.HasField("page_url") else None,
        creator=message.creator if message.HasField("creator") else None,
        published_at=unpack_moment(message.published_at) if message.HasField("published_at") else None,
    )


def pack_draft(draft: ProductDraft) -> ingest_pb2.ProductDraft:
    return ingest_pb2.ProductDraft(
        id=draft.id,
        details=pack_details(draft.details),
        images=[pack_source(source) for source in draft.images],
        version=draft.version,
    )


def unpack_draft(message: ingest_pb2.ProductDraft) -> ProductDraft:
    return ProductDraft(
        id=message.id,
        details=unpack_details(message.details),
        images=tuple(unpack_source(source) for source in message.images),
        version=message.version if message.HasField("version") else None,
    )
