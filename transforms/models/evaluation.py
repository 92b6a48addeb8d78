"""How well scores tell toxic texts from others: precision, recall, false alarms, area under the ROC curve, and false alarms per term."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

TERMS_FROM = 10  # texts of a term below which its share says nothing


@dataclasses.dataclass(frozen=True)
class AtThreshold:
    """What scores above a threshold are worth; None where nothing is divided.

    Attributes:
      threshold: scores above it count.
      precision: share of toxic texts among those above.
      recall: share of toxic texts that are above.
      false_alarms: share of the other texts that are above.
    """

    threshold: float
    precision: float | None
    recall: float | None
    false_alarms: float | None


def at_thresholds(scores: np.ndarray, toxic: np.ndarray, thresholds: Sequence[float]) -> list[AtThreshold]:
    """Precision, recall and false alarms at each threshold.

    Args:
      scores: float64 [n]; NaN, a text without a score, is above no threshold.
      toxic: bool [n].
      thresholds: numbers from 0 to 1.

    >>> at_thresholds(np.array([0.95, 0.6, 0.8, 0.1]), np.array([True, True, False, False]), [0.7])
    [AtThreshold(threshold=0.7, precision=0.5, recall=0.5, false_alarms=0.5)]
    """
    found = []
    for threshold in thresholds:
        above = scores > threshold
        hits, alarms = int((above & toxic).sum()), int((above & ~toxic).sum())
        found.append(AtThreshold(threshold, _share(hits, hits + alarms), _share(hits, toxic.sum()), _share(alarms, (~toxic).sum())))
    return found


def area(toxic: np.ndarray, clean: np.ndarray) -> float:
    """Area under the ROC curve: the share of (toxic, clean) pairs in the right order, ties half (Hanley and McNeil 1982).

    >>> area(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    ordered = np.sort(clean)
    below, up_to = np.searchsorted(ordered, toxic, "left"), np.searchsorted(ordered, toxic, "right")
    return float((below + up_to).mean() / 2 / len(clean))


def false_alarms_by_term(
    texts: Sequence[str], scores: np.ndarray, terms: Sequence[str], thresholds: Sequence[float], at_least: int = TERMS_FROM
) -> Mapping[str, tuple[int, list[float]]]:
    """Of the texts that name each term: how many there are, and what share of them is above each threshold.

    Args:
      texts: texts that are not toxic, as the model sees them.
      scores: float64 [n].
      terms: words or phrases, looked for between word boundaries.
      thresholds: numbers from 0 to 1.
      at_least: terms with fewer texts are left out.

    >>> false_alarms_by_term(["a gay man", "gay pride", "a red kite"], np.array([0.9, 0.1, 0.0]), ["gay", "deaf"], [0.5], 1)
    {'gay': (2, [0.5])}
    """
    found: dict[str, list[int]] = {term: [] for term in sorted(set(terms))}
    pattern = re.compile(r"\w+")
    longest = max((len(term.split()) for term in found), default=0)
    for place, text in enumerate(texts):
        words = pattern.findall(text)
        named = {" ".join(words[start : start + length]) for length in range(1, longest + 1) for start in range(len(words) - length + 1)}
        for term in named & found.keys():
            found[term].append(place)
    return {
        term: (len(places), [float((scores[places] > threshold).mean()) for threshold in thresholds])
        for term, places in found.items()
        if len(places) >= at_least
    }


def _share(part: int, whole: int) -> float | None:
    return None if whole == 0 else float(part / whole)
