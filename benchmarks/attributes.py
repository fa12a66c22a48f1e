"""How well attributes are read of products that taught nothing: precision and recall, of all that is said and of what is likely."""

from __future__ import annotations

from pathlib import Path

from services.encoder.engine import LiteRtEncoder
from services.ranker.attributes import AttributeReader
from shoplens.model_store import model_folder
from training.attributes.evaluate import scores
from training.attributes.lessons import held_back

LIKELY = 0.5


def measured(data: Path) -> dict[str, float]:
    """The table of ``make eval`` for attributes: name → number, on the held-back products of ``data/studio_products``."""
    encoder = LiteRtEncoder(model_folder("encoder"))
    reader, seen = AttributeReader.load(model_folder("attributes"), encoder.card()), held_back(data, encoder)
    report: dict[str, float] = {"attribute_photos": len(seen.kinds)}
    for name, score in scores(reader, seen).items():
        report |= {f"attribute_{name}": score.precision, f"attribute_{name}_low": score.low, f"attribute_{name}_high": score.high}
    likely = scores(reader, seen, sure=LIKELY)["all"]
    return report | {"attribute_likely_precision": likely.precision, "attribute_likely_recall": likely.recall}
