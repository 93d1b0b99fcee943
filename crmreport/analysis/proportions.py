"""Intervals and comparisons of shares of customers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import fisher_exact, norm


def wilson_interval(successes, trials, *, confidence: float = 0.95):
    """Score interval of a share (Wilson 1927), element by element.

    Args:
        successes: Counts with the trait, 0 to ``trials``.
        trials: Counts looked at; 0 gives nan, never 0 % or 100 %.
        confidence: Coverage, between 0 and 1.

    Returns:
        Two float arrays, lower and upper bound, each 0 to 1.

    Raises:
        ValueError: A count is negative, or successes exceed trials.

    Examples:
        >>> low, high = wilson_interval([15], [20])
        >>> round(float(low[0]), 4), round(float(high[0]), 4)
        (0.5313, 0.8881)
    """
    k = np.asarray(successes, dtype="float64")
    n = np.asarray(trials, dtype="float64")
    if ((k < 0) | (k > n)).any():
        raise ValueError("successes must lie between 0 and trials; count both on the same customers")
    z = norm.ppf(0.5 + confidence / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = k / n
        centre = p + z * z / (2 * n)
        spread = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def newcombe_interval(k1: int, n1: int, k2: int, n2: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the difference of two independent shares, first less second (Newcombe 1998, method 10).

    Returns:
        Lower and upper bound, −1 to 1; nan when a group is empty.

    Examples:
        >>> [round(bound, 4) for bound in newcombe_interval(56, 70, 48, 80)]
        [0.0524, 0.3339]
    """
    if not (n1 and n2):
        return float("nan"), float("nan")
    (low1, low2), (high1, high2) = wilson_interval([k1, k2], [n1, n2], confidence=confidence)
    p1, p2 = k1 / n1, k2 / n2
    below = np.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = np.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return float(p1 - p2 - below), float(p1 - p2 + above)


def compare_shares(k1: int, n1: int, k2: int, n2: int) -> float:
    """Two-sided p-value for two independent shares being equal.

    Fisher's exact test when an expected count is below 5, else the z test with pooled variance.

    Args:
        k1: Successes in the first group.
        n1: Size of the first group.
        k2: Successes in the second group.
        n2: Size of the second group.

    Returns:
        The p-value; nan when a group is empty.

    Examples:
        >>> round(compare_shares(30, 100, 20, 100), 4)
        0.1025
        >>> compare_shares(0, 0, 5, 10)
        nan
    """
    if not (n1 and n2):
        return float("nan")
    pooled = (k1 + k2) / (n1 + n2)
    if min(n1, n2) * min(pooled, 1 - pooled) < 5:
        _, p_value = fisher_exact([[k1, n1 - k1], [k2, n2 - k2]])
        return float(p_value)  # type: ignore[arg-type]
    z = (k1 / n1 - k2 / n2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return float(2 * norm.sf(abs(z)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of comparisons (Holm 1979); nan stays nan and is not counted.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype="float64")
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    highest = 0.0
    for rank, i in enumerate(known[np.argsort(p[known], kind="stable")]):
        highest = max(highest, min(1.0, float(p[i]) * (len(known) - rank)))
        adjusted[i] = highest
    return adjusted.tolist()
