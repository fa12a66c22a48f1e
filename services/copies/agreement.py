"""Pixel against pixel: whether a query, laid over a catalogue picture, is that picture, and what was done to its colours.

Local features cannot tell a copy from another product shot with the same hands on the same hips: shops recolour one photo for
every colour of a style. What tells them apart is that an edit recolours **everything by one rule**, while a recoloured garment
follows a rule of its own. So the rule is searched for (all hues turned, or turned grey, then light, contrast and gamma a
channel), and what does not follow it is looked at: where the edges are still the picture's, something in it was recoloured;
where they are not, something was laid over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.copies.geometry import Matrix
from services.copies.laying import lay
from shoplens.domain import Pixels

Floats = NDArray[np.float32]

_SIDE = 160
"""The overlap is compared at this size, in pixels of its longer side."""

_CELL = 4
"""Colours are compared by the mean of so many pixels squared, which noise and JPEG leave alone."""

GRID, CHANNELS = _SIDE // _CELL, 13
"""Of what is handed on to judge by, see :class:`Agreement`."""

DISTANCE = 9
"""The channel of these that says how far a cell is off the rule."""

_OFF_LEAST, _OFF_MOST, _OFF_SPREAD = 0.05, 0.11, 4.0
"""A cell is off the rule when its worst channel is off by so many times the median cell, within these bounds (0..1)."""

_WHOLLY_OFF = 0.12
"""A cell that is so much further off counts whole, one between in part."""

_FOREIGN, _OWN = 0.25, 0.75
"""Edges that agree by less are another picture's, by more this one's; see :func:`_edges`."""

_GAMMAS = (0.6, 0.8, 1.0, 1.25, 1.6)
_STRENGTHS = (0.3, 0.6, 1.4, 1.8)
_NEARER = (0.84, 0.92, 1.09, 1.19)
_TURNED_NEARER = (-4, -2, 2, 4)
"""How the best of these coarse steps is varied, to find one between them."""
_TURNS = tuple(range(6, 180, 6))
_EXTRA = 0.002
_PRICES = {"none": 0.0, "grey": 0.002, "hue": 0.004}

_COLOURLESS = 0.02
"""A query whose channels differ by less on average has no hues to turn."""

_WELL_EXPLAINED = 0.01
"""A rule from which colours are off by less on average need not be beaten."""

_SAMPLE = 180
"""Cells by which a rule is chosen, about."""

_WINDOW = (13, 13)
_LIGHTNESS = np.array([[0.299], [0.587], [0.114]], np.float32)
_LEAST_CELLS = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a query laid over a catalogue picture agrees with it. Shares are of the overlap, 0..1.

    overlap: the share of the catalogue picture that the query shows. query_overlap: the share of the query that shows it.
    structure: how far edges agree, 0..1. correlation: of lightness after the colour rule, −1..1.
    residual: the median distance of colours from the rule. recoloured: cells off the rule, edges kept, in parts of the subject (what
    is not ground). covered: the same with foreign edges. rule: ``none``, ``hue`` or ``grey``. gain: the rule's mean contrast.
    """

    overlap: float
    query_overlap: float
    structure: float
    correlation: float
    residual: float
    recoloured: float
    covered: float
    rule: str
    gain: float
    maps: Floats


def agreement(query: Pixels, reference: Pixels, matrix: Matrix) -> Agreement | None:
    """Compare a query with a catalogue picture, ``matrix`` taking the query's relative coordinates to the picture's.

    None where they overlap by too little to tell.
    """
    laid = lay(query, reference, matrix, _SIDE)
    if laid is None:
        return None
    seen, shown, valid = laid.seen, laid.shown, laid.valid
    cells, counted = _cells(seen, shown, valid)
    if counted.sum() < _LEAST_CELLS:
        return None
    of_query, of_reference = cells[0][counted], cells[1][counted]
    rule, fitted, gain = _rule(of_query, of_reference)
    distance = _distance(cells[0], counted, fitted)
    limit = min(max(_OFF_SPREAD * float(np.median(distance)), _OFF_LEAST), _OFF_MOST)
    off = np.zeros(counted.shape, np.float32)
    off[counted] = np.clip((distance - limit) / _WHOLLY_OFF, 0, 1)
    edges, weight = _edges(seen, shown, valid)
    recoloured, covered = _off_rule(off, counted, edges, weight, _subject(of_reference))
    following = distance <= limit
    return Agreement(
        overlap=laid.overlap,
        query_overlap=laid.query_overlap,
        structure=float((edges * weight).sum() / (weight.sum() + 1e-6)),
        correlation=_correlation(fitted[following].mean(axis=1), of_query[following].mean(axis=1)),
        residual=float(np.median(distance)),
        recoloured=recoloured,
        covered=covered,
        rule=rule,
        gain=gain,
        maps=_maps(cells, counted, fitted, distance, edges, weight),
    )


def _cells(seen: Pixels, shown: Pixels, valid: NDArray[np.bool_]) -> tuple[tuple[Floats, Floats], NDArray[np.bool_]]:
    """Mean colours of cells, ``[rows, columns, 3]`` 0..1, and which cells lie wholly in the overlap."""
    high, wide = valid.shape[0] // _CELL, valid.shape[1] // _CELL
    size, cut = (wide, high), (slice(high * _CELL), slice(wide * _CELL))
    means = [
        np.asarray(cv2.resize(pixels[cut], size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255) for pixels in (seen, shown)
    ]
    share = cv2.resize(valid[cut].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return (means[0], means[1]), share > 0.99


def _distance(of_query: Floats, counted: NDArray[np.bool_], fitted: Floats) -> Floats:
    """How far each counted cell is from what the rule says of it and its neighbours: a placement is a little off here and there."""
    expected = np.empty((*counted.shape, 3), np.float32)
    kernel = np.ones((3, 3), np.uint8)
    # Outside the overlap nothing is expected, so that nothing there widens a range.
    expected[~counted], expected[counted] = 2.0, fitted
    lowest = cv2.erode(expected, kernel)[counted]
    expected[~counted] = -1.0
    highest = cv2.dilate(expected, kernel)[counted]
    seen = of_query[counted]
    return _worst(np.maximum(np.maximum(lowest - seen, seen - highest), 0))


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule for all colours: hues turned by ``turn`` (OpenCV's 0..180) and colours' strength, then gamma, then a level.

    level: ``white``, a gain for each channel and one offset, as light and white balance have it; ``veil``, one gain and an offset
    for each channel, as a colour laid over the picture has it; ``plain``, one of each. A gain and an offset for each channel would
    make green trousers of black ones.
    """

    name: str
    level: str
    turn: int = 0
    strength: float = 1.0
    gamma: float = 1.0

    @property
    def price(self) -> float:
        """What it must explain more than a rule that does nothing."""
        return _PRICES[self.name] + _EXTRA * ((self.gamma != 1.0) + (self.strength not in (0.0, 1.0)) + (self.level == "veil"))

    def nearer(self) -> list[_Rule]:
        """Rules between this one and the next ones of its kind."""
        if self.turn:
            return [replace(self, turn=(self.turn + by) % 180) for by in _TURNED_NEARER]
        if self.strength not in (0.0, 1.0):
            return [replace(self, strength=self.strength * by) for by in _NEARER]
        return [replace(self, gamma=self.gamma * by) for by in _NEARER]

    def applied(self, colours: Floats) -> Floats:
        """``[n, 3]`` colours, 0..1, before the level."""
        if self.turn:
            hsv = cv2.cvtColor(colours[None], cv2.COLOR_RGB2HSV)
            hsv[..., 0] = (hsv[..., 0] + 2 * self.turn) % 360
            colours = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0], dtype=np.float32)
        if self.strength != 1.0:
            grey = colours @ _LIGHTNESS
            colours = np.clip(grey + self.strength * (colours - grey), 0, 1)
        return colours if self.gamma == 1.0 else np.asarray(colours**self.gamma, dtype=np.float32)


_PLAIN_RULES = (
    *(_Rule(name, "white", strength=strength, gamma=gamma) for name, strength in (("none", 1.0), ("grey", 0.0)) for gamma in _GAMMAS),
    _Rule("none", "veil"),
    _Rule("grey", "veil", strength=0.0),
)
_COLOUR_RULES = (
    *(_Rule("none", "white", strength=strength) for strength in _STRENGTHS),
    *(_Rule("hue", "plain", turn=turn) for turn in _TURNS),
)


def _rule(of_query: Floats, of_reference: Floats) -> tuple[str, Floats, float]:
    """The rule that most cells follow: its name, the picture's colours after it ``[n, 3]``, and its mean gain.

    It is chosen on a sample of the cells, spread evenly, and then fitted to all.
    """
    every = max(1, len(of_query) // _SAMPLE)
    query, reference = of_query[::every], of_reference[::every]
    colourless = (query.max(axis=1) - query.min(axis=1)).mean() < _COLOURLESS
    cost, best = _best_of(query, reference, _PLAIN_RULES)
    if cost > _WELL_EXPLAINED and not colourless:
        _, best = min((cost, best), _best_of(query, reference, _COLOUR_RULES), key=lambda found: found[0])
    _, best = _best_of(query, reference, (best, *best.nearer()))
    fitted, gain = _levelled(of_query, best.applied(of_reference)[None], best.level)
    return best.name, fitted[0], float(gain[0].mean())


def _best_of(of_query: Floats, of_reference: Floats, rules: Sequence[_Rule]) -> tuple[float, _Rule]:
    return min(_costs(of_query, of_reference, rules), key=lambda found: found[0])


def _costs(of_query: Floats, of_reference: Floats, rules: Sequence[_Rule]) -> Iterator[tuple[float, _Rule]]:
    """Each rule with the mean bounded distance of colours from it, and its price."""
    for level in _LEVELS:
        some = [rule for rule in rules if rule.level == level]
        if some:
            fitted, _ = _levelled(of_query, np.stack([rule.applied(of_reference) for rule in some]), level)
            distances = np.minimum(_worst(fitted - of_query), 2 * _OFF_MOST).mean(axis=1)
            yield from ((float(distance) + rule.price, rule) for distance, rule in zip(distances, some, strict=True))


def _worst(differences: Floats) -> Floats:
    """Of the channels, the last axis. numpy's own maximum over so short an axis takes three times as long."""
    sizes = np.abs(differences)
    return np.asarray(np.maximum(np.maximum(sizes[..., 0], sizes[..., 1]), sizes[..., 2]), dtype=np.float32)


def _levelled(of_query: Floats, colours: Floats, level: str) -> tuple[Floats, Floats]:
    """Light and contrast fitted robustly (Cauchy weights) to ``colours [rules, n, 3]``: the colours then, the gains ``[rules, 3]``."""
    weight = np.ones((*colours.shape[:2], 1), np.float32)
    # What is clipped at black or white no longer says how bright it was.
    sure = np.where((of_query < 0.02) | (of_query > 0.98), 0.3, 1.0).astype(np.float32)
    for _ in range(3):
        gain, offset = _LEVELS[level](colours, of_query, weight * sure)
        fitted = np.clip(colours * np.clip(gain, 0.25, 2.5)[:, None] + np.clip(offset, -0.9, 0.6)[:, None], 0, 1)
        weight = 1 / (1 + (_worst(fitted - of_query)[..., None] / 0.05) ** 2)
    return np.asarray(fitted, dtype=np.float32), gain


def _white(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Least squares for three gains and one offset: the offset by elimination of the gains."""
    xx, xy, sx = (weight * x * x).sum(axis=1) + 1e-3, (weight * x * y).sum(axis=1) + 1e-3, (weight * x).sum(axis=1)
    left = np.maximum(weight.sum(axis=(1, 2)) - (sx * sx / xx).sum(axis=1), 1e-2)
    offset = (((weight * y).sum(axis=(1, 2)) - (sx * xy / xx).sum(axis=1)) / left)[:, None]
    return (xy - sx * offset) / xx, np.repeat(offset, 3, axis=1)


def _veil(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """One gain of at most 1, and for each channel what the colour laid over adds to black."""
    total = weight.sum(axis=1) + 1e-6
    mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
    gain = np.minimum(_slope(x - mean_x[:, None], y - mean_y[:, None], weight), 1.0)
    return np.repeat(gain, 3, axis=1), np.clip(mean_y - gain * mean_x, 0, 1 - gain)


def _plain(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    total = weight.sum(axis=(1, 2))[:, None] + 1e-6
    mean_x, mean_y = (weight * x).sum(axis=(1, 2))[:, None] / total, (weight * y).sum(axis=(1, 2))[:, None] / total
    gain = _slope(x - mean_x[:, None], y - mean_y[:, None], weight)
    return np.repeat(gain, 3, axis=1), np.repeat(mean_y - gain * mean_x, 3, axis=1)


def _slope(x: Floats, y: Floats, weight: Floats) -> Floats:
    """``[rules, 1]``: one gain for all channels, of centred colours."""
    return np.asarray(((weight * x * y).sum(axis=(1, 2)) + 1e-3) / ((weight * x * x).sum(axis=(1, 2)) + 1e-3))[:, None]


_LEVELS = {"white": _white, "veil": _veil, "plain": _plain}


def _edges(seen: Pixels, shown: Pixels, valid: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """How far edges agree around each pixel, whatever their sign, 0..1, and how much edge there is to judge by."""
    gradients = []
    for pixels in (seen, shown):
        grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.5)
        x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0) * valid, cv2.Sobel(grey, cv2.CV_32F, 0, 1) * valid
        # Rooted: a strong edge and the same edge recoloured differ in size, not in being there.
        root = np.sqrt(np.sqrt(x * x + y * y) + 1e-3)
        gradients.append((x / root, y / root))
    (ax, ay), (bx, by) = gradients
    own, other = ax * ax + ay * ay, bx * bx + by * by
    # The cosine of twice the angle between them: edges at random agree by 0, not by half.
    along, across = ax * bx + ay * by, ax * by - ay * bx
    both = (along * along - across * across) / (np.sqrt(own * other) + 1e-3)
    # A running sum leaves a little less than nothing where there is nothing.
    agreeing = np.asarray(cv2.blur(both, _WINDOW))
    own, other = np.maximum(cv2.blur(own, _WINDOW), 0), np.maximum(cv2.blur(other, _WINDOW), 0)
    agree = (agreeing + 0.5) / (np.sqrt(own * other) + np.abs(own - other) * 0.25 + 0.5)
    return np.clip(agree, 0, 1), np.sqrt(np.maximum(own, other)) * valid


def _subject(of_reference: Floats) -> float:
    """How many cells are not of the picture's commonest colour, which is mostly its ground; at least a fifth of them."""
    coarse = (of_reference * 7.99).astype(np.int64) @ np.array([64, 8, 1])
    ground = of_reference[coarse == np.bincount(coarse).argmax()].mean(axis=0)
    return max(float((np.abs(of_reference - ground).max(axis=1) > 0.1).sum()), 0.2 * len(of_reference))


def _off_rule(off: Floats, counted: NDArray[np.bool_], edges: Floats, weight: Floats, total: float) -> tuple[float, float]:
    """Cells that are off the rule (0..1 each) with the picture's own edges about them, and with foreign ones, in parts of ``total``."""
    size = (off.shape[1], off.shape[0])
    agree = cv2.resize((edges * weight)[: size[1] * _CELL, : size[0] * _CELL], size, interpolation=cv2.INTER_AREA)
    present = cv2.resize(weight[: size[1] * _CELL, : size[0] * _CELL], size, interpolation=cv2.INTER_AREA)
    count, labels = cv2.connectedComponents(((off > 0) & counted).astype(np.uint8))
    recoloured, covered = 0.0, 0.0
    for label in range(1, count):
        patch = labels == label
        if patch.sum() < 3:
            continue
        around = cv2.dilate(patch.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        agreeing = float(agree[around].sum() / (present[around].sum() + 1e-6))
        kept = min(max((agreeing - _FOREIGN) / (_OWN - _FOREIGN), 0.0), 1.0)
        share = float(off[patch].sum()) / total
        recoloured += share * kept
        covered += share * (1 - kept)
    return min(recoloured, 1.0), min(covered, 1.0)


def _maps(
    cells: tuple[Floats, Floats], counted: NDArray[np.bool_], fitted: Floats, distance: Floats, edges: Floats, weight: Floats
) -> Floats:
    high, wide = counted.shape
    maps = np.zeros((GRID, GRID, CHANNELS), np.float32)
    here = maps[:high, :wide]
    here[..., 0:3], here[..., 3:6] = cells
    here[counted, 6:9] = cells[0][counted] - fitted
    here[counted, DISTANCE] = distance
    part = (slice(high * _CELL), slice(wide * _CELL))
    here[..., 10] = cv2.resize((edges * weight)[part], (wide, high), interpolation=cv2.INTER_AREA)
    here[..., 11] = cv2.resize(weight[part], (wide, high), interpolation=cv2.INTER_AREA)
    here[..., 10:12] /= here[..., 11:12] + 1
    here[..., 12] = 1
    here *= counted[..., None]
    return maps


def _correlation(a: Floats, b: Floats) -> float:
    if len(a) < 3:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b + 1e-4) / (np.sqrt((a @ a) * (b @ b)) + 1e-4))
