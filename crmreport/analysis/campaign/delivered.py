"""Messages that did not arrive: the effect on those they did arrive at, without picking these out."""

from __future__ import annotations

import math

from crmreport.analysis.campaign.arms import ArmStatistics
from crmreport.analysis.campaign.estimate import Estimate, normal_estimate

# Below this the share delivered is too uncertain to divide by (Staiger and Stock 1997: F above 10).
_LEAST_Z = math.sqrt(10)


def effect_on_delivered(
    treatment: ArmStatistics,
    control: ArmStatistics,
    *,
    column: str,
    delivered: str,
    confidence: float = 0.95,
) -> Estimate | None:
    """Effect on the customers a message arrived at because they were assigned to it (Wald's estimator).

    Effect as assigned ÷ difference of the shares delivered (Imbens and Angrist 1994): a message that
    bounced did nothing, so those it arrived at carry the whole effect. Comparing them with the control
    instead would compare people with working addresses to everybody. This is for delivery alone: an
    unopened mail does something too, so the effect may not be divided by openers. Standard error by the
    delta method.

    Args:
        treatment: Statistics of the treated arm, with the pair's covariance.
        control: Statistics of the control arm.
        column: The metric.
        delivered: Column 1 for those it was delivered to, 0 for the rest.
        confidence: Coverage of the interval.

    Returns:
        Effect per customer delivered to; None where hardly more was delivered to the treated than to
        the control, or an arm has fewer than two customers.

    Examples:
        Half the mails bounced: 2 per customer assigned are 4 per customer reached.

        >>> def arm(mean, share):
        ...     spread = {"spend": 9.0, "reached": share * (1 - share)}
        ...     means, together = {"spend": mean, "reached": share}, {("spend", "reached"): 0.0}
        ...     return ArmStatistics(1000, means, spread, together)
        >>> found = effect_on_delivered(arm(12.0, 0.5), arm(10.0, 0.0), column="spend", delivered="reached")
        >>> found.difference, round(found.standard_error, 3)
        (4.0, 0.297)
    """
    arms = (treatment, control)
    if min(arm.n for arm in arms) < 2:
        return None
    reached = treatment.means[delivered] - control.means[delivered]
    if not reached > _LEAST_Z * math.sqrt(sum(arm.variances[delivered] / arm.n for arm in arms)):
        return None
    effect = (treatment.means[column] - control.means[column]) / reached
    variance = sum(
        (
            arm.variances[column]
            - 2 * effect * arm.covariance(column, delivered)
            + effect**2 * arm.variances[delivered]
        )
        / arm.n
        for arm in arms
    )
    error = math.sqrt(max(variance, 0.0)) / reached
    return normal_estimate(effect, error, treatment.n, control.n, confidence=confidence)
