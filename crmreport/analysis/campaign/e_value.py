"""E-value: how strong something not measured would have to be to explain an effect away."""

from __future__ import annotations

import math
from typing import Literal

from crmreport.analysis.campaign.estimate import Estimate


def e_value(risk_ratio: float) -> float:
    """E-value of a risk ratio (VanderWeele and Ding 2017): RR + √(RR (RR − 1)), of 1 ÷ RR below 1.

    Args:
        risk_ratio: Above 0.

    Returns:
        1 or more: the risk ratio something not measured would need with both treatment and outcome.

    Raises:
        ValueError: The risk ratio is not above 0.

    Examples:
        >>> round(e_value(3.9), 2), e_value(1.0)
        (7.26, 1.0)
    """
    if not risk_ratio > 0:
        raise ValueError(f"risk ratio is {risk_ratio}; give a number above 0")
    away = max(risk_ratio, 1 / risk_ratio)
    return away + math.sqrt(away * (away - 1))


def e_values(effect: Estimate, *, kind: Literal["share", "mean"], scale: float) -> tuple[float, float]:
    """E-value of an effect and of the bound of its interval nearer to no effect.

    Shares: risk ratio (base + difference) ÷ base. Means: risk ratio approximated by exp(.91 d) with
    d the difference in standard deviations (VanderWeele and Ding 2017).

    Args:
        effect: The adjusted effect.
        kind: What the outcome is.
        scale: Share of the control customers with the outcome (``share``), or the outcome's standard
            deviation (``mean``).

    Returns:
        The two E-values; that of the bound is 1 when the interval holds 0. nan when the scale is 0;
        infinite when the effect makes a share 0.

    Examples:
        >>> e_values(Estimate(0.1, 0.02, 0.06, 0.14, 900, 900), kind="share", scale=0.1)[0].__round__(2)
        3.41
    """
    nearer = 0.0
    if not effect.lower <= 0 <= effect.upper:
        nearer = min(effect.lower, effect.upper, key=abs)
    found = []
    for difference in (effect.difference, nearer):
        if not scale > 0:
            found.append(math.nan)
        elif kind == "mean":
            found.append(e_value(math.exp(0.91 * difference / scale)))
        elif scale + difference <= 0:
            found.append(math.inf)
        else:
            found.append(e_value((scale + difference) / scale))
    return found[0], found[1]
