"""How long a question about copies takes among a hundred thousand pictures: ``python -m benchmarks.copies_at_scale --data DIR``.

Some of the pictures are photos, signed by the service's own code. The rest are made of their signatures, each local feature and
each code from some other photo's, so that words and bits are spread as real ones are; they are written straight into the store, for
signing takes a tenth of a second. Asked are edited copies of the photos, by one caller, and the photos themselves.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.report import publish
from services.copies.engine import CopyFinder
from services.copies.fingerprint import Codes
from services.copies.signature import Signature, Signer
from services.copies.store import SignatureStore, row_of
from shoplens.domain import Picture, Pixels
from shoplens.images import content_hash
from shoplens.model_store import model_folder
from training.copies.edits import edited
from training.copies.photos import phone_photos

REPORT = Path("build/scale.json")
SEED = 17
QUESTIONS = 200
_AT_ONCE = 1_000
_BITS_OFF = 0.2
"""Of a made code's bits, those that are not the photo's: as far as strangers that look alike are from one another."""

_console = Console()


def main(
    data: Annotated[Path, typer.Option(help="The folder that holds clothing_cc0/.")],
    pictures: Annotated[int, typer.Option(help="Pictures that are known.")] = 100_000,
    photos: Annotated[int, typer.Option(help="Those of them that are photos.")] = 600,
) -> None:
    """Fill a store, open it, ask, print the table."""
    known = [photo.read() for photo in phone_photos(data, held_back=True)[:photos]]
    model = model_folder("copies")
    signer = Signer.load(model)
    real = [signer.sign(_picture(pixels)) for pixels in track(known, "signing", console=_console)]
    with tempfile.TemporaryDirectory(prefix="shoplens-copies-") as folder:
        store = Path(folder) / "copies.db"
        _fill(store, signer.maker.rpartition(":")[2], real, pictures)
        begun = time.perf_counter()
        finder = CopyFinder(model, store)
        first_s = time.perf_counter() - begun
        finder.close()
        begun = time.perf_counter()
        with CopyFinder(model, store) as finder:
            again_s = time.perf_counter() - begun
            report = {"copies_scale_pictures": pictures, "copies_scale_open_s": first_s, "copies_scale_open_sealed_s": again_s}
            publish("Copies at scale", report | _asked(finder, known), REPORT)


def _fill(path: Path, version: str, real: Sequence[Signature], count: int) -> None:
    """All in few commits, and as if their copies had been looked for: this is not about writing."""
    SignatureStore(path, version).close()
    columns = "version, content_hash, width, height, fingerprint, codes, keypoints, thumbnail, linked"
    signatures = chain(real, _made(real, count - len(real)))
    with closing(sqlite3.connect(path)) as database:
        for _ in track(range(-(-count // _AT_ONCE)), "writing", console=_console):
            rows = [row_of(version, signature) for signature in islice(signatures, _AT_ONCE)]
            with database:
                database.executemany(f"INSERT INTO signatures ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)", rows)


def _made(real: Sequence[Signature], count: int) -> Iterator[Signature]:
    """As many more, like those."""
    descriptors = np.concatenate([each.keypoints.descriptors for each in real])
    rng = np.random.default_rng(SEED)
    for number in range(count):
        like = real[int(rng.integers(len(real)))]
        points = like.keypoints
        yield replace(
            like,
            content_hash=content_hash(number.to_bytes(8, "big")),
            fingerprint=_turned(like.fingerprint, rng),
            codes=_turned(like.codes, rng),
            keypoints=replace(points, descriptors=descriptors[rng.integers(0, len(descriptors), len(points))]),
        )


def _turned(codes: Codes, rng: np.random.Generator) -> Codes:
    off = np.packbits(rng.random((len(codes), codes.shape[1] * 8)) < _BITS_OFF, axis=1)
    return codes ^ off


def _asked(finder: CopyFinder, photos: Sequence[Pixels]) -> dict[str, float]:
    """Milliseconds of a question, and whether the original was told first; of edited copies, and of the photos themselves."""
    fillers, found, edited_ms, exact_ms = photos[:20], [], [], []
    originals = [_picture(pixels) for pixels in photos]
    for number in track(range(QUESTIONS), "asking", console=_console):
        rng = np.random.default_rng((SEED, number))
        original = originals[int(rng.integers(len(originals)))]
        question = _picture(edited(original.pixels, rng, fillers).pixels)
        begun = time.perf_counter()
        copies = finder.find(question)
        edited_ms.append((time.perf_counter() - begun) * 1000)
        found.append(bool(copies) and copies[0].content_hash == original.content_hash)
        begun = time.perf_counter()
        finder.find(original)
        exact_ms.append((time.perf_counter() - begun) * 1000)
    report = {"copies_scale_r@1": float(np.mean(found))}
    for name, took in (("edited", edited_ms), ("exact", exact_ms)):
        report |= {f"copies_scale_{name}_p{share}_ms": float(np.percentile(took, share)) for share in (50, 95, 99)}
    return report


def _picture(pixels: Pixels) -> Picture:
    return Picture(pixels, content_hash(pixels.tobytes()), pixels.shape[1], pixels.shape[0])


if __name__ == "__main__":
    typer.run(main)
