"""The log of feedback as JSON, one record a line or a message: searches as they were shown, and what was done with their results.

``{"kind": "shown", "request_id", "at", "results": [{"product_id", "scores": {…}, "team"}]}`` and
``{"kind": "reaction", "request_id", "product_id", "action", "at"}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from shoplens.domain import Action, Impression, Reaction, Scores

TOPIC: Final = "search.feedback"

PARTS: Final = tuple(each.name for each in fields(Scores))


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A result as the log keeps it. scores: by part, those that had something to say. team: whose pick it was, where two rankers play."""

    product_id: str
    scores: Mapping[str, float]
    team: str = ""


@dataclass(slots=True)
class Session:
    """A search and all that was done with its results: by product the strongest action."""

    request_id: str
    at: datetime
    results: tuple[ShownResult, ...]
    reactions: dict[str, Action] = field(default_factory=dict)


def shown_line(impression: Impression) -> bytes:
    """An impression's record, without a line's end."""
    results = [
        {
            "product_id": result.product_id,
            "scores": {part: round(value, 5) for part in PARTS if (value := getattr(result.scores, part)) is not None},
            **({"team": result.team} if result.team else {}),
        }
        for result in impression.results
    ]
    return _line({"kind": "shown", "request_id": impression.request_id, "at": impression.at.isoformat(), "results": results})


def reaction_line(reaction: Reaction) -> bytes:
    """A reaction's record, without a line's end."""
    record = {"kind": "reaction", "request_id": reaction.request_id, "product_id": reaction.product_id, "action": reaction.action.value}
    return _line({**record, "at": reaction.at.isoformat()})


def sessions(lines: Iterable[bytes]) -> Iterator[Session]:
    """Every search of a log with what came of it, in the order of the searches.

    A line that cannot be read, and a reaction to nothing that was shown, are passed over: a log is cut off where a process died.
    """
    known: dict[str, Session] = {}
    for line in lines:
        try:
            _take(json.loads(line), known)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    yield from known.values()


def _take(record: Mapping[str, Any], known: dict[str, Session]) -> None:
    at = datetime.fromisoformat(record["at"])
    name = str(record["request_id"])
    if record["kind"] == "shown":
        shown = tuple(
            ShownResult(str(each["product_id"]), {part: float(value) for part, value in each["scores"].items()}, str(each.get("team", "")))
            for each in record["results"]
        )
        known.setdefault(name, Session(name, at, shown))
    elif record["kind"] == "reaction" and name in known:
        session, product = known[name], str(record["product_id"])
        action = Action(record["action"])
        if any(each.product_id == product for each in session.results):
            ranks = list(Action)
            before = session.reactions.get(product)
            if before is None or ranks.index(action) > ranks.index(before):
                session.reactions[product] = action


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
