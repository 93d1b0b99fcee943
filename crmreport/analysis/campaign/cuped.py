"""CUPED: what customers did before the campaign taken out of what they did in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crmreport.analysis.campaign.arms import ArmStatistics
from crmreport.analysis.campaign.estimate import Estimate, mean_estimate


@dataclass(frozen=True, slots=True)
class Cuped:
    """An effect adjusted for a covariate, and what the adjustment was worth.

    Attributes:
        estimate: Adjusted difference.
        value_treatment: Adjusted mean of the treated arm.
        value_control: Adjusted mean of the control arm.
        theta: Slope of the metric on the covariate, both arms together.
        correlation: Correlation of the two, both arms together.
        variance_reduction: 1 − (adjusted standard error ÷ raw)², measured in this test; below 0
            where the adjustment did harm.
    """

    estimate: Estimate
    value_treatment: float
    value_control: float
    theta: float
    correlation: float
    variance_reduction: float


def cuped(
    treatment: ArmStatistics,
    control: ArmStatistics,
    *,
    column: str,
    covariate: str,
    confidence: float = 0.95,
) -> Cuped | None:
    """Compare y − θ·(x − mean x) instead of y (Deng et al. 2013, WSDM), by Welch.

    θ = Cov(x, y) ÷ Var(x) over both arms together. The covariate must stem from before the
    assignment: one the campaign could touch takes part of its effect away.

    Args:
        treatment: Statistics of the treated arm, with the pair's covariance.
        control: Statistics of the control arm.
        column: The metric y.
        covariate: The covariate x.
        confidence: Coverage of the interval.

    Returns:
        The adjusted effect; None where an arm has fewer than two customers or the covariate is the
        same for all.
    """
    arms = (treatment, control)
    if min(arm.n for arm in arms) < 2:
        return None
    x, y = covariate, column
    spread_x, spread_y, shared = _pooled(arms, x, x), _pooled(arms, y, y), _pooled(arms, x, y)
    if not (spread_x > 0 and spread_y > 0):
        return None
    theta = shared / spread_x
    centre = sum(arm.total(x) for arm in arms) / sum(arm.n for arm in arms)
    means = [arm.means[y] - theta * (arm.means[x] - centre) for arm in arms]
    variances = [
        max(0.0, arm.variances[y] - 2 * theta * arm.covariance(x, y) + theta**2 * arm.variances[x])
        for arm in arms
    ]
    estimate = mean_estimate(
        means[0], variances[0], treatment.n, means[1], variances[1], control.n, confidence=confidence
    )
    raw = sum(arm.variances[y] / arm.n for arm in arms)
    left = sum(variance / arm.n for variance, arm in zip(variances, arms, strict=True))
    return Cuped(
        estimate=estimate,
        value_treatment=means[0],
        value_control=means[1],
        theta=theta,
        correlation=shared / math.sqrt(spread_x * spread_y),
        variance_reduction=1 - left / raw if raw else math.nan,
    )


def _pooled(arms: tuple[ArmStatistics, ArmStatistics], one: str, other: str) -> float:
    """Covariance over the customers of both arms: within the arms, and between their means."""
    n = sum(arm.n for arm in arms)
    centre_one, centre_other = (sum(arm.total(c) for arm in arms) / n for c in (one, other))
    within = sum((arm.n - 1) * arm.covariance(one, other) for arm in arms)
    between = sum(arm.n * (arm.means[one] - centre_one) * (arm.means[other] - centre_other) for arm in arms)
    return (within + between) / (n - 1)
