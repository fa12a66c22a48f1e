"""Makes the reader of attributes again: ``python -m training.attributes --data DIR``; minutes on two cores, most of them the encoder's.

It reads features of the encoder that ships, so it is made after that, and anew with every new one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from services.encoder.engine import LiteRtEncoder
from services.ranker.attributes import AttributeReader
from shoplens.model_store import model_folder
from training.attributes.evaluate import scores
from training.attributes.lessons import Lessons, lessons, values
from training.attributes.network import weights_of
from training.attributes.train import EPOCHS, train

SEED = 7
FILE = "attributes.npz"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.attributes", description="Train the reader of attributes.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets of photos")
    parser.add_argument("--out", type=Path, default=Path("models/attributes/1"), help="the model's folder (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="how often each photo is seen (default: %(default)s)")
    options = parser.parse_args()

    encoder = LiteRtEncoder(model_folder("encoder"))
    seen = lessons(options.data, encoder, SEED)
    model = train(seen, SEED, options.epochs)
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / FILE, **weights_of(model))
    card = encoder.card()
    table = {
        "name": "attributes",
        "version": options.out.name,
        "file": FILE,
        "encoder": card.model,
        "attributes": [{"name": name, "values": known} for name, known in values().items()],
        "sources": [{"name": "studio_products, 92 % of the products", "licence": "photographers' terms unclear; training only"}],
    }
    (options.out / "manifest.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    print(table_of(AttributeReader.load(options.out, card), seen))


def table_of(reader: AttributeReader, seen: Lessons) -> str:
    """Precision and recall on the products held back, as lines of text."""
    lines = [f"{'':<10}{'number':>8}{'right':>8}{'forced':>8}{'from 0.5: precision, recall':>30}"]
    plain, forced, sure = scores(reader, seen), scores(reader, seen, forced=True), scores(reader, seen, sure=0.5)
    for name, score in plain.items():
        half = f"{sure[name].precision:.3f}, {sure[name].recall:.3f}"
        lines.append(f"{name:<10}{score.number:>8}{score.precision:>8.3f}{forced[name].precision:>8.3f}{half:>30}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
