"""The three demo shops: where their photos lie in their package, and how their metadata reads as products."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.standalone.demo.packages import Package, contents
from shoplens.domain import ImageSource, Price, ProductDetails, ProductDraft

SALEOR: Final = Package(
    "pip",
    "saleor",
    "2.10.1",
    "saleor-2.10.1-py3-none-any.whl",
    "ebf33a74d000dcee5298b728b1bb10321521feea74c94a28bf85da556bfd337c",  # pragma: allowlist secret
)
SAKAI: Final = Package("npm", "sakai-ng", "2.0.4", "sakai-ng-2.0.4.tgz", "22c04d73cb06579024d29efc138d5f09a88103e8b6521202cb003860b08e02d9")
VENDURE: Final = Package(
    "npm",
    "@vendure/create",
    "2.3.4",
    "vendure-create-2.3.4.tgz",
    "ea1205779025ad02ed84e60e33ef568157c2e8a4ab81dd33a7034f97652a38bf",  # pragma: allowlist secret
)

_MISPICTURED: Final = frozenset((72, 75, 76, 114))
"""Saleor's products that show the picture of another one: three juices, and a T-shirt that is there twice."""


def saleor(archive: Path) -> Iterator[ProductDraft]:
    """Saleor's demo shop: clothes, shoes, homewares, drinks and paints on a clear ground, some from several sides."""
    files = contents(archive, "saleor/static/", (".png", "populatedb_data.json"))
    records = json.loads(files["populatedb_data.json"])
    tables: dict[str, dict[int, Any]] = {}
    for record in records:
        tables.setdefault(record["model"], {})[record["pk"]] = record["fields"]
    pictures: dict[int, list[ImageSource]] = {}
    for shown in sorted(tables["product.productimage"].values(), key=lambda shown: (shown["product"], shown["sort_order"])):
        images = pictures.setdefault(shown["product"], [])
        # Uploads carry a random ending that the files in the package do not.
        name = re.sub(r"_[A-Za-z0-9]{7}\.png$", ".png", Path(shown["image"]).name)
        images.append(ImageSource(str(len(images) + 1), files[f"placeholders/{name}"], creator="Saleor"))
    for number, fields in tables["product.product"].items():
        if number not in _MISPICTURED:
            details = ProductDetails(
                title=fields["name"],
                description=fields["description"],
                category=_path(tables["product.category"], fields["category"]),
                brand="Saleor",
                price=Price(float(fields["price_amount"]), fields["currency"]),
            )
            yield ProductDraft(f"saleor-{number}", details, tuple(pictures[number]))


def _path(categories: Mapping[int, Any], number: int | None) -> str:
    if number is None:
        return ""
    return f"{_path(categories, categories[number]['parent'])}/{categories[number]['name']}".lstrip("/")


def sakai(archive: Path) -> Iterator[ProductDraft]:
    """PrimeTek's Sakai template: thirty small photos of clothes, jewellery, bags and gadgets. Its prices are in dollars."""
    files = contents(archive, "package/src/assets/demo/", (".jpg", "data/products.json"))
    for product in json.loads(files["data/products.json"])["data"]:
        details = ProductDetails(
            title=product["name"],
            category=product["category"],
            price=Price(float(product["price"]), "USD"),
            in_stock=product["inventoryStatus"] != "OUTOFSTOCK",
        )
        image = ImageSource("1", files[f"images/product/{product['image']}"], creator="PrimeTek")
        yield ProductDraft(f"sakai-{product['id']}", details, (image,))


def vendure(archive: Path) -> Iterator[ProductDraft]:
    """Vendure's demo shop: shoes, electronics, plants and furniture, photographed in rooms and outdoors; priced in dollars."""
    files = contents(archive, "package/assets/", (".jpg", "products.csv"))
    lines = files["products.csv"].decode("utf-8").splitlines()
    rows = csv.reader(lines, skipinitialspace=True)
    columns = [column.strip() for column in next(rows)]
    for cells in rows:
        product = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        if not product["name"]:  # another variant of the product above
            continue
        facets: dict[str, list[str]] = {}
        for facet in product["facets"].split("|"):
            kind, _, value = facet.partition(":")
            facets.setdefault(kind, []).append(value)
        details = ProductDetails(
            title=product["name"],
            description=product["description"],
            category="/".join(facets.pop("category", [])),
            brand=" ".join(facets.pop("brand", [])),
            price=Price(float(product["price"]), "USD"),
            attributes={kind: tuple(values) for kind, values in facets.items() if kind},
        )
        image = ImageSource("1", files[f"images/{product['assets']}"], creator=_photographer(product["assets"]))
        yield ProductDraft(f"vendure-{product['slug']}", details, (image,))


def _photographer(file: str) -> str:
    """``kelly-sikkema-685291-unsplash.jpg`` is by Kelly Sikkema."""
    return " ".join(part.capitalize() for part in file.removesuffix("-unsplash.jpg").split("-") if not part.isdecimal()) + " (Unsplash)"
