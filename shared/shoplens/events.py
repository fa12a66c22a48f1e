"""A change of the catalogue as a shop tells it: the JSON that comes over Kafka, in a file that is followed, or by HTTP.

A product as in ``PUT`` (:mod:`shoplens.products`), ``{"op": "patch", …}`` with what changes, or ``{"op": "delete"}``. The product
is named by the message's key, by ``product_id``, or by both alike. A message without a value is a deletion too, as Kafka's
compacted topics have it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from shoplens.domain import DeadLetter, ProductDeletion, Update
from shoplens.errors import InvalidArgument
from shoplens.products import parse_deletion, parse_patch, parse_product, read_json, schemas

OPERATIONS: Final = ("upsert", "patch", "delete")


def parse_event(key: bytes | None, value: bytes | None) -> Update:
    """What a message asks for. Raises ``InvalidArgument``, which says what is wrong with it."""
    product_id = _identity(key)
    if not value:
        if product_id is None:
            raise InvalidArgument("The message has neither a key nor a value; name the product by its key.")
        return ProductDeletion(product_id)
    return read_event(product_id, read_json(value))


def read_event(product_id: str | None, document: object) -> Update:
    """The same, of a message that is read; ``product_id`` None where the document itself names it. Raises ``InvalidArgument``."""
    if not isinstance(document, Mapping):
        raise InvalidArgument("An event is a JSON object: a product, or one with an op of patch or delete.")
    operation = document.get("op", "upsert")
    rest = {name: value for name, value in document.items() if name != "op"}
    match operation:
        case "upsert":
            return parse_product(product_id, rest)
        case "patch":
            return parse_patch(product_id, rest)
        case "delete":
            return parse_deletion(product_id, rest)
    raise InvalidArgument(f"There is no op {operation!r}; it is one of {', '.join(OPERATIONS)}, and upsert where it is left out.")


def operation_of(update: Update) -> str:
    """Its name in an event: one of ``OPERATIONS``."""
    match update:
        case ProductDeletion():
            return "delete"
        case _:
            return "upsert" if hasattr(update, "images") else "patch"


def event_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event that names its product itself, for a producer's own tests."""
    upsert, patch, delete, definitions = schemas()
    forms = {"upsert": upsert, "patch": patch, "delete": delete}
    for name, form in forms.items():
        form["title"] = name.capitalize()
        form["properties"] = {"op": {"const": name}, **form["properties"]}
        form["required"] = sorted({*form.get("required", ()), "product_id", *(() if name == "upsert" else ("op",))})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://shoplens.example/event.schema.json",
        "title": "A change of the catalogue",
        "description": "product_id may be left out where the message's key names the product.",
        "oneOf": list(forms.values()),
        "$defs": definitions,
    }


def dead_letter_document(letter: DeadLetter) -> dict[str, Any]:
    """What is shown of a dead letter; its value as text, and to the byte in base64."""
    message = letter.message
    return {
        "letter": None if letter.letter is None else letter.letter.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "log": message.position.log,
        "offset": message.position.offset,
        "told_at": message.told_at.isoformat(),
        "key": _text(message.key),
        "value": _text(message.value),
        "value_base64": None if message.value is None else base64.b64encode(message.value).decode("ascii"),
    }


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def _identity(key: bytes | None) -> str | None:
    if not key:
        return None
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgument("The message's key is no text in UTF-8; send the product's id as it is.") from error
