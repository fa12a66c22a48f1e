"""What an index of fingerprints costs at a million, ten and fifty: ``python -m benchmarks.scale --data DIR``.

Codes are made of real ones, three photos' bits by majority, which keeps what real bits have in common; a tenth of them are near
copies of others, as far away as copies really are. Each query is such a copy, asked in all eight turns as the service asks. The
index is the service's own, sealed in a file and mapped into memory; recall is against brute force over all codes.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import faiss
import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.report import publish
from services.copies.codes import CellIndex
from services.copies.fingerprint import Codes, fingerprint
from training.copies.edits import edited
from training.copies.photos import training_photos

REPORT = Path("build/scale.json")
PLOT = Path("build/scale/fingerprints.png")
SEED = 9
CENTRES, CELLS = 4096, 48
NEAR_BITS = 56
"""What the service calls near; strangers are 128 bits apart, give or take 8."""

_MILDLY = ("jpeg", "shrink", "light", "noise", "blur")
_QUERIES, _PHOTOS, _CHUNK, _COPIED = 400, 4000, 1_000_000, 0.1
_PAPER = 200


def main(
    data: Annotated[Path, typer.Option(help="The folder that holds clothing_cc0/ and studio_products/.")],
    millions: Annotated[list[int] | None, typer.Option(help="Codes, in millions; once for each size.")] = None,
) -> None:
    """Build the index at each size, print the table, draw the plot."""
    real, flips = _real(data)
    rows = [_measured(real, flips, size) for size in millions or [1, 10, 50]]
    _table(rows)
    publish("Fingerprints", {f"fingerprints_{row['millions']:g}m_{name}": value for row in rows for name, value in row.items()}, REPORT)
    _plot(rows)


def _real(data: Path) -> tuple[Codes, np.ndarray]:
    """Fingerprints of photos ``[n, 32]``, and by how many bits copies that were merely saved worse differ."""
    photos = training_photos(data)
    rng = np.random.default_rng(SEED)
    codes, flips = [], []
    for row in track(rng.choice(len(photos), _PHOTOS, replace=False), "fingerprints"):
        pixels = photos[row].read()
        codes.append(fingerprint(pixels)[0])
        if len(flips) < _QUERIES:
            copy = edited(pixels, rng, [], kinds=[str(rng.choice(_MILDLY))])
            flips.append(int(np.unpackbits(codes[-1] ^ fingerprint(copy.pixels)[0]).sum()))
    known = np.array([bits for bits in flips if bits <= NEAR_BITS])
    return np.stack(codes), known


def _made(real: Codes, flips: np.ndarray, count: int, rng: np.random.Generator) -> Codes:
    """``[count, 32]``; the last tenth are near copies of the first."""
    one, two, three = (real[rng.integers(0, len(real), count)] for _ in range(3))
    codes = (one & two) | (two & three) | (one & three)
    copies = int(count * _COPIED)
    codes[count - copies :] = _near(codes[:copies], flips, rng)
    return codes


def _near(codes: Codes, flips: np.ndarray, rng: np.random.Generator) -> Codes:
    bits = rng.choice(flips, len(codes)).astype(np.uint8)
    return codes ^ np.packbits(rng.integers(0, 256, (len(codes), 256), np.uint8) < bits[:, None], axis=1)


def _measured(real: Codes, flips: np.ndarray, millions: int) -> dict[str, float]:
    rng = np.random.default_rng((SEED, millions))
    with tempfile.TemporaryDirectory(prefix="shoplens-scale-") as folder:
        file = Path(folder) / "fingerprints"
        index, codes = CellIndex(_made(real, flips, CENTRES, rng), cells=CELLS), []
        started = time.perf_counter()
        for start in track(range(0, millions * 1_000_000, _CHUNK), f"{millions} million"):
            codes.append(_made(real, flips, _CHUNK, rng))
            index.add(codes[-1], np.arange(start, start + _CHUNK))
        built_s = time.perf_counter() - started
        index.seal(file)
        every = np.concatenate(codes)
        del codes
        added_a_second = _adding(index, _made(real, flips, 50_000, rng), len(every))
        queries = _near(every[rng.integers(0, len(every), _QUERIES)], flips, rng)
        took_ms, found = _searched(index, queries, rng)
        return {
            "millions": millions,
            "bytes_an_item": file.stat().st_size / len(every),
            "built_s": built_s,
            "p50_ms": float(np.percentile(took_ms, 50)),
            "p99_ms": float(np.percentile(took_ms, 99)),
            "recall": _recall(every, queries, found),
            "added_a_second": added_a_second,
            "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        }


def _adding(index: CellIndex, codes: Codes, first: int) -> float:
    """Codes a second, a hundred at a time, while the sealed part serves."""
    started = time.perf_counter()
    for start in range(0, len(codes), 100):
        index.add(codes[start : start + 100], np.arange(first + start, first + start + 100))
    return len(codes) / (time.perf_counter() - started)


def _searched(index: CellIndex, queries: Codes, rng: np.random.Generator) -> tuple[list[float], np.ndarray]:
    """Milliseconds a query of eight codes, and the distance of the nearest that was found to the first of them ``[n]``."""
    took, nearest = [], []
    for query in queries:
        eight = np.concatenate([query[None], rng.integers(0, 256, (7, 32)).astype(np.uint8)])
        started = time.perf_counter()
        distances, _ = index.search(eight, 8)
        took.append((time.perf_counter() - started) * 1000)
        nearest.append(distances[0, 0])
    return took, np.array(nearest)


def _recall(every: Codes, queries: Codes, found: np.ndarray) -> float:
    """Of the queries with a code within NEAR_BITS, those whose nearest was found."""
    best = np.full(len(queries), 256)
    for start in range(0, len(every), _CHUNK):
        flat = faiss.IndexBinaryFlat(256)
        flat.add(every[start : start + _CHUNK])
        best = np.minimum(best, flat.search(queries, 1)[0][:, 0])
    there = best <= NEAR_BITS
    return float((found[there] <= best[there]).mean())


def _table(rows: Sequence[dict[str, float]]) -> None:
    table = Table(title="Fingerprints of 256 bits, near copies included; sealed in a file, mapped into memory")
    names = list(rows[0])
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{row[name]:.4g}" for name in names))
    last = rows[-1]
    by = _PAPER / last["millions"]
    paper = {
        "millions": _PAPER,
        "bytes_an_item": last["bytes_an_item"],
        "built_s": last["built_s"] * by,
        "p50_ms": last["p50_ms"] * by,
        "p99_ms": last["p99_ms"] * by,
    }
    table.add_row(*(f"{paper[name]:.4g} *" if name in paper else "" for name in names))
    Console().print(table)
    Console().print(f"* extrapolated, in proportion to the codes; {_PAPER * last['bytes_an_item'] / 1000:.1f} GB of file. Not measured.")


def _plot(rows: Sequence[dict[str, float]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    sizes = [row["millions"] for row in rows]
    for name, label in (("p50_ms", "p50"), ("p99_ms", "p99")):
        axes.plot(sizes, [row[name] for row in rows], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="million fingerprints", ylabel="ms a query of eight codes", title="What a search costs")
    axes.legend()
    figure.savefig(PLOT, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
