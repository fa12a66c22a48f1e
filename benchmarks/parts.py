"""What each part of a score is worth: the same searches with one part switched off, and with what a shopper might write.

The products are put as a shop would: with title, category, description and colour. Every search is another view of a product;
right is the product itself (gain 1) and other colours of its style (gain ½). ``other_colour`` wishes for a colour that the
photo is not of ("this, but in red"), and only that colour of the style is right;
``styled`` where the shop says which products are one style (``item_group_id``).
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot
from rich.progress import track

from benchmarks.retrieval import Found, View, read_views, recall, row
from shoplens.lexicon import lexicon
from shoplens.testing.serving import serving
from training.encoder.luma import recoloured

DEPTH = 10
TOP_K = 50


def _without(*parts: str) -> dict[str, str]:
    return {"weights": json.dumps(dict.fromkeys(parts, 0))} if parts else {}


ASKED: Mapping[str, Callable[[View], dict[str, str]]] = {
    "visual": lambda _: _without("colour", "category", "business"),
    "all": lambda _: _without(),
    "no_colour": lambda _: _without("colour"),
    "no_category": lambda _: _without("category"),
    "no_business": lambda _: _without("business"),
    "words_title": lambda view: {"text": _kind(view)},
    "words_title_no_text": lambda view: {"text": _kind(view), **_without("text")},
    "words_gender": lambda view: {"text": view.gender},
    "words_gender_no_attributes": lambda view: {"text": view.gender, **_without("attributes")},
    "words_colour": lambda view: {"text": f"in {view.colour}"} if view.colour else {},
}
"""Ways of searching: the form that goes with a view."""


def measured(data: Path, plots: Path) -> dict[str, float]:
    """name → number: R@1 and R@10 by style, R@1 by product and nDCG@10 of each way, and its gain in R@1 over looks
    alone, each with its 95 % interval.
    """
    views = read_views(data / "catalogue_luma")
    gallery = [view for view in views if view.view == "main"]
    styles = {view.product_id: view.style_id for view in gallery}
    dyed = recoloured()
    queries = [view for view in views if view.view != "main" and view.product_id in styles and view.product_id not in dyed]
    with tempfile.TemporaryDirectory(prefix="shoplens-eval-") as folder, serving(Path(folder) / "data") as client:
        _put(client, gallery)
        found = {name: _ask(client, queries, form, name) for name, form in ASKED.items()}
        report = _other_colours(client, gallery, queries, "other_colour")
        for view in gallery:
            said = {"attributes": {"item_group_id": view.style_id}}
            client.patch(f"/v1/products/{view.product_id}", json=said).raise_for_status()
        report |= _other_colours(client, gallery, queries, "other_colour_styled")
    report["parts_queries"] = len(queries)
    groups = [view.style_id for view in queries]
    first = {name: recall(each, lambda query, product: styles[product] == query.style_id, 1) for name, each in found.items()}
    for name, each in found.items():
        figures = {
            "style_r@1": first[name],
            "style_r@10": recall(each, lambda query, product: styles[product] == query.style_id, DEPTH),
            "product_r@1": recall(each, lambda query, product: product == query.product_id, 1),
            "ndcg@10": np.array([_ndcg(one, styles) for one in each]),
            "gain": first[name].astype(float) - first["visual"].astype(float),
        }
        for figure, values in figures.items():
            report |= row(f"parts_{name}_{figure}", values, groups)
    _plot(report, plots)
    return report


def _put(client: httpx.Client, gallery: Sequence[View]) -> None:
    for view in track(gallery, "putting the gallery"):
        product = {
            "title": view.title,
            "description": view.description,
            "category": view.category.split(";")[0],
            "attributes": {name: said for name, said in (("colour", view.colour), ("gender", view.gender)) if said},
            "images": [{"id": view.view, "content": base64.b64encode(view.path.read_bytes()).decode("ascii")}],
        }
        client.put(f"/v1/products/{view.product_id}", json=product).raise_for_status()


def _ask(client: httpx.Client, queries: Sequence[View], form: Callable[[View], dict[str, str]], name: str) -> list[Found]:
    found = []
    for view in track(queries, f"searching, {name}"):
        answer = client.post("/v1/search", files={"image": view.path.read_bytes()}, data={"top_k": str(TOP_K), **form(view)})
        answer.raise_for_status()
        found.append(Found(view, tuple(result["product_id"] for result in answer.json()["results"])))
    return found


def _other_colours(client: httpx.Client, gallery: Sequence[View], queries: Sequence[View], name: str) -> dict[str, float]:
    """Each photo with a wish for the next colour of its style: how often that very product comes first, and among the first ten."""
    styles: dict[str, dict[str, str]] = {}
    for view in gallery:
        if view.colour in lexicon().colours:
            styles.setdefault(view.style_id, {})[view.colour] = view.product_id
    wished: list[tuple[View, str]] = []
    for view in queries:
        others = sorted(colour for colour in styles.get(view.style_id, {}) if colour != view.colour)
        if others:
            wished.append((view, next((colour for colour in others if colour > view.colour), others[0])))
    targets = [styles[view.style_id][colour] for view, colour in wished]
    forms = {id(view): {"text": f"this, but in {colour}"} for view, colour in wished}
    found = _ask(client, [view for view, _ in wished], lambda view: forms[id(view)], name)
    report: dict[str, float] = {f"parts_{name}_queries": len(wished)}
    for k in (1, DEPTH):
        right = np.array([target in one.products[:k] for one, target in zip(found, targets, strict=True)])
        report |= row(f"parts_{name}_r@{k}", right, [view.style_id for view, _ in wished])
    return report


def _kind(view: View) -> str:
    """The last word of a title, which says what it is."""
    return view.title.split()[-1] if view.title.split() else ""


def _ndcg(one: Found, styles: Mapping[str, str]) -> float:
    gains = [1.0 if product == one.query.product_id else 0.5 * (styles[product] == one.query.style_id) for product in one.products]
    best = sorted(
        (1.0 if product == one.query.product_id else 0.5 for product in styles if styles[product] == one.query.style_id), reverse=True
    )
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    return float(np.dot(gains[:DEPTH], discount[: len(gains)]) / np.dot(best[:DEPTH], discount[: len(best)]))


def _plot(report: Mapping[str, float], folder: Path) -> None:
    """``parts.png``: the gain of each way over looks alone."""
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in ASKED if name != "visual"]
    gains = [report[f"parts_{name}_gain"] for name in names]
    reach = [[report[f"parts_{name}_gain"] - report[f"parts_{name}_gain_low"] for name in names]]
    reach += [[report[f"parts_{name}_gain_high"] - report[f"parts_{name}_gain"] for name in names]]
    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    axes.barh(names, gains, xerr=np.maximum(reach, 0), color="#27594a", ecolor="#8d877d", capsize=3)
    axes.axvline(0, color="#1d1c1a", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("gain in R@1 by style over looks alone, with 95 % intervals")
    figure.savefig(folder / "parts.png", dpi=120)
    pyplot.close(figure)
