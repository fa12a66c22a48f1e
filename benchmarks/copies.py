"""How many edited copies of a picture are found, how many look-alikes are taken for one, and how exactly a copy is placed.

The references are shop photos (``catalogue_luma``, main views) and phone photos by senders whose photos taught nothing. Queries
are copies under one to three random edits, strangers under the same edits, and other colours of the same style: photos that
shops recoloured. Perceptual hashes are asked the same questions, each with its eight turns and mirrors.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from benchmarks.failures import tile
from services.copies.engine import CopyFinder
from shoplens.domain import Copy, Picture, Pixels
from shoplens.images import content_hash
from shoplens.model_store import model_folder
from training.copies.cases import differ
from training.copies.edits import GEOMETRIC, Edited, edited
from training.copies.photos import Photo, phone_photos, rows

SEED = 5
REFERENCES, QUERIES, PAIRS = 1293, 400, 148
_FILLERS = 150
_TRUE, _FALSE = (39, 89, 74), (154, 52, 18)
_UNIT = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float64)
_TILE = 150
_KINDS_SHOWN = 28


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the reference that it is a copy of (None: of none), and what was done to it."""

    made: Edited
    original: int | None


@dataclass(slots=True)
class Answers:
    """What was said of each question: references with how sure that is, the surest first; and milliseconds, each."""

    said: list[list[tuple[int, float]]] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Course:
    """The measurement's pictures. ``pairs``: other colours of one style, as rows of the references."""

    references: Sequence[Photo]
    copies: Sequence[Question]
    strangers: Sequence[Question]
    pairs: Sequence[tuple[int, int]]


def course(data: Path) -> Course:
    """The same pictures every time."""
    views = rows(data / "catalogue_luma")
    main = [row for row in views if row["view"] == "main"]
    # Not the other views from the front: some of those are details of the main view, and so copies of it.
    other = [Photo(data / "catalogue_luma" / row["path"]) for row in views if row["view"] == "back"]
    phone = phone_photos(data, held_back=True)
    references = [Photo(data / "catalogue_luma" / row["path"]) for row in main] + phone[: REFERENCES - len(main)]
    unknown = other + phone[REFERENCES - len(main) :][: QUERIES - len(other)]
    fillers = [photo.read() for photo in phone[-_FILLERS:]]
    copies = []
    for number in track(range(QUERIES), "editing copies"):
        rng = np.random.default_rng((SEED, number))
        original = int(rng.integers(len(references)))
        copies.append(Question(edited(references[original].read(), rng, fillers), original))
    strangers = [
        Question(edited(photo.read(), np.random.default_rng((SEED + 1, number)), fillers), None)
        for number, photo in enumerate(track(unknown, "editing strangers"))
    ]
    siblings = [
        (one, two)
        for one, first in enumerate(main)
        for two, second in enumerate(main)
        if one != two and first["style_id"] == second["style_id"] and first["colour"] != second["colour"]
    ]
    chosen = [siblings[row] for row in np.random.default_rng(SEED).permutation(len(siblings))]
    # Some colours are shown by the same picture.
    pairs = [(one, two) for one, two in chosen if differ(references[one].read(), references[two].read())]
    return Course(references, copies, strangers, pairs[:PAIRS])


def measured(data: Path, figures: Path) -> dict[str, float]:
    """The table of ``make eval`` for copies: name → number. Pictures of what was found and missed go to the folder ``figures``."""
    taken = course(data)
    figures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shoplens-copies-") as folder:
        report = _ours(taken, Path(folder) / "copies.db", figures)
    for name, hashed in _PEERS.items():
        report |= _peer(name, hashed, taken)
    return report


def _ours(taken: Course, store: Path, figures: Path) -> dict[str, float]:
    pictures = [_picture(photo.read()) for photo in taken.references]
    numbers = {picture.content_hash: number for number, picture in enumerate(pictures)}
    with CopyFinder(model_folder("copies"), store) as finder:
        for picture in track(pictures, "adding references"):
            finder.add(picture)
        finder.wait_until_linked(3600)
        asked = [_picture(question.made.pixels) for question in (*taken.copies, *taken.strangers)]
        answers, changes = Answers(), []
        for picture in track(asked, "searching"):
            started = time.perf_counter()
            found = finder.find(picture)
            answers.took_ms.append((time.perf_counter() - started) * 1000)
            answers.said.append([(numbers[copy.content_hash], copy.probability) for copy in found])
            changes.append(found)
        exact_ms = []
        for picture in pictures[:: len(pictures) // 100]:
            started = time.perf_counter()
            finder.find(picture)
            exact_ms.append((time.perf_counter() - started) * 1000)
        recoloured = [
            finder.among(Picture(pictures[one].pixels, "0" * 64, pictures[one].width, pictures[one].height), [pictures[two].content_hash])
            for one, two in track(taken.pairs, "other colours")
        ]
    report = _judged("copies", taken, answers)
    report["copies_other_colours_false"] = sum(bool(found) for found in recoloured)
    report["copies_other_colours"] = len(taken.pairs)
    geometric, every = _corner_errors(taken, changes, pictures)
    report["copies_corner_error"] = float(np.mean(every))
    report["copies_corner_error_geometric"] = float(np.mean(geometric))
    report["copies_ms_p50"], report["copies_ms_p95"] = (float(value) for value in np.percentile(answers.took_ms, [50, 95]))
    report["copies_exact_ms_p95"] = float(np.percentile(exact_ms, 95))
    _draw(taken, answers, figures)
    return report


def _judged(name: str, taken: Course, answers: Answers) -> dict[str, float]:
    questions = [*taken.copies, *taken.strangers]
    copies = answers.said[: len(taken.copies)]
    first = np.array([bool(said) and said[0][0] == question.original for said, question in zip(copies, taken.copies, strict=True)])
    spread = 1.96 * np.sqrt(first.mean() * (1 - first.mean()) / len(first))
    return {
        f"{name}_references": len(taken.references),
        f"{name}_queries": len(taken.copies),
        f"{name}_r@1": float(first.mean()),
        f"{name}_r@1_low": float(first.mean() - spread),
        f"{name}_r@1_high": float(first.mean() + spread),
        f"{name}_uap": micro_average_precision(questions, answers.said),
        f"{name}_strangers": len(taken.strangers),
        f"{name}_strangers_false": sum(bool(said) for said in answers.said[len(taken.copies) :]),
    }


def micro_average_precision(questions: Sequence[Question], said: Sequence[Sequence[tuple[int, float]]]) -> float:
    """Of all answers to all questions in one order (Douze et al. 2021): precision at each right one, over all that could be right."""
    pool = sorted(
        ((sure, number == question.original) for question, answers in zip(questions, said, strict=True) for number, sure in answers),
        key=lambda answer: -answer[0],
    )
    right = np.cumsum([correct for _, correct in pool])
    precisions = [right[place] / (place + 1) for place, (_, correct) in enumerate(pool) if correct]
    return float(sum(precisions) / sum(question.original is not None for question in questions))


def _corner_errors(taken: Course, changes: Sequence[Sequence[Copy]], pictures: Sequence[Picture]) -> tuple[list[float], list[float]]:
    """How far the original's corners land from where they are, in parts of its width: of queries that were moved, and of all."""
    geometric, every = [], []
    for question, found in zip(taken.copies, changes[: len(taken.copies)], strict=True):
        if question.original is None or not found or found[0].content_hash != pictures[question.original].content_hash:
            continue
        back = np.vstack([np.asarray(found[0].change.affine), [0, 0, 1]])
        landed = cv2.perspectiveTransform(cv2.perspectiveTransform(_UNIT, question.made.placed), back)
        width, height = pictures[question.original].width, pictures[question.original].height
        error = float(np.linalg.norm((landed - _UNIT)[0] * [1, height / width], axis=1).mean())
        every.append(error)
        if GEOMETRIC & set(question.made.kinds):
            geometric.append(error)
    return geometric, every


Hash = Callable[[Pixels], NDArray[np.bool_]]
"""Pixels to codes ``[turns, bits]``: the picture's own first, then its turns and mirrors."""


def _pdq(pixels: Pixels) -> NDArray[np.bool_]:
    codes, _ = pdqhash.compute_dihedral(np.ascontiguousarray(pixels))
    return np.asarray(codes) > 0


def _phash(pixels: Pixels) -> NDArray[np.bool_]:
    return np.stack(
        [imagehash.phash(Image.fromarray(np.ascontiguousarray(turned)), hash_size=16).hash.ravel() for turned in _turns(pixels)]
    )


def _turns(pixels: Pixels) -> Iterator[Pixels]:
    for side in (pixels, pixels[:, ::-1]):
        for quarter in range(4):
            yield np.rot90(side, quarter)


_PEERS: dict[str, Hash] = {"pdq": _pdq, "phash": _phash}


def _peer(name: str, hashed: Hash, taken: Course) -> dict[str, float]:
    """The nearest reference of all is the answer, and the share of equal bits how sure it is. A hash has no threshold of its own."""
    known = np.stack([hashed(photo.read())[0] for photo in track(taken.references, name)]).astype(np.float32) * 2 - 1
    answers = Answers()
    for question in track([*taken.copies, *taken.strangers], name):
        codes = hashed(question.made.pixels).astype(np.float32) * 2 - 1
        equal = (codes @ known.T).max(axis=0) / known.shape[1] / 2 + 0.5
        nearest = int(equal.argmax())
        answers.said.append([(nearest, float(equal[nearest]))])
    report = _judged(name, taken, answers)
    return {key: report[key] for key in (f"{name}_r@1", f"{name}_uap")}


def _picture(pixels: Pixels) -> Picture:
    contiguous = np.ascontiguousarray(pixels)
    height, width = contiguous.shape[:2]
    return Picture(contiguous, content_hash(contiguous.tobytes()), width, height)


def _draw(taken: Course, answers: Answers, figures: Path) -> None:
    """Sheets of what was found and missed, and a plot of recall by edit and of how far the probability can be believed."""
    right = [bool(said) and said[0][0] == question.original for said, question in zip(answers.said, taken.copies, strict=False)]
    found = [number for number, good in enumerate(right) if good][:_KINDS_SHOWN]
    missed = [number for number, good in enumerate(right) if not good][:_KINDS_SHOWN]
    for name, numbers in (("copies_found", found), ("copies_missed", missed)):
        if numbers:
            sheet = _sheet(taken, numbers)
            Image.fromarray(sheet).save(figures / f"{name}.png")
    _plot(taken, right, answers, figures / "copies.png")


def _sheet(taken: Course, numbers: Sequence[int]) -> Pixels:
    tiles = []
    for number in numbers:
        question = taken.copies[number]
        assert question.original is not None
        pair = (question.made.pixels, taken.references[question.original].read())
        tiles.append(np.vstack([tile(pixels, _TILE) for pixels in pair]))
    while len(tiles) % 7:
        tiles.append(np.full((2 * _TILE, _TILE, 3), 255, np.uint8))
    return np.vstack([np.hstack(tiles[start : start + 7]) for start in range(0, len(tiles), 7)])


def _plot(taken: Course, right: Sequence[bool], answers: Answers, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    kinds = sorted({kind for question in taken.copies for kind in question.made.kinds})
    shares = {
        kind: np.mean([good for good, question in zip(right, taken.copies, strict=True) if kind in question.made.kinds]) for kind in kinds
    }
    kinds.sort(key=lambda kind: shares[kind])
    figure, (bars, belief) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    bars.barh(kinds, [shares[kind] for kind in kinds], color=np.array(_TRUE) / 255)
    bars.set(title="Copies found, by edit among their one to three", xlim=(0, 1), xlabel="R@1")
    pool = [
        (sure, number == question.original)
        for said, question in zip(answers.said, [*taken.copies, *taken.strangers], strict=True)
        for number, sure in said
    ]
    edges = np.array([0.0, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0])
    for low, high in itertools.pairwise(edges):
        some = [(sure, correct) for sure, correct in pool if low < sure <= high]
        if some:
            belief.scatter(
                np.mean([sure for sure, _ in some]),
                np.mean([correct for _, correct in some]),
                s=20 + len(some),
                color=np.array(_FALSE) / 255,
            )
    belief.plot([0.5, 1], [0.5, 1], color="grey", linewidth=1)
    belief.set(
        title="Of what is told, how much is right",
        xlabel="probability told",
        ylabel="share that is right",
        xlim=(0.5, 1.01),
        ylim=(0.5, 1.01),
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)
