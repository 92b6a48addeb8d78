"""Intervals for rates, differences and ratios of counts, and which of many comparisons are more than chance."""

import numpy as np

Z = 1.959964  # two-sided 95 % of the normal distribution
T49 = 2.0096  # of Student's t with 49 degrees of freedom, for 50 buckets


def wilson(removed: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a rate (Wilson 1927), as if rows were independent; float64[n] each, nan where there is no row.

    >>> low, high = wilson(np.array([81]), np.array([263]))  # Newcombe 1998, table I
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.2553, 0.3662)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = removed / rows
        middle = (rate + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
        half = Z * np.sqrt(rate * (1 - rate) / rows + Z**2 / (4 * rows**2)) / (1 + Z**2 / rows)
    return np.maximum(0.0, middle - half), np.minimum(1.0, middle + half)


def newcombe(removed: np.ndarray, rows: np.ndarray, other_removed: np.ndarray, other_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the difference of two rates from their Wilson intervals (Newcombe 1998, method 10); float64[n] each.

    >>> low, high = newcombe(np.array([56]), np.array([70]), np.array([48]), np.array([80]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.0524, 0.3339)
    """
    (low, high), (other_low, other_high) = wilson(removed, rows), wilson(other_removed, other_rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, other = removed / rows, other_removed / other_rows
    difference = rate - other
    return difference - np.hypot(rate - low, other_high - other), difference + np.hypot(high - rate, other - other_low)


def katz(removed: np.ndarray, rows: np.ndarray, other_removed: np.ndarray, other_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval of the ratio of two rates on the log scale (Katz 1978); float64[n] each, nan where a count is 0.

    >>> low, high = katz(np.array([12]), np.array([40]), np.array([48]), np.array([80]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.301, 0.829)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log((removed / rows) / (other_removed / other_rows))
        half = Z * np.sqrt(1 / removed - 1 / rows + 1 / other_removed - 1 / other_rows)
        low, high = np.exp(centre - half), np.exp(centre + half)
    some = np.isfinite(low) & np.isfinite(high)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def jackknife_error(without: np.ndarray) -> np.ndarray:
    """Standard error by the delete-a-group jackknife (Kott 2001).

    Args:
      without: float64[buckets, n], the estimate with each bucket left out; nan where nothing is left.

    Returns:
      float64[n]; nan where an estimate without some bucket is not defined.

    >>> jackknife_error(np.array([[1.0], [3.0]])).tolist()
    [1.0]
    """
    buckets = len(without)
    with np.errstate(invalid="ignore"):
        error: np.ndarray = np.sqrt((buckets - 1) / buckets * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    return error


def false_discovery(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values of all comparisons at once (Benjamini, Hochberg 1995); float64[n].

    >>> false_discovery(np.array([0.01, 0.04, 0.03])).round(6).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p, kind="stable")
    ranked = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(ranked[::-1])[::-1])
    return adjusted
