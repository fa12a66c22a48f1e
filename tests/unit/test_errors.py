"""The exception tree: every error owns its reason, its gRPC code and its HTTP status."""

from __future__ import annotations

from shoplens.errors import BY_REASON, InternalError, InvalidArgument, ShoplensError


def test_reasons_are_unique_and_lead_back_to_their_class():
    classes = [ShoplensError, *_below(ShoplensError)]
    for kind in classes:
        if kind.__module__ == "shoplens.errors" and kind is not ShoplensError:
            assert BY_REASON[kind.reason] is kind or kind is InternalError


def test_a_clients_mistake_is_4xx_and_ours_is_5xx():
    for kind in BY_REASON.values():
        mistake = issubclass(kind, InvalidArgument)
        assert not mistake or 400 <= kind.http_status < 500


def _below(kind: type[ShoplensError]) -> list[type[ShoplensError]]:
    return [deeper for child in kind.__subclasses__() for deeper in (child, *_below(child))]
