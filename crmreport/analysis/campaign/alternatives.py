"""Other tests' answers to the same two shares or means, for whoever wants to check the printed one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2_contingency, fisher_exact, t
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as compare_proportions

from crmreport.analysis.campaign.estimate import satterthwaite

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ShareAlternatives:
    """Two shares compared in the ways tools in use compare them; difference = treatment − control.

    Attributes:
        p_pooled: z with pooled variance; equal to χ² without continuity correction.
        p_unpooled: z with unpooled variance (Wald).
        p_yates: χ² with Yates's continuity correction.
        p_fisher: Fisher's exact test.
        wald: Interval of the difference with unpooled variance.
        agresti_caffo: Interval with one success and one failure added to each arm (2000).
        newcombe: Interval from two Wilson intervals (1998): the one that is printed.
        risk_ratio: Treatment ÷ control.
        risk_ratio_interval: Its interval on the log scale (Katz 1978).
    """

    p_pooled: float
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
    return ShareAlternatives(
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
