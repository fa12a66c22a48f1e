"""Feedback as JSON."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from services.gateway.http.refusals import InvalidField
from shoplens.domain import Action
from shoplens.errors import InvalidArgument
from shoplens.products import read_json


class FeedbackIn(BaseModel):
    """A click on a result, or what came of it."""

    model_config = ConfigDict(extra="forbid")

    request_id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$", description="The search's, from its answer.")
    product_id: str = Field(min_length=1, max_length=256, description="The result's.")
    action: Action = Field(
        validation_alias=AliasChoices("action", "event", "type"), description="`click`, `basket` or `purchase`.", examples=["click"]
    )


class FeedbackOut(BaseModel):
    """It is kept."""

    request_id: str = Field(description="As it was sent.")
    product_id: str = Field(description="As it was sent.")
    action: Action = Field(description="As it was sent.")


def read_feedback(body: bytes) -> FeedbackIn:
    """Raises ``InvalidField`` and ``InvalidArgument``."""
    try:
        return FeedbackIn.model_validate(read_json(body))
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise InvalidArgument("Send one JSON object with request_id, product_id and action.") from error
        said = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"][:1].lower() + first["msg"][1:]
        raise InvalidField(str(first["loc"][0]), f"{said}.") from error
