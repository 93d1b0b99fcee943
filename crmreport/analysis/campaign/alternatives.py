"""Other tests' answers to the same two shares or means, for whoever wants to check the printed one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu, norm, t
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as compare_proportions

from crmreport.analysis.campaign.estimate import satterthwaite
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, DataError

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ShareAlternatives:
    """Two shares compared in the ways tools in use compare them; difference = treatment − control.

    Attributes:
        error_pooled: Standard error of the difference with pooled variance: right if there is no difference.
        z_pooled: difference ÷ that standard error.
        z_unpooled: difference ÷ the standard error with unpooled variance.
        p_pooled: z with pooled variance; equal to χ² without continuity correction.
        log10_p_pooled: Its logarithm to base 10, which still tells p-values apart that a float calls 0.
        p_unpooled: z with unpooled variance (Wald).
        p_yates: χ² with Yates's continuity correction.
        p_fisher: Fisher's exact test.
        wald: Interval of the difference with unpooled variance.
        agresti_caffo: Interval with one success and one failure added to each arm (2000).
        newcombe: Interval from two Wilson intervals (1998): the one that is printed.
        risk_ratio: Treatment ÷ control.
        risk_ratio_interval: Its interval on the log scale (Katz 1978).
    """

    error_pooled: float
    z_pooled: float
    z_unpooled: float
    p_pooled: float
    log10_p_pooled: float
    p_unpooled: float
    p_yates: float
    p_fisher: float
    wald: Interval
    agresti_caffo: Interval
    newcombe: Interval
    risk_ratio: float
    risk_ratio_interval: Interval


def share_alternatives(
    successes_treatment: int,
    n_treatment: int,
    successes_control: int,
    n_control: int,
    *,
    confidence: float = 0.95,
) -> ShareAlternatives:
    """Compare two shares in every usual way (statsmodels, scipy).

    Where they disagree on the verdict, the data cannot carry one.

    Raises:
        ValueError: A count is 0 or an arm is all successes: the ratio and z have no value there.

    Examples:
        >>> found = share_alternatives(56, 70, 48, 80)
        >>> round(found.p_pooled, 4), round(found.p_fisher, 4), round(found.risk_ratio, 3)
        (0.008, 0.0125, 1.333)
    """
    counts = ((successes_treatment, n_treatment), (successes_control, n_control))
    if any(not 0 < k < n for k, n in counts):
        raise ValueError(f"successes must lie inside 0 and customers; found {counts[0]} and {counts[1]}")
    four = [c for arm in counts for c in arm]
    table = np.array([[k, n - k] for k, n in counts])

    def interval(method: str, compare: str = "diff") -> Interval:
        low, high = confint_proportions_2indep(*four, method=method, compare=compare, alpha=1 - confidence)
        return float(low), float(high)

    unpooled = compare_proportions(*four, method="wald", compare="diff", return_results=True)
    pooled = (successes_treatment + successes_control) / (n_treatment + n_control)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_treatment + 1 / n_control))
    z_pooled = (successes_treatment / n_treatment - successes_control / n_control) / error
    return ShareAlternatives(
        error_pooled=error,
        z_pooled=z_pooled,
        z_unpooled=float(unpooled.statistic),  # type: ignore[union-attr]
        log10_p_pooled=(math.log(2) + float(norm.logsf(abs(z_pooled)))) / math.log(10),
        p_pooled=float(chi2_contingency(table, correction=False)[1]),  # type: ignore[arg-type]
        p_unpooled=float(unpooled.pvalue),  # type: ignore[union-attr]
        p_yates=float(chi2_contingency(table)[1]),  # type: ignore[arg-type]
        p_fisher=float(fisher_exact(table)[1]),  # type: ignore[arg-type]
        wald=interval("wald"),
        agresti_caffo=interval("agresti-caffo"),
        newcombe=interval("newcomb"),
        risk_ratio=four[0] / four[1] * four[3] / four[2],
        risk_ratio_interval=interval("log", "ratio"),
    )


def relative_alternatives(
    mean_treatment: float,
    variance_treatment: float,
    n_treatment: int,
    mean_control: float,
    variance_control: float,
    n_control: int,
    *,
    confidence: float = 0.95,
) -> tuple[Interval, Interval]:
    """Intervals of treatment ÷ control − 1 of two means by the delta method, linear and on the log scale.

    With Welch's degrees of freedom. The log scale needs both means of one sign; it is taken of the
    ratio's size, and loses its sense where that is not so.

    Returns:
        The linear and the log interval.

    Examples:
        >>> linear, log = relative_alternatives(12.0, 9.0, 100, 10.0, 9.0, 100)
        >>> [round(bound, 3) for bound in (*linear, *log)]
        [0.108, 0.292, 0.111, 0.296]
    """
    error_t, error_c = math.sqrt(variance_treatment / n_treatment), math.sqrt(variance_control / n_control)
    ratio = mean_treatment / mean_control
    # On each scale the two terms whose variances add, and with them their degrees of freedom, differ.
    log_t, log_c = error_t / abs(mean_treatment), error_c / abs(mean_control)
    relative_error = math.hypot(log_t, log_c)
    linear = (
        abs(ratio)
        * relative_error
        * _quantile(error_t, n_treatment, error_c, n_control, confidence=confidence)
    )
    factor = math.exp(relative_error * _quantile(log_t, n_treatment, log_c, n_control, confidence=confidence))
    return (ratio - 1 - linear, ratio - 1 + linear), (ratio / factor - 1, ratio * factor - 1)


def _quantile(error_t: float, n_t: int, error_c: float, n_c: int, *, confidence: float) -> float:
    """Quantile of t with Satterthwaite's degrees of freedom."""
    return float(t.ppf(0.5 + confidence / 2, satterthwaite(error_t**2, n_t, error_c**2, n_c)))


@dataclass(frozen=True, slots=True)
class RankComparison:
    """Two arms compared by rank, which a few huge values cannot move.

    Attributes:
        superiority: Probability that a treated customer's value is above a control customer's, draws
            counted half; 0.5 when neither arm tends to more.
        p_value: Two-sided, of Mann and Whitney (1947).
    """

    superiority: float
    p_value: float


def rank_alternative(
    customers: IntoFrame, *, column: str, treatment: str, control: str, arm: str = "arm"
) -> RankComparison:
    """Compare two arms by rank (Mann and Whitney 1947), normal approximation with ties and continuity.

    A companion to Welch's comparison of means, not in its place: it asks whether customers tend to
    more, and says nothing about money. A campaign that makes a few large buyers raises the mean and
    leaves the ranks alone.

    Args:
        customers: One row per customer as assigned; 0 where nothing was done.
        column: The metric.
        treatment: Name of the treated arm.
        control: Name of the control arm.
        arm: Column that names the arm.

    Returns:
        The comparison.

    Raises:
        ConfigError: An arm has no customers.
        DataError: A customer lacks a value.

    Examples:
        >>> import pandas as pd
        >>> sent = pd.DataFrame({"arm": ["mail"] * 4 + ["none"] * 4, "spend": [3, 4, 5, 900, 0, 1, 2, 3]})
        >>> found = rank_alternative(sent, column="spend", treatment="mail", control="none")
        >>> found.superiority, round(found.p_value, 3)
        (0.96875, 0.042)
    """
    value = nw.col(column).cast(nw.Float64)
    rows = to_pandas(nw.from_native(customers).lazy().select(arm=nw.col(arm), value=value))
    if missing := int(rows["value"].isna().sum()):
        raise DataError(f"{missing} customers have no value in {column!r}; fill 0 for those who did nothing")
    arms = [rows.loc[rows["arm"] == name, "value"].to_numpy() for name in (treatment, control)]
    for name, values in zip((treatment, control), arms, strict=True):
        if not len(values):
            raise ConfigError(f"no customer is in the arm {name!r}; the arms are in the column {arm!r}")
    found = mannwhitneyu(*arms, alternative="two-sided", method="asymptotic")
    return RankComparison(float(found.statistic) / (len(arms[0]) * len(arms[1])), float(found.pvalue))
