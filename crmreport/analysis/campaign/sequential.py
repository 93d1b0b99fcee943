"""Looking at a test while it runs: intervals that hold at every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import lambertw

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """What may be said of a running test, however often it is looked at.

    Attributes:
        difference: Treatment − control so far.
        lower: Lower bound; all looks together leave the truth outside at most α of the time.
        upper: Upper bound.
        p_value: Always-valid p-value: below α at any look at most α of the time without an effect.
        n_customers: Customers of both arms so far.
        planned_customers: Customers of both arms the interval is tuned to.
    """

    difference: float
    lower: float
    upper: float
    p_value: float
    n_customers: int
    planned_customers: int


def always_valid(estimate: Estimate, *, planned_customers: int, confidence: float = 0.95) -> AlwaysValid:
    """Interval and p-value of one look at a running test, valid at all looks.

    The mixture sequential ratio test of Robbins (1970), with a normal mixture as in Johari et al.
    (2022, Operations Research), in its large-sample form: the asymptotic confidence sequence of
    Waudby-Smith et al. (2024, Annals of Statistics). With standard error s and u = u*·n ÷ planned
    customers, the interval is difference ± s·√((1 + u)/u · ln((1 + u)/α²)). u* = −W₋₁(−α²/e) − 1
    makes it narrowest at the planned end. It is some 1.5 times as wide as a fixed interval there:
    the price of looking whenever one likes.

    Args:
        estimate: The difference so far, of customers whose window has run out.
        planned_customers: Customers of both arms the test was planned for, fixed before it began: not
            to be moved after a look.
        confidence: 1 − α, between 0 and 1.

    Returns:
        What may be said now; blank bounds and a p-value of 1 while nothing can be estimated. A test's
        first dozens of customers are too few for it, as for every normal approximation.

    Raises:
        ConfigError: ``planned_customers`` is below 1.

    Examples:
        >>> look = always_valid(Estimate(0.02, 0.006, 0.008, 0.032, 5000, 5000), planned_customers=20_000)
        >>> round(look.lower, 4), round(look.upper, 4), round(look.p_value, 3)
        (0.0015, 0.0385, 0.026)
    """
    if planned_customers < 1:
        raise ConfigError(
            f"planned_customers is {planned_customers}; give the number the test was planned for"
        )
    n = estimate.n_treatment + estimate.n_control
    error = estimate.standard_error
    if not error > 0 or not math.isfinite(estimate.difference):
        return AlwaysValid(estimate.difference, math.nan, math.nan, 1.0, n, planned_customers)
    alpha = 1 - confidence
    mixing = mixing_ratio(confidence=confidence) * n / planned_customers
    reach = error * math.sqrt((1 + mixing) / mixing * math.log((1 + mixing) / alpha**2))
    score = (estimate.difference / error) ** 2 * mixing / (1 + mixing) / 2
    p_value = min(1.0, math.exp(0.5 * math.log1p(mixing) - score))
    lower, upper = estimate.difference - reach, estimate.difference + reach
    return AlwaysValid(estimate.difference, lower, upper, p_value, n, planned_customers)


def all_looks(looks: Sequence[AlwaysValid]) -> AlwaysValid:
    """The last of several looks at one test, sharpened by the earlier ones.

    Each look's interval holds together with all the others, so the truth lies in their
    intersection, and the smallest p-value stands. Where the intersection is empty (the effect has
    changed while the test ran) the last interval is told as it is.

    Args:
        looks: Looks in the order they were made, at least one.

    Raises:
        ConfigError: There is none, or they were tuned to different plans.

    Examples:
        >>> first = AlwaysValid(0.1, -0.1, 0.3, 0.4, 100, 400)
        >>> all_looks([first, AlwaysValid(0.12, -0.2, 0.25, 0.6, 200, 400)]).p_value
        0.4
    """
    plans = {look.planned_customers for look in looks}
    if len(plans) != 1:
        raise ConfigError(
            f"looks were planned for {sorted(plans)} customers; give looks of one test and plan"
        )
    last = looks[-1]
    lower = max((look.lower for look in looks if not math.isnan(look.lower)), default=math.nan)
    upper = min((look.upper for look in looks if not math.isnan(look.upper)), default=math.nan)
    if lower > upper:
        lower, upper = last.lower, last.upper
    smallest = min(look.p_value for look in looks)
    return AlwaysValid(last.difference, lower, upper, smallest, last.n_customers, last.planned_customers)


def mixing_ratio(*, confidence: float = 0.95) -> float:
    """Variance of the mixture ÷ variance of the estimate at the planned end that is narrowest there.

    Examples:
        >>> round(mixing_ratio(), 3)
        8.212
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; give a share between 0 and 1")
    return float(-np.real(lambertw(-((1 - confidence) ** 2) / math.e, k=-1))) - 1
