"""Boxes that a YOLO detector finds, in the pixels of the picture it was shown: what overlaps a better box is left out.

As nudenet 3.4.2 has it, so that boxes and scores are that package's own: candidates from 0.2, kept from 0.25, and non-maximum suppression
at an overlap of 0.45 over all classes together (OpenCV's NMSBoxes).
"""

from typing import Final, NamedTuple

import numpy as np

CANDIDATE: Final = 0.2
KEPT: Final = 0.25
OVERLAP: Final = 0.45  # intersection over union


class Detection(NamedTuple):
    """A box: class number, score, and its place in pixels of the picture, whole numbers towards the origin."""

    label: int
    score: float
    left: int
    top: int
    width: int
    height: int


def detected(numbers: np.ndarray, size: int, width: int, height: int) -> list[Detection]:
    """The boxes that stay, best first.

    Args:
      numbers: float [4 + classes, boxes]: middle, width and height in pixels of the model's square, then a score for each class.
      size: side of that square, which is the picture padded at the right or below.
      width: of the picture.
      height: of the picture.

    >>> numbers = np.array([[50, 52, 20], [50, 50, 20], [40, 40, 8], [20, 20, 8], [0.9, 0.6, 0.1], [0.1, 0.0, 0.3]], np.float32)
    >>> [(box.label, round(box.score, 2), box[2:]) for box in detected(numbers, 100, 200, 100)]
    [(0, 0.9, (60, 80, 80, 20)), (1, 0.3, (32, 32, 16, 16))]
    """
    best = numbers[4:].max(axis=0)
    chosen = np.flatnonzero(best >= CANDIDATE)
    labels = numbers[4:, chosen].argmax(axis=0)
    scores = best[chosen]
    x, y, wide, high = numbers[:4, chosen] * np.float32(max(width, height) / size)
    left, top = np.clip(x - wide / 2, 0, width), np.clip(y - high / 2, 0, height)
    wide, high = np.minimum(wide, width - left), np.minimum(high, height - top)
    boxes = np.stack([left, top, wide, high], axis=1)
    kept = _best(boxes.astype(np.float64), scores)
    return [Detection(int(labels[at]), float(scores[at]), *map(int, boxes[at])) for at in kept]


def _best(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """Numbers of the boxes that overlap no better one that stays; float64 [n, 4] of left, top, width, height."""
    ordered = [at for at in np.argsort(-scores, kind="stable").tolist() if scores[at] > KEPT]
    kept: list[int] = []
    for at in ordered:
        if not kept or _overlap(boxes[at], boxes[kept]).max() <= OVERLAP:
            kept.append(at)
    return kept


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with others, 0 to 1; 1 where neither has an area."""
    across = np.minimum(box[0] + box[2], others[:, 0] + others[:, 2]) - np.maximum(box[0], others[:, 0])
    down = np.minimum(box[1] + box[3], others[:, 1] + others[:, 3]) - np.maximum(box[1], others[:, 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    both = box[2] * box[3] + others[:, 2] * others[:, 3] - common
    return np.where(both > 0, common / np.where(both > 0, both, 1), 1.0)
