"""The errors that only HTTP knows, as leaves of the one exception tree::

InvalidArgument
├── InvalidField          400  names the field that is wrong
├── BodyTooLarge          413
├── UnsupportedMedia      415
└── MethodNotAllowed      405
NotFound
└── NoSuchAddress         404  no route, rather than no product
"""

from __future__ import annotations

from http import HTTPStatus

from shoplens.errors import InvalidArgument, NotFound


class InvalidField(InvalidArgument):
    """``field`` is the name as the client wrote it; the message says what to send."""

    reason = "invalid-field"
    title = "A field is wrong"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class BodyTooLarge(InvalidArgument):
    reason = "body-too-large"
    title = "The request is too large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(InvalidArgument):
    reason = "unsupported-media-type"
    title = "The content type is not the one expected"
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class MethodNotAllowed(InvalidArgument):
    reason = "method-not-allowed"
    title = "The method is not allowed here"
    http_status = HTTPStatus.METHOD_NOT_ALLOWED


class NoSuchAddress(NotFound):
    reason = "no-such-address"
    title = "There is nothing at this address"
