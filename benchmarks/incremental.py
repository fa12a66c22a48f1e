"""A catalogue computed at once, and again after one picture in a hundred has changed: ``python -m benchmarks.incremental``.

The pictures are made by editing the demo's photos: cut, mirrored, lit and saved differently, each another file. Spark's own start is
taken off: the time of a run in which there is nothing to do but to look at a single picture.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image, ImageEnhance, ImageOps
from rich.progress import track

from benchmarks.report import publish
from services.standalone.demo import load_demo
from services.standalone.places import demo_cache

REPORT = Path("build/bench.json")
CHANGED = 100
"""One picture in so many."""


def main(
    pictures: Annotated[int, typer.Option(help="How many.")] = 20_000,
    spark: Annotated[str, typer.Option(help="Spark's master.")] = "local[2]",
) -> None:
    """Compute twice, and print the table."""
    with tempfile.TemporaryDirectory(prefix="shoplens-incremental-") as home:
        folder = Path(home)
        photos = [image.content for draft in load_demo(demo_cache()).drafts for image in draft.images if image.content is not None]
        feed, single = folder / "feed", folder / "single"
        feed.mkdir()
        single.mkdir()
        for number in track(range(pictures), "making pictures"):
            _make(feed / f"{number:06}.jpg", photos[number % len(photos)], number)
        _make(single / "0.jpg", photos[0], pictures)
        _compute(single, folder / "other", spark)
        start_s, _ = _compute(single, folder / "other", spark)
        first_s, first = _compute(feed, folder / "features", spark)
        for number in range(0, pictures, CHANGED):
            _make(feed / f"{number:06}.jpg", photos[number % len(photos)], pictures + 1 + number)
        second_s, second = _compute(feed, folder / "features", spark)
        size = sum(file.stat().st_size for file in (folder / "features").rglob("*.parquet"))
    publish(
        "A catalogue computed again after a change",
        {
            "incremental_pictures": float(pictures),
            "incremental_start_s": start_s,
            "incremental_first_s": first_s,
            "incremental_first_computed": float(first["computed"]),
            "incremental_first_a_second": first["computed"] / (first_s - start_s),
            "incremental_second_s": second_s,
            "incremental_second_computed": float(second["computed"]),
            "incremental_second_over_first": (second_s - start_s) / (first_s - start_s),
            "incremental_bytes_a_picture": size / (first["computed"] + second["computed"]),
        },
        REPORT,
    )


def _make(path: Path, photo: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = Image.open(BytesIO(photo)).convert("RGB")
    image.thumbnail((400, 500))
    width, height = image.size
    left, top = (int(rng.uniform(0, 0.2) * size) for size in (width, height))
    image = image.crop((left, top, width - int(rng.uniform(0, 0.2) * width), height - int(rng.uniform(0, 0.2) * height)))
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
    ImageEnhance.Color(image).enhance(rng.uniform(0.6, 1.4)).save(path, quality=int(rng.integers(70, 95)))


def _compute(feed: Path, features: Path, spark: str) -> tuple[float, dict[str, Any]]:
    call = [sys.executable, "-m", "services.standalone.cli", "compute", str(feed), "--features", str(features), "--spark", spark, "--json"]
    begun = time.perf_counter()
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return time.perf_counter() - begun, told


if __name__ == "__main__":
    typer.run(main)
