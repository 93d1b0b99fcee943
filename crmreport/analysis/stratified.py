"""Two groups compared within strata, so that a third thing they differ in does not speak for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm


@dataclass(frozen=True, slots=True)
class StratifiedDifference:
    """Difference of two shares at equal strata.

    Attributes:
        rate: Share of the first group, standardised to the weights of the strata.
        rest_rate: Share of the second, standardised alike.
        difference: rate − rest_rate.
        low: Lower bound of its interval.
        high: Upper bound.
        p_value: Two-sided, for no difference in any stratum; nan when nothing can be compared.
        odds_ratio: Common odds ratio of Mantel and Haenszel (1959); nan when its divisor is 0.
    """

    rate: float
    rest_rate: float
    difference: float
    low: float
    high: float
    p_value: float
    odds_ratio: float


def stratified_difference(
    successes: Sequence[int],
    trials: Sequence[int],
    rest_successes: Sequence[int],
    rest_trials: Sequence[int],
    *,
    confidence: float = 0.95,
) -> StratifiedDifference:
    """Mantel–Haenszel difference of shares over strata.

    Each stratum's difference is weighted by n₁n₀ ÷ (n₁ + n₀), which is direct standardisation with
    those weights; a stratum that lacks one group has none. Interval: Greenland and Robins (1985);
    p-value: Cochran–Mantel–Haenszel without continuity correction.

    Args:
        successes: Counts with the trait in the first group, one per stratum.
        trials: Sizes of the first group.
        rest_successes: Counts with the trait in the second group.
        rest_trials: Sizes of the second group.
        confidence: Coverage, between 0 and 1.

    Returns:
        Shares and difference; all nan when no stratum holds both groups.

    Raises:
        ValueError: The four are not of one length, or successes exceed trials.

    Examples:
        Heavy buyers return at 80 %, light ones at 40 %, whatever they bought; the first group is heavier.

        >>> found = stratified_difference([40, 320], [100, 400], [160, 80], [400, 100])
        >>> round(360 / 500 - 240 / 500, 2), round(found.difference, 2)
        (0.24, 0.0)
    """
    k1, n1, k0, n0 = (
        np.asarray(c, dtype="float64") for c in (successes, trials, rest_successes, rest_trials)
    )
    if not len(k1) == len(n1) == len(k0) == len(n0):
        raise ValueError(f"strata differ in number: {len(k1)}, {len(n1)}, {len(k0)}, {len(n0)}")
    if ((k1 < 0) | (k1 > n1) | (k0 < 0) | (k0 > n0)).any():
        raise ValueError("successes must lie between 0 and trials; count both on the same customers")
    both = (n1 > 0) & (n0 > 0)
    k1, n1, k0, n0 = k1[both], n1[both], k0[both], n0[both]
    if not len(k1):
        return StratifiedDifference(*[float("nan")] * 7)
    n = n1 + n0
    weight = n1 * n0 / n / float((n1 * n0 / n).sum())
    p1, p0 = k1 / n1, k0 / n0
    rate, rest_rate = float(weight @ p1), float(weight @ p0)
    variance = float(weight**2 @ (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0))
    reach = float(norm.ppf(0.5 + confidence / 2)) * variance**0.5
    # Cochran–Mantel–Haenszel: the first group's successes against their hypergeometric mean.
    k = k1 + k0
    spread = float((n1 * n0 * k * (n - k) / (n**2 * (n - 1))).sum())
    beyond = float((k1 - n1 * k / n).sum())
    p_value = float(chi2.sf(beyond**2 / spread, 1)) if spread > 0 else float("nan")
    for_it, against_it = float((k1 * (n0 - k0) / n).sum()), float((k0 * (n1 - k1) / n).sum())
    odds_ratio = for_it / against_it if against_it > 0 else float("nan")
    gap = rate - rest_rate
    return StratifiedDifference(rate, rest_rate, gap, gap - reach, gap + reach, p_value, odds_ratio)
