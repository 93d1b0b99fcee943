"""Differences of ratios of sums, and of arms made of clusters."""

from __future__ import annotations

import math

from crmreport.analysis.campaign.arms import ArmStatistics
from crmreport.analysis.campaign.estimate import Estimate, mean_estimate, normal_estimate


def ratio_of(arm: ArmStatistics, numerator: str, denominator: str) -> tuple[float, float]:
    """Σ numerator ÷ Σ denominator of an arm, and the variance of its terms by the delta method.

    The ratio is, near enough, the mean of n independent terms R + (x − R·y) ÷ mean(y), whose
    variance is (Var x − 2R·Cov(x, y) + R²·Var y) ÷ mean(y)² (Deng et al. 2018, KDD). Units need not
    be equally large, which an analysis row by row gets wrong.

    Returns:
        The ratio, and the variance of one term; both nan where the denominator sums to 0.

    Examples:
        >>> arm = ArmStatistics(50, {"x": 6.0, "y": 3.0}, {"x": 4.0, "y": 1.0}, {("x", "y"): 0.5})
        >>> ratio, variance = ratio_of(arm, "x", "y")
        >>> ratio, round(variance, 4)
        (2.0, 0.6667)
    """
    whole = arm.means[denominator]
    if whole == 0:
        return math.nan, math.nan
    ratio = arm.means[numerator] / whole
    spread = (
        arm.variances[numerator]
        - 2 * ratio * arm.covariance(numerator, denominator)
        + ratio**2 * arm.variances[denominator]
    )
    # A ratio that is the same for everyone has spread 0, up to float dust below it.
    return ratio, max(spread, 0.0) / whole**2


def ratio_estimate(
    treatment: ArmStatistics,
    control: ArmStatistics,
    *,
    numerator: str,
    denominator: str,
    confidence: float = 0.95,
) -> Estimate:
    """Difference of two ratios of sums by the delta method, with Welch's degrees of freedom.

    Args:
        treatment: Statistics of the treated arm, with the pair's covariance.
        control: Statistics of the control arm.
        numerator: Column summed above the line.
        denominator: Column summed below it.
        confidence: Coverage of the interval.

    Returns:
        The difference; its customers are the units of the arms.
    """
    (ratio_t, variance_t), (ratio_c, variance_c) = (
        ratio_of(arm, numerator, denominator) for arm in (treatment, control)
    )
    if math.isnan(ratio_t) or math.isnan(ratio_c):
        return Estimate(math.nan, math.nan, math.nan, math.nan, treatment.n, control.n)
    return mean_estimate(
        ratio_t, variance_t, treatment.n, ratio_c, variance_c, control.n, confidence=confidence
    )


def cluster_estimate(
    treatment: ArmStatistics,
    control: ArmStatistics,
    *,
    column: str,
    size: str = "customers",
    confidence: float = 0.95,
) -> Estimate:
    """Difference of two means of rows when whole clusters were assigned (Liang and Zeger 1986, CR1).

    Equal to least squares on the arm with cluster-robust errors and the usual small-sample factor
    G/(G − 1)·(N − 1)/(N − 2), G clusters and N rows of both arms. Interval and p-value are normal,
    which needs clusters in number, not rows: see the caution ``few_clusters`` of an effect.

    Args:
        treatment: Statistics over the treated clusters: sums of ``column``, and ``size``.
        control: Statistics over the control clusters.
        column: Sum of the metric in each cluster.
        size: Rows of each cluster.
        confidence: Coverage of the interval.

    Returns:
        The difference; its customers are the rows of the arms.
    """
    rows = [round(arm.total(size)) for arm in (treatment, control)]
    clusters = treatment.n + control.n
    if min(treatment.n, control.n) < 2 or sum(rows) <= 2:
        return Estimate(math.nan, math.nan, math.nan, math.nan, *rows)
    factor = clusters / (clusters - 1) * (sum(rows) - 1) / (sum(rows) - 2)
    values, squares = [], []
    for arm in (treatment, control):
        ratio, variance = ratio_of(arm, column, size)
        values.append(ratio)
        squares.append(variance * (arm.n - 1) / arm.n**2)
    return normal_estimate(
        values[0] - values[1], math.sqrt(factor * sum(squares)), *rows, confidence=confidence
    )
