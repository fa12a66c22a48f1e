"""What the detector is taught by: task-aligned assignment, varifocal classification and a DIoU box loss.

Which locations answer for a labelled box is not fixed beforehand: those do that already say the right class and the
right place best (TOOD, Feng et al. 2021), so levels and strides sort themselves out. Their class target is how good
their box is (varifocal loss, Zhang et al. 2021): a score then means class and place at once, which is what the
engine's suppression and a shop's threshold want of it. Boxes learn by distance-IoU (Zheng et al. 2020).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

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

    boxes: tf.Tensor
    present: tf.Tensor
    judged: tf.Tensor


def detection_loss(logits: tf.Tensor, boxes: tf.Tensor, centres: tf.Tensor, targets: Targets) -> tf.Tensor:
    """A scalar. ``logits [n, l, c]``, ``boxes [n, l, c, 4]`` in pixels, ``centres [l, 3]``: x, y and stride."""
    # The box that each location proposes for each label's own class: [n, g, l, 4].
    proposed = tf.einsum("nlcs,ngc->ngls", boxes, targets.present)
    labelled = targets.boxes[:, :, None, :]
    iou, diou = overlaps(proposed, labelled)
    weight, quality = _assign(tf.sigmoid(logits), iou, centres, targets)

    goal = tf.reduce_max(quality[..., None] * targets.present[:, :, None, :], axis=1)
    total = tf.maximum(tf.reduce_sum(goal), 1.0)
    probability = tf.stop_gradient(tf.sigmoid(logits))
    empty = _NEGATIVE * probability**2 * targets.judged[:, None, :]
    importance = tf.where(goal > 0, goal, empty)
    classes = tf.reduce_sum(importance * tf.nn.sigmoid_cross_entropy_with_logits(goal, logits)) / total
    sides = tf.reduce_sum(weight * (1.0 - diou)) / tf.maximum(tf.reduce_sum(weight), 1.0)
    return classes + _BOX_WEIGHT * sides


def overlaps(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """IoU, 0..1, and distance-IoU, -1..1, of boxes ``[..., 4]`` that broadcast."""
    meet = tf.maximum(tf.minimum(a[..., 2:], b[..., 2:]) - tf.maximum(a[..., :2], b[..., :2]), 0.0)
    common = meet[..., 0] * meet[..., 1]
    iou = common / (_area(a) + _area(b) - common + 1e-6)
    hull = tf.maximum(a[..., 2:], b[..., 2:]) - tf.minimum(a[..., :2], b[..., :2])
    shift = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2.0
    return iou, iou - tf.reduce_sum(shift**2, -1) / (tf.reduce_sum(hull**2, -1) + 1e-6)


def _area(boxes: tf.Tensor) -> tf.Tensor:
    size = tf.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return size[..., 0] * size[..., 1]


def _assign(scores: tf.Tensor, iou: tf.Tensor, centres: tf.Tensor, targets: Targets) -> tuple[tf.Tensor, tf.Tensor]:
    """Who answers for what: ``[n, g, l]`` weights of the box loss, and the class targets, both 0 where nobody does."""
    middle = (targets.boxes[..., :2] + targets.boxes[..., 2:]) / 2.0
    # A belt may be thinner than a stride: then the nearest rows of locations count as inside.
    reach = tf.maximum((targets.boxes[..., 2:] - targets.boxes[..., :2]) / 2.0, 0.0)[:, :, None, :]
    reach = tf.maximum(reach, centres[:, 2:] * 0.75)
    away = tf.abs(centres[:, :2] - middle[:, :, None, :])
    real = tf.reduce_sum(targets.present, -1)[..., None]
    inside = tf.cast(tf.reduce_all(away <= reach, -1), tf.float32) * real

    said = tf.einsum("nlc,ngc->ngl", scores, targets.present)
    central = tf.exp(-tf.reduce_sum((away / reach) ** 2, -1))
    # The last term only orders locations while the network knows nothing yet.
    aligned = inside * (said**_SCORE_POWER * iou**_IOU_POWER + 1e-7 * central)
    least = tf.math.top_k(aligned, ALIGNED).values[..., -1:]
    chosen = tf.cast(aligned >= tf.maximum(least, 1e-12), tf.float32) * inside
    aligned, iou = aligned * chosen, iou * chosen
    best = tf.reduce_max(iou, -1, keepdims=True)
    share = aligned / (tf.reduce_max(aligned, -1, keepdims=True) + 1e-12)
    quality = share * tf.maximum(best, 0.05) * chosen
    return tf.stop_gradient(tf.maximum(share, 0.05) * chosen), tf.stop_gradient(quality)
