"""What the detector is taught by: task-aligned assignment, varifocal classification and a DIoU box loss.

Which locations answer for a labelled box is not fixed beforehand: those do that already say the right class and the
right place best (TOOD, Feng et al. 2021), so levels and strides sort themselves out. Their class target is how good
their box is (varifocal loss, Zhang et al. 2021): a score then means class and place at once, which is what the
engine's suppression and a shop's threshold want of it. Boxes learn by distance-IoU (Zheng et al. 2020).

All functions take arrays or tensors of Keras's backend.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

ALIGNED = 10
"""So many locations answer for a box at most."""
_SCORE_POWER = 0.5
_IOU_POWER = 6.0
_NEGATIVE = 0.75
_BOX_WEIGHT = 2.0


class Targets(NamedTuple):
    """A batch's labels, padded.

    boxes: ``[n, g, 4]`` input pixels; present: ``[n, g, classes]``, one-hot, all zero where padded;
    judged: ``[n, classes]``, 0 for a class whose absence nobody has checked in this picture, else 1.
    """

    boxes: object
    present: object
    judged: object


def detection_loss(logits: object, boxes: object, centres: object, targets: Targets) -> object:
    """A scalar. ``logits [n, l, c]``, ``boxes [n, l, c, 4]`` in pixels, ``centres [l, 3]``: x, y and stride."""
    # The box that each location proposes for each label's own class: [n, g, l, 4].
    proposed = ops.einsum("nlcs,ngc->ngls", boxes, targets.present)
    labelled = targets.boxes[:, :, None, :]
    iou, diou = overlaps(proposed, labelled)
    probability = ops.stop_gradient(ops.sigmoid(logits))
    weight, quality = _assign(probability, ops.stop_gradient(iou), centres, targets)

    goal = ops.max(quality[..., None] * targets.present[:, :, None, :], axis=1)
    total = ops.maximum(ops.sum(goal), 1.0)
    empty = _NEGATIVE * probability**2 * targets.judged[:, None, :]
    importance = ops.where(goal > 0, goal, empty)
    classes = ops.sum(importance * _cross_entropy(logits, goal)) / total
    sides = ops.sum(weight * (1.0 - diou)) / ops.maximum(ops.sum(weight), 1.0)
    return classes + _BOX_WEIGHT * sides


def overlaps(a: object, b: object) -> tuple[object, object]:
    """IoU, 0..1, and distance-IoU, -1..1, of boxes ``[..., 4]`` that broadcast."""
    meet = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0.0)
    common = meet[..., 0] * meet[..., 1]
    iou = common / (_area(a) + _area(b) - common + 1e-6)
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    shift = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2.0
    return iou, iou - ops.sum(shift**2, -1) / (ops.sum(hull**2, -1) + 1e-6)


def _area(boxes: object) -> object:
    size = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return size[..., 0] * size[..., 1]


def _cross_entropy(logits: object, goal: object) -> object:
    return ops.softplus(logits) - logits * goal


def _assign(scores: object, iou: object, centres: object, targets: Targets) -> tuple[object, object]:
    """Who answers for what: ``[n, g, l]`` weights of the box loss, and the class targets, both 0 where nobody does."""
    middle = (targets.boxes[..., :2] + targets.boxes[..., 2:]) / 2.0
    # A belt may be thinner than a stride: then the nearest rows of locations count as inside.
    reach = ops.maximum((targets.boxes[..., 2:] - targets.boxes[..., :2]) / 2.0, 0.0)[:, :, None, :]
    reach = ops.maximum(reach, centres[:, 2:] * 0.75)
    away = ops.abs(centres[:, :2] - middle[:, :, None, :])
    real = ops.sum(targets.present, -1)[..., None]
    inside = ops.cast(ops.all(away <= reach, -1), "float32") * real

    said = ops.einsum("nlc,ngc->ngl", scores, targets.present)
    central = ops.exp(-ops.sum((away / reach) ** 2, -1))
    # The last term only orders locations while the network knows nothing yet.
    aligned = inside * (said**_SCORE_POWER * iou**_IOU_POWER + 1e-7 * central)
    least = ops.top_k(aligned, ALIGNED)[0][..., -1:]
    chosen = ops.cast(aligned >= ops.maximum(least, 1e-12), "float32") * inside
    aligned, iou = aligned * chosen, iou * chosen
    best = ops.max(iou, -1, keepdims=True)
    share = aligned / (ops.max(aligned, -1, keepdims=True) + 1e-12)
    quality = share * ops.maximum(best, 0.05) * chosen
    return ops.stop_gradient(ops.maximum(share, 0.05) * chosen), ops.stop_gradient(quality)
