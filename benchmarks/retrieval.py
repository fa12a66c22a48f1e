"""How often a photo finds its product, through the whole path over HTTP.

The gallery is the ``main`` view of every product, the queries are all other views. A query is right when a product of the same
style (or the same product: style and colour) is among the first results. ``plain`` leaves out the queries whose product's main
photo the shop recoloured: it shows another colour than they do.
"""

from __future__ import annotations

import base64
import csv
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from rich.progress import track

from benchmarks.failures import Shown, contact_sheet
from shoplens.testing.serving import serving
from training.detector.photos import read
from training.encoder.luma import recoloured

SEED = 20261122
RESAMPLES = 1000
TOP_K = 50


@dataclass(frozen=True, slots=True)
class View:
    """A row of the manifest."""

    path: Path
    product_id: str
    style_id: str
    view: str
    title: str
    colour: str
    category: str
    description: str
    gender: str


@dataclass(frozen=True, slots=True)
class Found:
    """A query and the products found for it, best first."""

    query: View
    products: tuple[str, ...]


def read_views(folder: Path) -> list[View]:
    """The photos that ``folder/manifest.csv`` lists."""
    with (folder / "manifest.csv").open(encoding="utf-8") as manifest:
        return [
            View(
                folder / line["path"],
                line["product_id"],
                line["style_id"],
                line["view"],
                line["title"],
                line["colour"],
                line["store_categories"],
                line["description"],
                line["gender"],
            )
            for line in csv.DictReader(manifest)
        ]


def put_gallery(client: httpx.Client, gallery: Sequence[View]) -> None:
    """Put each photo as a product of its own. Titles are left out: the picture alone must do."""
    for view in track(gallery, "putting the gallery"):
        image = {"id": view.view, "content": base64.b64encode(view.path.read_bytes()).decode("ascii")}
        client.put(f"/v1/products/{view.product_id}", json={"images": [image]}).raise_for_status()


def ask(client: httpx.Client, queries: Sequence[View], form: dict[str, str]) -> list[Found]:
    """Search with each photo."""
    found = []
    for view in track(queries, "searching"):
        answer = client.post("/v1/search", files={"image": view.path.read_bytes()}, data={"top_k": str(TOP_K), **form})
        answer.raise_for_status()
        found.append(Found(view, tuple(result["product_id"] for result in answer.json()["results"])))
    return found


def recall(found: Sequence[Found], right: Callable[[View, str], bool], k: int) -> np.ndarray:
    """``[queries]`` bool: whether one of the first ``k`` is right."""
    return np.array([any(right(one.query, product) for product in one.products[:k]) for one in found])


def interval(hits: np.ndarray, groups: Sequence[str]) -> tuple[float, float]:
    """95 % interval of the mean by bootstrap over groups (products), not over photos."""
    rng = np.random.default_rng(SEED)
    names = sorted(set(groups))
    members = [np.flatnonzero(np.array(groups) == name) for name in names]
    means = [hits[np.concatenate([members[index] for index in rng.integers(len(names), size=len(names))])].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def measure(data: Path, form: dict[str, str] | None = None) -> dict[str, float]:
    """The table of ``make eval`` for retrieval: name → number."""
    views = read_views(data / "catalogue_luma")
    gallery = [view for view in views if view.view == "main"]
    indexed = {view.product_id for view in gallery}
    styles = {view.product_id: view.style_id for view in gallery}
    queries = [view for view in views if view.view != "main" and view.style_id in set(styles.values())]
    with tempfile.TemporaryDirectory(prefix="shoplens-eval-") as folder, serving(Path(folder) / "data") as client:
        put_gallery(client, gallery)
        found = ask(client, queries, form or {})
    report: dict[str, float] = {"luma_gallery": len(gallery), "luma_queries": len(queries)}
    same = [one for one in found if one.query.product_id in indexed]
    dyed = recoloured()
    plain = [one for one in same if one.query.product_id not in dyed]
    report["luma_plain_queries"] = len(plain)
    for name, by_style, by_product in (("luma", found, same), ("luma_plain", plain, plain)):
        for k in (1, 10):
            right = recall(by_style, lambda query, product: styles[product] == query.style_id, k)
            report |= row(f"{name}_style_r@{k}", right, [one.query.style_id for one in by_style])
            right = recall(by_product, lambda query, product: product == query.product_id, k)
            report |= row(f"{name}_product_r@{k}", right, [one.query.product_id for one in by_product])
    _write_failures(found, gallery, Path("build/eval"))
    return report


def row(name: str, hits: np.ndarray, groups: Sequence[str]) -> dict[str, float]:
    """A figure and its 95 % interval."""
    low, high = interval(hits, groups)
    return {name: float(hits.mean()), f"{name}_low": low, f"{name}_high": high}


def _write_failures(found: Sequence[Found], gallery: Sequence[View], folder: Path) -> None:
    """Every query whose first result is of another style: as a list, and the query, its first result and what was wanted as pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    by_product = {view.product_id: view for view in gallery}
    wrong = [one for one in found if one.products and by_product[one.products[0]].style_id != one.query.style_id]
    listed = [{"query": one.query.path.name, "wanted": one.query.style_id, "found": list(one.products[:5])} for one in wrong]
    (folder / "retrieval_failures.json").write_text(json.dumps(listed, indent=1), "utf-8")
    contact_sheet([_case(one, by_product) for one in wrong], folder / "retrieval_failures.png", across=3)


def _case(one: Found, by_product: Mapping[str, View]) -> list[Shown]:
    first = by_product[one.products[0]]
    wanted = by_product.get(one.query.product_id) or next(view for view in by_product.values() if view.style_id == one.query.style_id)
    views = ((one.query, "asked"), (first, f"first: {first.product_id}"), (wanted, f"wanted: {wanted.product_id}"))
    return [(read(view.path), caption) for view, caption in views]
