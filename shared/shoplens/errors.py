"""The one exception tree. Each error owns its reason, its gRPC code and its HTTP status::

    ShoplensError
    ├── InvalidArgument            400  the request is wrong; its message says what to send instead
    │   ├── UnreadablePicture      400
    │   ├── PictureTooLarge        413
    │   ├── UnknownCategory        400
    │   └── ForbiddenAddress       400  a URL that must not be fetched
    ├── Unauthenticated            401  no key, or one that is not known
    ├── Forbidden                  403  a key that may not do this
    ├── NotFound                   404
    ├── FailedPrecondition         409  the system is in another state than the request needs
    ├── Overloaded                 429  bounded queue full; try again later
    ├── Unavailable                503  a dependency is away
    │   └── PictureUnreachable     503  the server of a picture's address is
    ├── DeadlineExceeded           504
    └── InternalError              500

Messages are written for whoever called: one sentence that says what to do. They cross gRPC as ``google.rpc.Status``
(see :mod:`shoplens.rpc`) and HTTP as ``application/problem+json``, and are rebuilt by ``reason``.
"""

from __future__ import annotations

from http import HTTPStatus

import grpc


class ShoplensError(Exception):
    """Root of the tree. ``str(error)`` is safe to show; causes stay in the log."""

    reason = "internal"
    title = "Internal error"
    grpc_code = grpc.StatusCode.INTERNAL
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class InvalidArgument(ShoplensError):
    reason = "invalid-argument"
    title = "Invalid request"
    grpc_code = grpc.StatusCode.INVALID_ARGUMENT
    http_status = HTTPStatus.BAD_REQUEST


class UnreadablePicture(InvalidArgument):
    reason = "unreadable-picture"
    title = "The picture cannot be read"


class PictureTooLarge(InvalidArgument):
    reason = "picture-too-large"
    title = "The picture is too large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnknownCategory(InvalidArgument):
    reason = "unknown-category"
    title = "Unknown category"


class ForbiddenAddress(InvalidArgument):
    reason = "forbidden-address"
    title = "The address may not be fetched"


class Unauthenticated(ShoplensError):
    reason = "unauthenticated"
    title = "A key is needed"
    grpc_code = grpc.StatusCode.UNAUTHENTICATED
    http_status = HTTPStatus.UNAUTHORIZED


class Forbidden(ShoplensError):
    reason = "forbidden"
    title = "The key may not do this"
    grpc_code = grpc.StatusCode.PERMISSION_DENIED
    http_status = HTTPStatus.FORBIDDEN


class NotFound(ShoplensError):
    reason = "not-found"
    title = "Not found"
    grpc_code = grpc.StatusCode.NOT_FOUND
    http_status = HTTPStatus.NOT_FOUND


class FailedPrecondition(ShoplensError):
    reason = "failed-precondition"
    title = "The system is in another state"
    grpc_code = grpc.StatusCode.FAILED_PRECONDITION
    http_status = HTTPStatus.CONFLICT


class Overloaded(ShoplensError):
    reason = "overloaded"
    title = "Too many requests at once"
    grpc_code = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = HTTPStatus.TOO_MANY_REQUESTS


class Unavailable(ShoplensError):
    reason = "unavailable"
    title = "A part is not reachable"
    grpc_code = grpc.StatusCode.UNAVAILABLE
    http_status = HTTPStatus.SERVICE_UNAVAILABLE


class PictureUnreachable(Unavailable):
    """The picture's own server does not answer, or not well: no part of shoplens is away."""

    reason = "picture-unreachable"
    title = "The picture cannot be fetched now"


class DeadlineExceeded(ShoplensError):
    reason = "deadline-exceeded"
    title = "Out of time"
    grpc_code = grpc.StatusCode.DEADLINE_EXCEEDED
    http_status = HTTPStatus.GATEWAY_TIMEOUT


class InternalError(ShoplensError):
    """A fault of ours; what happened is in the log under the request's id."""


def _tree(root: type[ShoplensError]) -> dict[str, type[ShoplensError]]:
    known = {root.reason: root}
    for child in root.__subclasses__():
        known |= _tree(child)
    return known


BY_REASON: dict[str, type[ShoplensError]] = {**_tree(ShoplensError), InternalError.reason: InternalError}
"""Every error class by its ``reason``, to rebuild an error that crossed a wire."""
