"""Second views of a product made from its one photo: what a shopper's camera and another shop photographer would change.

Framing (up to a close-up of a tenth of the frame), mirror image, turn, perspective, cloth that folds another way, light, white
balance, blur, noise, something in front, a detail that is not there from behind, and the background, which is replaced with a
plain colour, a shade or a patch of floor from another photo. Hue moves by a few degrees only: a product in another colour is
another product.

:func:`draw` throws the dice, in numpy; :func:`render` makes the pixels, in Keras's own operations, so that they are made where
the network learns: on the graphics card, where there is one, thousands a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from numpy.random import Generator
from numpy.typing import NDArray

from training.encoder.layers import averaged

Floats = NDArray[np.float32]
Plan = dict[str, NDArray[np.float32] | NDArray[np.int32]]
"""What :func:`draw` decided for ``n`` views; every array's first axis is ``n``, and all places are relative, 0..1."""

_AT_ONCE = 32
_FLOOR_PATCH = 0.25
"""The share of each side that a patch of floor has, in a corner of a phone photo."""


@dataclass(frozen=True, slots=True)
class Bank:
    """Photos to make views of.

    photos: ``uint8 [n, height, width, 3]``; masks: ``uint8 [n, rows, columns]``, 1 on the object, all 0 where it is not known;
    floors: ``int32 [m]``, the photos whose corners show a floor or a wall.
    """

    photos: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    floors: NDArray[np.int32]

    def anchors(self, rng: Generator, rows: NDArray[np.int32]) -> Floats:
        """A place on the object of each of the photos ``rows [n]``, ``[n, 2]`` x and y; anywhere where the mask is not known."""
        height, width = self.masks.shape[1:]
        places = rng.random((len(rows), 2))
        for number, row in enumerate(rows):
            inside = np.flatnonzero(self.masks[row])
            if len(inside) > 20:
                below, right = divmod(inside[rng.integers(len(inside))], width)
                places[number] = (right + 0.5) / width, (below + 0.5) / height
        return places.astype(np.float32)


def draw(bank: Bank, photos: NDArray[np.int32], rng: Generator, *, gentle: bool) -> Plan:
    """A plan for one view of each of ``photos [n]``. ``gentle`` ones resemble a shop's main photo; others what must find it."""
    n, strength = len(photos), 0.4 if gentle else 1.0

    def chance(probability: float) -> Floats:
        return (rng.random(n) < probability).astype(np.float32)

    def uniform(low: float, high: float, *shape: int) -> Floats:
        return rng.uniform(low, high, (n, *shape)).astype(np.float32)

    def normal(deviation: float, *shape: int) -> Floats:
        return rng.normal(0, deviation * strength, (n, *shape)).astype(np.float32)

    known = bank.masks[photos].reshape(n, -1).any(axis=1).astype(np.float32)
    kind = rng.random(n)
    ramp = chance(0.25 * strength)[:, None] * uniform(-0.4, 0.4, 2)
    return {
        "photo": photos.astype(np.int32),
        "known": known,
        "warp": _warp(bank.anchors(rng, photos), rng, strength, chance(0.1 if gentle else 0.45)),
        "folds": np.concatenate([normal(0.012, 2), uniform(0.5, 2.5, 2), uniform(0, 2 * np.pi, 2)], axis=1),
        "ground": known * chance(0.25 if gentle else 0.5),
        "floor": (kind < 0.55).astype(np.float32),
        "floor_photo": bank.floors[rng.integers(len(bank.floors), size=n)],
        "floor_corner": rng.integers(2, size=(n, 2)).astype(np.float32) * (1 - _FLOOR_PATCH),
        "shade": np.where((kind < 0.75)[:, None, None], uniform(225, 255, 1, 1), uniform(0, 255, 2, 3)),
        "gamma": np.exp(normal(0.22)),
        "gain": (1 + normal(0.10, 1)) * (1 + normal(0.04, 3)),
        "contrast": 1 + uniform(-0.25, 0.2) * strength,
        "saturation": 1 + uniform(-0.35, 0.2) * strength,
        "ramp": ramp,
        "blur": chance(0.3 * strength) * uniform(0.2, 1.0),
        "noise": chance(0.4 * strength) * uniform(2.0, 14.0),
        "seed": uniform(0, 1000),
        "cover": chance(0.0 if gentle else 0.2)[:, None] * _rectangle(n, rng, 0.12, 0.33),
        "cover_colour": uniform(0, 255, 3),
        "patch": chance(0.05 if gentle else 0.3)[:, None] * _rectangle(n, rng, 0.12, 0.4),
        "patch_from": uniform(-0.3, 0.3, 2),
    }


def joined(plans: list[Plan]) -> Plan:
    """One plan for the views of several, in their order."""
    return {name: np.concatenate([plan[name] for plan in plans]) for name in plans[0]}


def pictures(bank: Bank, rows: NDArray[np.int32], rng: Generator, side: int, *, gentle: bool) -> NDArray[np.uint8]:
    """A view of each of the photos ``rows [n]``, as pixels ``uint8 [n, side, side, 3]``."""
    seen = []
    for start in range(0, len(rows), _AT_ONCE):
        plan = draw(bank, rows[start : start + _AT_ONCE], rng, gentle=gentle)
        needed, places = np.unique(np.concatenate([plan["photo"], plan["floor_photo"]]), return_inverse=True)
        plan |= dict(zip(("photo", "floor_photo"), np.split(places.astype(np.int32), 2), strict=True))
        tensors = {name: ops.convert_to_tensor(values) for name, values in plan.items()}
        images, _ = render(ops.convert_to_tensor(bank.photos[needed]), ops.convert_to_tensor(bank.masks[needed]), tensors, side)
        seen.append(np.asarray((ops.convert_to_numpy(images) + 1) * 127.5, dtype=np.uint8))
    return np.concatenate(seen)


def render(photos: object, masks: object, plan: object, side: int) -> tuple[object, object]:
    """The views of a plan, and where the object is in them.

    photos, masks: a :class:`Bank`'s arrays as tensors. Returns ``float32 [n, side, side, 3]`` in −1..1, and ``float32
    [n, side/16, side/16, 1]`` 0..1, −1 where it is not known.
    """
    axis = (ops.arange(side, dtype="float32") + 0.5) / side
    v, u = ops.meshgrid(axis, axis, indexing="ij")
    u, v = u[None], v[None]
    source_u, source_v = _patched(u, v, plan)
    x, y = _placed(source_u, source_v, plan["warp"])
    folds = plan["folds"][:, :, None, None]
    x, y = x + folds[:, 0] * ops.sin(folds[:, 2] * 6.28 * y + folds[:, 4]), y + folds[:, 1] * ops.sin(folds[:, 3] * 6.28 * x + folds[:, 5])
    pixels = _sampled(photos, plan["photo"], x, y)
    where = _sampled(masks[..., None], plan["photo"], x, y)

    corner = plan["floor_corner"][:, :, None, None]
    floor = _sampled(photos, plan["floor_photo"], corner[:, 0] + u * _FLOOR_PATCH, corner[:, 1] + v * _FLOOR_PATCH)
    shade = plan["shade"][:, 0, None, None, :] * (1 - v[..., None]) + plan["shade"][:, 1, None, None, :] * v[..., None]
    ground = _of(plan["floor"]) * floor + (1 - _of(plan["floor"])) * shade
    keep = 1 - _of(plan["ground"]) * (1 - _smooth(where))
    pixels = pixels * keep + ground * (1 - keep)

    x = _lit(pixels / 255, u, v, plan)
    x = x + _of(plan["blur"]) * (_smooth(_smooth(x)) - x)
    x = x + _of(plan["noise"]) / 255 * _grain(u, v, plan["seed"])
    covered = _inside(u, v, plan["cover"])[..., None]
    x = x * (1 - covered) + covered * plan["cover_colour"][:, None, None, :] / 255
    where = where * (1 - covered)
    coarse = averaged(where, 16)
    known = _of(plan["known"])
    return ops.clip(x, 0.0, 1.0) * 2 - 1, coarse * known - (1 - known)


class Views(keras.layers.Layer):
    """:func:`render` over a bank that lies beside the weights, on the machine that computes; a plan in, images and masks out."""

    def __init__(self, bank: Bank, side: int) -> None:
        super().__init__(name="views", dtype="float32", trainable=False)
        self.side = side
        self.photos = self._kept("photos", bank.photos)
        self.masks = self._kept("masks", bank.masks)

    def _kept(self, name: str, pixels: NDArray[np.uint8]) -> keras.Variable:
        variable = self.add_weight(name=name, shape=pixels.shape, dtype="uint8", initializer="zeros", trainable=False)
        variable.assign(pixels)
        return variable

    def call(self, plan: Plan) -> tuple[object, object]:
        return render(self.photos.value, self.masks.value, plan, self.side)


def _rectangle(n: int, rng: Generator, least: float, most: float) -> Floats:
    """``[n, 4]``: x0, y0, x1, y1."""
    size = rng.uniform(least, most, (n, 2))
    start = rng.uniform(0, 1, (n, 2)) * (1 - size)
    return np.concatenate([start, start + size], axis=1).astype(np.float32)


def _warp(anchors: Floats, rng: Generator, strength: float, close_up: Floats) -> Floats:
    """Homographies from the view to the photo, ``[n, 3, 3]``: crop, mirror, turn and a little perspective at once."""
    n = len(anchors)
    area = np.where(close_up > 0, rng.uniform(0.1, 0.45, n), rng.uniform(0.5, 1.2, n))
    ratio = np.exp(rng.uniform(-0.35, 0.35, n))
    size = np.minimum(np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=1), 1.1)
    anywhere = 0.5 + rng.uniform(-0.5, 0.5, (n, 2)) * np.abs(1.04 - size)
    on_object = np.clip(anchors, np.minimum(size / 2, 0.5), np.maximum(1 - size / 2, 0.5))
    centre = np.where(close_up[:, None] > 0, on_object, anywhere)
    angle = np.deg2rad(rng.normal(0, 9, n)) * strength
    size = size * np.where(rng.random((n, 1)) < 0.5, [[1, 1]], [[-1, 1]])
    to_photo = np.zeros((n, 3, 3), np.float32)
    to_photo[:, 0, 0], to_photo[:, 0, 1] = np.cos(angle) * size[:, 0], -np.sin(angle) * size[:, 1]
    to_photo[:, 1, 0], to_photo[:, 1, 1] = np.sin(angle) * size[:, 0], np.cos(angle) * size[:, 1]
    to_photo[:, :2, 2] = centre
    to_photo[:, 2, 2] = 1
    to_photo[:, 2, :2] = rng.uniform(-0.12, 0.12, (n, 2)) * strength
    from_corner = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]], np.float32)
    return np.asarray(to_photo @ from_corner, dtype=np.float32)


def _of(value: object) -> object:
    """A number a view, ready to meet its pixels."""
    return ops.reshape(value, (-1, 1, 1, 1))


def _inside(u: object, v: object, box: object) -> object:
    """1 inside each view's ``box``, ``[n, side, side]``; an empty box covers nothing."""
    box = box[:, :, None, None]
    return ops.cast((u >= box[:, 0]) & (u < box[:, 2]) & (v >= box[:, 1]) & (v < box[:, 3]), "float32")


def _patched(u: object, v: object, plan: object) -> tuple[object, object]:
    """Where each pixel comes from when a patch shows another part of the same thing."""
    inside, shift = _inside(u, v, plan["patch"]), plan["patch_from"][:, :, None, None]
    return u + inside * shift[:, 0], v + inside * shift[:, 1]


def _placed(u: object, v: object, warp: object) -> tuple[object, object]:
    w = warp[:, :, :, None, None]
    depth = w[:, 2, 0] * u + w[:, 2, 1] * v + w[:, 2, 2]
    return (w[:, 0, 0] * u + w[:, 0, 1] * v + w[:, 0, 2]) / depth, (w[:, 1, 0] * u + w[:, 1, 1] * v + w[:, 1, 2]) / depth


def _sampled(bank: object, rows: object, x: object, y: object) -> object:
    """Pixels of ``bank [n, height, width, c]`` at relative places, between neighbours; the edge goes on for ever."""
    height, width, channels = bank.shape[1:]
    flat = ops.reshape(bank, (-1, channels))
    x = ops.clip(x * width - 0.5, 0.0, width - 1.001)
    y = ops.clip(y * height - 0.5, 0.0, height - 1.001)
    left, top = ops.floor(x), ops.floor(y)
    right, below = (x - left)[..., None], (y - top)[..., None]
    start = ops.cast(ops.reshape(rows, (-1, 1, 1)), "int32") * (height * width)
    place = start + ops.cast(top, "int32") * width + ops.cast(left, "int32")

    def at(shift: int) -> object:
        return ops.cast(ops.take(flat, place + shift, axis=0), "float32")

    upper = at(0) * (1 - right) + at(1) * right
    lower = at(width) * (1 - right) + at(width + 1) * right
    return upper * (1 - below) + lower * below


def _smooth(x: object) -> object:
    """Each pixel a quarter of its neighbours, half of itself, along both axes."""
    padded = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


def _lit(x: object, u: object, v: object, plan: object) -> object:
    x = ops.power(ops.maximum(x, 1e-4), _of(plan["gamma"])) * plan["gain"][:, None, None, :]
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    x = mean + (x - mean) * _of(plan["contrast"])
    grey = ops.mean(x, axis=3, keepdims=True)
    x = grey + (x - grey) * _of(plan["saturation"])
    ramp = plan["ramp"][:, :, None, None]
    return x * (1 + ramp[:, 0] * (u - 0.5) + ramp[:, 1] * (v - 0.5))[..., None]


def _grain(u: object, v: object, seed: object) -> object:
    """Noise of deviation 0.3 or so from the places alone, the same for the same seed on every machine's own terms."""
    wave = ops.sin((u * 12.9898 + v * 78.233) * 173.0 + ops.reshape(seed, (-1, 1, 1))) * 43758.5453
    return (wave - ops.floor(wave) - 0.5)[..., None]
