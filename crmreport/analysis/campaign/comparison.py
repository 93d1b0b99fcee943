"""Two arms, one metric: the effect, and beside it what a cap and a covariate make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from crmreport.analysis.campaign.arms import CAPPED, ArmStatistics
from crmreport.analysis.campaign.cuped import Cuped, cuped
from crmreport.analysis.campaign.estimate import (
    Estimate,
    cautious,
    mean_estimate,
    pooled_error,
    share_estimate,
    small_cells,
)
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.ratios import cluster_estimate, ratio_estimate, ratio_of
from crmreport.analysis.campaign.relative import Relative, relative_effect
from crmreport.errors import ConfigError

Method = Literal["newcombe_z", "newcombe_fisher", "welch", "delta", "cluster_robust", "always_valid"]
Caution = Literal["few_clusters", "few_customers", "cap_disagrees"]

# Below these the normal approximation behind an interval is not to be trusted (Angrist and Pischke 2009;
# the usual 30 for means, of money with its long tail the least one may ask).
FEW_CLUSTERS, FEW_CUSTOMERS = 42, 30


@dataclass(frozen=True, slots=True)
class CappedEffect:
    """A mean compared again with every value above a cap brought down to it.

    Attributes:
        cap: The cap, in the metric's unit, one for all arms.
        value_treatment: Winsorised mean of the treated arm.
        value_control: Winsorised mean of the control arm.
        estimate: Winsorised difference.
        relative: Relative effect, where bounded.
    """

    cap: float
    value_treatment: float
    value_control: float
    estimate: Estimate
    relative: Relative | None


@dataclass(frozen=True, slots=True)
class Effect:
    """One metric of one treated arm against the control, per customer assigned.

    Attributes:
        metric: What was measured.
        arm: The treated arm.
        value_treatment: Share, mean or ratio of the treated arm.
        value_control: The control's.
        estimate: Difference, treatment − control, with its interval and unadjusted p-value.
        relative: Relative effect, where bounded.
        method: How interval and p-value were found.
        capped: The same with extreme values capped; None when the metric has no cap.
        cuped: The same adjusted for the metric's covariate; None when it has none.
        cautions: Why the interval may be too narrow, as codes.
        p_adjusted: p-value adjusted for the test's other arms and metrics of the same role.
        pooled_error: Of means, the standard error if both arms varied alike; nan for the rest.
    """

    metric: Metric
    arm: str
    value_treatment: float
    value_control: float
    estimate: Estimate
    relative: Relative | None
    method: Method
    capped: CappedEffect | None = None
    cuped: Cuped | None = None
    cautions: tuple[Caution, ...] = ()
    p_adjusted: float = math.nan
    pooled_error: float = math.nan

    @property
    def for_money(self) -> Estimate:
        """The estimate money and verdicts are made of; see ``cautious`` in the module ``estimate``."""
        return cautious(self.estimate, self.pooled_error)


def effect_of(
    metric: Metric,
    treatment: ArmStatistics,
    control: ArmStatistics,
    *,
    arm: str,
    cap: float | None = None,
    confidence: float = 0.95,
) -> Effect:
    """Compare one metric of two arms whose statistics are known, customers as units; see ``compare_arms``."""
    values, pooled = metric.values, math.nan
    if metric.kind == "ratio":
        assert metric.denominator is not None
        estimate = ratio_estimate(
            treatment, control, numerator=values, denominator=metric.denominator, confidence=confidence
        )
        told, method = _ratios(metric, treatment, control), "delta"
    elif metric.kind == "share":
        hits, rest = (_successes(metric, s) for s in (treatment, control))
        estimate = share_estimate(hits, treatment.n, rest, control.n, confidence=confidence)
        exact = small_cells(hits, treatment.n, rest, control.n)
        told, method = _means(values, treatment, control), "newcombe_fisher" if exact else "newcombe_z"
    else:
        estimate = _welch(values, treatment, control, confidence)
        pooled = pooled_error(treatment.variances[values], treatment.n, control.variances[values], control.n)
        told, method = _means(values, treatment, control), "welch"
    capped = None if cap is None else _capped(metric, treatment, control, cap, confidence)
    cautions: list[Caution] = []
    if metric.kind != "share" and min(treatment.n, control.n) < FEW_CUSTOMERS:
        cautions.append("few_customers")
    if capped is not None and _disagree(estimate, capped.estimate):
        cautions.append("cap_disagrees")
    return Effect(
        metric,
        arm,
        told[0][0],
        told[1][0],
        estimate,
        _relative(told, confidence),
        method,
        capped,
        None
        if metric.covariate is None
        else cuped(treatment, control, column=values, covariate=metric.covariate, confidence=confidence),
        tuple(cautions),
        pooled_error=pooled,
    )


def cluster_effect_of(
    metric: Metric, treatment: ArmStatistics, control: ArmStatistics, *, arm: str, confidence: float = 0.95
) -> Effect:
    """Compare one metric of two arms of clusters, by the statistics of the clusters' sums."""
    size = metric.denominator or "customers"
    if metric.kind == "ratio":
        estimate = ratio_estimate(
            treatment, control, numerator=metric.values, denominator=size, confidence=confidence
        )
        estimate = replace(
            estimate,
            n_treatment=round(treatment.total("customers")),
            n_control=round(control.total("customers")),
        )
    else:
        estimate = cluster_estimate(treatment, control, column=metric.values, confidence=confidence)
    told = [_value(*ratio_of(s, metric.values, size), s.n) for s in (treatment, control)]
    few = treatment.n + control.n < FEW_CLUSTERS
    return Effect(
        metric,
        arm,
        told[0][0],
        told[1][0],
        estimate,
        _relative(told, confidence),
        "delta" if metric.kind == "ratio" else "cluster_robust",
        cautions=("few_clusters",) if few else (),
    )


def _successes(metric: Metric, arm: ArmStatistics) -> int:
    share, spread = arm.means[metric.values], arm.variances[metric.values]
    # Only 0 and 1 have the variance p(1 − p)·n/(n − 1).
    if arm.n > 1 and not math.isclose(spread * (arm.n - 1) / arm.n, share * (1 - share), abs_tol=1e-9):
        raise ConfigError(f"metric {metric.name!r} is a share, but {metric.values!r} is not only 0 and 1")
    return round(arm.total(metric.values))


def _welch(column: str, treatment: ArmStatistics, control: ArmStatistics, confidence: float) -> Estimate:
    if min(treatment.n, control.n) < 2:
        return Estimate(math.nan, math.nan, math.nan, math.nan, treatment.n, control.n)
    return mean_estimate(
        treatment.means[column],
        treatment.variances[column],
        treatment.n,
        control.means[column],
        control.variances[column],
        control.n,
        confidence=confidence,
    )


def _capped(
    metric: Metric, treatment: ArmStatistics, control: ArmStatistics, cap: float, confidence: float
) -> CappedEffect:
    column = metric.values + CAPPED
    told = _means(column, treatment, control)
    return CappedEffect(
        cap,
        told[0][0],
        told[1][0],
        _welch(column, treatment, control, confidence),
        _relative(told, confidence),
    )


def _value(value: float, variance: float, n: int) -> tuple[float, float]:
    return value, math.sqrt(variance / n)


def _means(column: str, *arms: ArmStatistics) -> list[tuple[float, float]]:
    return [_value(s.means[column], s.variances[column], s.n) for s in arms]


def _ratios(metric: Metric, *arms: ArmStatistics) -> list[tuple[float, float]]:
    return [_value(*ratio_of(s, metric.values, str(metric.denominator)), s.n) for s in arms]


def _relative(told: list[tuple[float, float]], confidence: float) -> Relative | None:
    return relative_effect(*told[0], *told[1], confidence=confidence)


def _disagree(one: Estimate, other: Estimate) -> bool:
    """Whether two results would be told differently: up, down, or not to be told."""

    def says(e: Estimate) -> int:
        return (e.lower > 0) - (e.upper < 0)

    return says(one) != says(other)
