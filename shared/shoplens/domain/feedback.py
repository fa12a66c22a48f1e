"""What shoppers were shown, and what they did with it: the material from which a ranker learns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shoplens.domain.searches import Result


class Action(StrEnum):
    """What a shopper did with a result, the least first."""

    CLICK = "click"
    BASKET = "basket"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A shopper did something with a result of a search. The same one told twice counts once."""

    request_id: str
    product_id: str
    action: Action
    at: datetime


@dataclass(frozen=True, slots=True)
class Impression:
    """The results of a search as they were shown, best first. Neither the photo nor the words are kept."""

    request_id: str
    at: datetime
    results: tuple[Result, ...]
