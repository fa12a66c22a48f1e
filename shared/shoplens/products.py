"""The product as shops write it in JSON: read strictly, written whole.

One form for HTTP, files and events. A document that is wrong is refused with a sentence that names each wrong field and
what it should be. ``null`` means the same as leaving a field out; in a patch it sets the field back, as in RFC 7396.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails

from shoplens.domain import (
    AttributeValue,
    ImageSource,
    Price,
    Product,
    ProductDeletion,
    ProductDetails,
    ProductDraft,
    ProductImage,
    ProductPatch,
)
from shoplens.errors import InvalidArgument

MAX_ID_BYTES: Final = 256
"""The longest id of a product or a picture, in UTF-8."""

MAX_IMAGES: Final = 250
MAX_ATTRIBUTES: Final = 200

_MAX_INTEGER: Final = 2**63 - 1
_SHOWN_PROBLEMS: Final = 5


def read_json(text: bytes) -> object:
    """Raises ``InvalidArgument`` for what is no JSON, and says where."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidArgument(f"This is not JSON{where}; send one JSON object.") from error
    return document


def parse_product(product_id: str | None, document: object) -> ProductDraft:
    """A product on its way in; ``product_id`` None where the document itself names it, as every line of an import does.

    An image without an id is called by its place: "1", "2", … Raises ``InvalidArgument``.
    """
    read = _read(_ProductDocument, document)
    details = {name: value for name, value in _details(read).items() if value is not None}
    if "attributes" in details:
        details["attributes"] = {name: value for name, value in details["attributes"].items() if value is not None}
    images = tuple(
        ImageSource(_image_id(image, place), image.content, image.uri, image.page_url, image.creator, image.published_at)
        for place, image in enumerate(read.images, start=1)
    )
    return ProductDraft(_identity(product_id, read.product_id), ProductDetails(**details), images, read.version)


def named_product(text: bytes) -> str:
    """The ``product_id`` of a document that will not do, as far as it can be read; else empty."""
    try:
        document = read_json(text)
    except InvalidArgument:
        return ""
    named = document.get("product_id") if isinstance(document, Mapping) else None
    return named if isinstance(named, str) else ""


def parse_patch(product_id: str | None, document: object) -> ProductPatch:
    """Changed details of a product; only fields that the document gives are in ``changes``. Raises ``InvalidArgument``."""
    if isinstance(document, Mapping) and "images" in document:
        raise InvalidArgument("A patch cannot change pictures; send the whole product, with its images, in its place.")
    read = _read(_PatchDocument, document)
    unset = ProductDetails()
    if read.attributes is None and "attributes" in read.model_fields_set:
        raise InvalidArgument("Attributes are taken away one by one; send each by its name, with null.")
    changes = {name: getattr(unset, name) if value is None else value for name, value in _details(read).items()}
    return ProductPatch(_identity(product_id, read.product_id), changes, read.version)


def parse_deletion(product_id: str | None, document: object) -> ProductDeletion:
    """A product that is to go: ``version`` alone may be given. Raises ``InvalidArgument``."""
    read = _read(_DeletionDocument, document)
    return ProductDeletion(_identity(product_id, read.product_id), read.version)


def schemas() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """JSON Schemas of a product, a patch and a deletion, and the definitions that they share."""
    models = (_ProductDocument, _PatchDocument, _DeletionDocument)
    made = [model.model_json_schema(ref_template="#/$defs/{model}") for model in models]
    definitions: dict[str, Any] = {}
    for schema in made:
        definitions |= schema.pop("$defs", {})
    return made[0], made[1], made[2], definitions


def product_document(product: Product) -> dict[str, Any]:
    """The product as JSON shows it, with what shoplens adds: ``node``, ``updated_at``, each picture's size and hash."""
    details = product.details
    return {
        "product_id": product.id,
        "title": details.title,
        "description": details.description,
        "category": details.category,
        "brand": details.brand,
        "price": None if details.price is None else {"amount": details.price.amount, "currency": details.price.currency},
        "in_stock": details.in_stock,
        "url": details.url,
        "attributes": _attributes_document(details),
        "version": product.version,
        "node": product.node,
        "updated_at": product.updated_at.isoformat(),
        "images": [_image_document(image) for image in product.images],
    }


def draft_document(draft: ProductDraft) -> dict[str, Any]:
    """The JSON that :func:`parse_product` reads this draft from; what is not set is left out."""
    details = draft.details
    document: dict[str, Any] = {name: getattr(details, name) for name in ("title", "description", "category", "brand", "url", "in_stock")}
    if details.price is not None:
        document["price"] = {"amount": details.price.amount, "currency": details.price.currency}
    if details.attributes:
        document["attributes"] = _attributes_document(details)
    document |= {"product_id": draft.id, "version": draft.version, "images": [_source_document(image) for image in draft.images]}
    return {name: value for name, value in document.items() if value not in ("", None)}


def _source_document(image: ImageSource) -> dict[str, Any]:
    document = {
        "id": image.id,
        "content": None if image.content is None else base64.b64encode(image.content).decode("ascii"),
        "uri": image.uri,
        "page_url": image.page_url,
        "creator": image.creator,
        "published_at": None if image.published_at is None else image.published_at.isoformat(),
    }
    return {name: value for name, value in document.items() if value is not None}


def _attributes_document(details: ProductDetails) -> dict[str, Any]:
    return {name: value if isinstance(value, str | int | float) else list(value) for name, value in details.attributes.items()}


def _image_document(image: ProductImage) -> dict[str, Any]:
    return {
        "id": image.id,
        "uri": image.uri,
        "page_url": image.page_url,
        "creator": image.creator,
        "published_at": None if image.published_at is None else image.published_at.isoformat(),
        "width": image.width,
        "height": image.height,
        "content_hash": image.content_hash,
    }


def _as_id(value: str) -> str:
    hidden = any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
    if hidden or not 0 < len(value.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES or value in (".", ".."):
        raise ValueError(f"an id is 1 to {MAX_ID_BYTES} bytes of text without control characters, and not a lone . or ..")
    return value


def _as_content(value: object) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise ValueError("give the picture's bytes as base64, in the standard alphabet and without line breaks")


def _as_link(value: str) -> str:
    # Links are shown to shoppers: a javascript: address must never get there.
    if value and not value.startswith(("https://", "http://", "/")):
        raise ValueError("a link begins with https://, http:// or /")
    return value


def _as_moment(value: object) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise ValueError("give a time as in 2026-05-31T12:00:00Z")


def _as_attribute(value: object) -> AttributeValue | None:
    match value:
        case None | bool():
            return value
        case str() if _is_text(value):
            return value
        case int() if abs(value) <= _MAX_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
        case list() if all(isinstance(item, str) and _is_text(item) for item in value):
            return tuple(value)
    raise ValueError("an attribute is a text of up to 1,000 characters, a number, true or false, or a list of such texts")


def _is_text(value: str) -> bool:
    # Half a surrogate pair, which JSON can spell, cannot be written as UTF-8.
    return len(value) <= 1_000 and value.encode("utf-8", "ignore").decode() == value


def _image_id(image: _ImageDocument, place: int) -> str:
    return str(place) if image.id is None else image.id


def _with_own_ids(images: list[_ImageDocument]) -> list[_ImageDocument]:
    ids = [_image_id(image, place) for place, image in enumerate(images, start=1)]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise ValueError(f"give every picture an id of its own; {', '.join(map(repr, sorted(twice)))} comes twice")
    return images


_ATTRIBUTE_TEXT: Final = {"type": "string", "maxLength": 1_000}
_ATTRIBUTE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": ["number", "boolean", "null"]}, _ATTRIBUTE_TEXT, {"type": "array", "items": _ATTRIBUTE_TEXT}]
}

_Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_BYTES), AfterValidator(_as_id)]
_Name = Annotated[str, StringConstraints(max_length=500)]
_Text = Annotated[str, StringConstraints(max_length=20_000)]
_Link = Annotated[
    str, StringConstraints(max_length=2_000), AfterValidator(_as_link), WithJsonSchema({"type": "string", "pattern": "^$|^https?://|^/"})
]
_Address = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
_Content = Annotated[bytes, BeforeValidator(_as_content), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
_Moment = Annotated[datetime, BeforeValidator(_as_moment)]
_Attribute = Annotated[Any, AfterValidator(_as_attribute), WithJsonSchema(_ATTRIBUTE_SCHEMA)]
_Version = Annotated[int, Field(ge=0, le=_MAX_INTEGER)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _PriceDocument(_Document):
    amount: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class _ImageDocument(_Document):
    id: _Id | None = None
    content: _Content | None = None
    uri: _Address | None = None
    page_url: _Link | None = None
    creator: _Name | None = None
    published_at: _Moment | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.uri is None):
            raise ValueError("give either content (base64) or uri")
        return self


class _DeletionDocument(_Document):
    product_id: _Id | None = None
    version: _Version | None = None


class _PatchDocument(_Document):
    product_id: _Id | None = None
    title: _Name | None = None
    description: _Text | None = None
    category: _Name | None = None
    brand: _Name | None = None
    price: _PriceDocument | None = None
    in_stock: bool | None = None
    url: _Link | None = None
    attributes: Annotated[dict[_Name, _Attribute], Field(max_length=MAX_ATTRIBUTES)] | None = None
    version: _Version | None = None


class _ProductDocument(_PatchDocument):
    images: Annotated[list[_ImageDocument], Field(min_length=1, max_length=MAX_IMAGES), AfterValidator(_with_own_ids)]


_DETAILS: Final = frozenset(field.name for field in fields(ProductDetails))


def _details(document: _PatchDocument) -> dict[str, Any]:
    """The details that a document gives, by field name, as the domain writes them; None where it says ``null``."""
    given = {name: getattr(document, name) for name in sorted(document.model_fields_set & _DETAILS)}
    if document.price is not None:
        given["price"] = Price(document.price.amount, document.price.currency)
    return given


def _identity(outside: str | None, inside: str | None) -> str:
    """The product's id, given outside the document, inside it, or both alike."""
    if outside is None:
        if inside is None:
            raise InvalidArgument("The product has no product_id; give it one.")
        return inside
    if inside is not None and inside != outside:
        raise InvalidArgument(f"The document is of product {inside!r} and was sent for {outside!r}; send one of them alone.")
    try:
        return _as_id(outside)
    except ValueError as error:
        raise InvalidArgument(f"The product's id will not do: {error}.") from error


_M = TypeVar("_M", bound=_Document)


def _read(model: type[_M], document: object) -> _M:
    if not isinstance(document, Mapping):
        raise InvalidArgument("A product is a JSON object; see /openapi.json for its fields.")
    try:
        return model.model_validate(dict(document))
    except ValidationError as error:
        problems = list(_problems(error.errors(include_url=False, include_input=False), model))
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise InvalidArgument(f"The product will not do: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}.") from error


def _problems(details: list[ErrorDetails], model: type[BaseModel]) -> Iterator[str]:
    """One clause a wrong field: where it is, and what it should be."""
    for detail in details:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in detail["loc"]).lstrip(".")
        match detail["type"]:
            case "extra_forbidden" if len(detail["loc"]) == 1:
                advice = f"there is no such field; the fields are {', '.join(sorted(model.model_fields))}"
            case "extra_forbidden":
                advice = "there is no such field"
            case "missing":
                advice = "this is required"
            case "model_type":
                advice = "give a JSON object"
            case "value_error":
                advice = str(detail["ctx"]["error"])
            case "string_pattern_mismatch":
                advice = "give three capital letters of ISO 4217, such as EUR"
            case _:
                advice = detail["msg"][:1].lower() + detail["msg"][1:]
        yield f"{path}: {advice}"
