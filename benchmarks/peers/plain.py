"""Camera search as a first version is written: one FastAPI route, the same models, an HNSW index of FAISS; no queue, no ranking.

``python -m benchmarks.peers.plain PORT DATA`` serves the pictures of a catalogue that shoplens loaded into ``DATA``. It does less than
shoplens does (no colours in its order, no filters, no categories, no limits), with the same two models, so it is a demanding peer.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any

import services  # noqa: F401 - before numpy's threads start

# isort: split
import faiss
import numpy as np
import uvicorn
from ai_edge_litert.interpreter import Interpreter
from fastapi import FastAPI, File
from PIL import Image

from services.detector.engine import Selection, select
from services.detector.geometry import Letterbox
from shoplens.domain import WHOLE_FRAME
from shoplens.model_store import model_folder
from shoplens.models import Manifest
from shoplens.scaling import scaled


class Model:
    """A model per thread would take its multiple of memory, so a first version has one, and a lock: here the server's one thread."""

    def __init__(self, part: str) -> None:
        self.manifest = Manifest.load(model_folder(part))
        interpreter = Interpreter(model_path=str(self.manifest.path), num_threads=2)
        (name, signature), *_ = interpreter.get_signature_list().items()
        self._input, self._run = signature["inputs"][0], interpreter.get_signature_runner(name)

    def __call__(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return dict(self._run(**{self._input: batch}))


detector, encoder = Model("detector"), Model("encoder")
selection = Selection.of(detector.manifest)
app = FastAPI()
known: list[str] = []
index = faiss.IndexHNSWFlat(encoder.manifest.outputs["embedding"].shape[0], 32, faiss.METRIC_INNER_PRODUCT)


def embeddings(pixels: np.ndarray) -> np.ndarray:
    """Of the frame and of the likeliest region."""
    spec = detector.manifest.input
    place = Letterbox.fit(pixels.shape[1], pixels.shape[0], spec.width, spec.height)
    seen = detector(spec.normalise(place.draw(pixels))[None])
    found = select(seen["scores"][0], seen["boxes"][0], place, selection)
    height, width = pixels.shape[:2]
    crops = [WHOLE_FRAME.crop(pixels)]
    if len(found.scores) and found.scores[0] >= 0.5:
        x0, y0, x1, y1 = (found.boxes[0] * [width, height, width, height]).astype(int)
        crops.append(pixels[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)])
    spec = encoder.manifest.input
    return encoder(spec.normalise(np.stack([scaled(crop, spec.width, spec.height) for crop in crops])))["embedding"]


@app.post("/v1/search")
async def search(image: Annotated[bytes, File()]) -> dict[str, Any]:
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
    likeness, rows = index.search(embeddings(pixels), 20)
    best = sorted(zip(likeness.ravel().tolist(), rows.ravel().tolist(), strict=True), reverse=True)[:20]
    return {"results": [{"image": known[row], "score": score} for score, row in best if row >= 0]}


def main() -> None:
    port, data = int(sys.argv[1]), Path(sys.argv[2])
    for path in sorted(path for path in (data / "pictures").rglob("*") if path.is_file()):
        try:
            pixels = np.asarray(Image.open(path).convert("RGB"))
        except OSError:
            continue
        index.add(embeddings(pixels)[:1])
        known.append(path.name)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
