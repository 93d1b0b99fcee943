"""Guardrails: metrics that must not get worse by more than a stated margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scipy.stats import norm

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.errors import ConfigError

Harm = Literal["increase", "decrease"]
Outcome = Literal["held", "broken", "not_shown"]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Whether a metric stayed within its margin of harm.

    Attributes:
        outcome: ``held``: harm of the margin or more is refuted; ``broken``: harm beyond the margin is
            shown; ``not_shown``: neither, which is no proof of safety.
        difference: Treatment − control, in the metric's unit.
        margin: Harm that would still be borne, same unit, above 0.
        worst: One-sided bound of the difference on the harmful side.
        z: Standard errors between the difference and the margin; below 0 where the margin is not reached.
        p_value: One-sided, for harm of the margin or more; below α the guardrail held.
        harm_p_value: Two-sided, for no difference at all: a guardrail may hold and harm be shown.
        alpha: One-sided level.
    """

    outcome: Outcome
    difference: float
    margin: float
    worst: float
    z: float
    p_value: float
    harm_p_value: float
    alpha: float


def check_guardrail(
    estimate: Estimate, *, margin: float, harm: Harm = "increase", alpha: float = 0.05
) -> Guardrail:
    """Test a metric for non-inferiority (CONSORT: Piaggio et al. 2012, JAMA), by a normal approximation.

    "No significant difference" is what a small test always finds. So the margin is stated before,
    and the hypothesis to refute is harm of the margin or more.

    Args:
        estimate: Treatment − control.
        margin: Harm that would still be borne, in the metric's unit (0.002 is 0.2 points), above 0.
        harm: Direction that is bad: ``increase`` (unsubscribes, complaints) or ``decrease`` (revenue).
        alpha: One-sided level, between 0 and 0.5.

    Returns:
        The outcome; ``not_shown`` with blank numbers where the difference is unknown.

    Raises:
        ConfigError: Margin, direction or level make no sense.

    Examples:
        >>> found = check_guardrail(Estimate(0.0005, 0.0005, -0.0005, 0.0015, 40_000, 40_000), margin=0.002)
        >>> found.outcome, round(found.worst, 5)
        ('held', 0.00132)
    """
    if not margin > 0:
        raise ConfigError(f"margin is {margin}; give the harm that would still be borne, above 0")
    if harm not in ("increase", "decrease"):
        raise ConfigError(f"harm is {harm!r}; give increase or decrease")
    if not 0 < alpha < 0.5:
        raise ConfigError(f"alpha is {alpha}; give a one-sided level above 0 and below 0.5")
    sign = 1 if harm == "increase" else -1
    error = estimate.standard_error
    done, reach = sign * estimate.difference, float(norm.isf(alpha)) * error
    z = (done - margin) / error if error > 0 else float("nan")
    outcome: Outcome = "not_shown"
    if z == z and done + reach < margin:
        outcome = "held"
    if z == z and done - reach > margin:
        outcome = "broken"
    return Guardrail(
        outcome,
        estimate.difference,
        margin,
        sign * (done + reach),
        z,
        float(norm.cdf(z)),
        estimate.p_value,
        alpha,
    )
