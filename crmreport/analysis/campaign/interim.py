"""A running test's effects: nothing in them may be a fixed-horizon interval or p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from scipy.stats import norm

from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.guardrail import Guardrail, Harm, check_guardrail
from crmreport.analysis.campaign.money import Costs, Profit, campaign_profit
from crmreport.analysis.campaign.multiple import adjust_p_values
from crmreport.analysis.campaign.sequential import AlwaysValid, always_valid

# Interval of a test that stated no size is tuned to this one: any number fixed beforehand keeps it
# valid, only wider; one read off the data so far would not.
PLANNED_CUSTOMERS = 10_000


def interim_effect(effect: Effect, *, planned_customers: int) -> Effect:
    """An effect as one may tell it while the test runs.

    Bounds and p-value of its estimate become the always-valid ones, of a mean with the larger of its own
    and the pooled error, as a verdict may rest on them; the relative, capped and CUPED
    results, whose intervals hold for one look only, are taken off.

    Args:
        effect: The effect so far, of customers whose window is over.
        planned_customers: Customers of both arms the test was planned for.
    """
    cautiously = effect.for_money
    look = always_valid(cautiously, planned_customers=planned_customers)
    estimate = replace(cautiously, lower=look.lower, upper=look.upper, p_value=look.p_value)
    return replace(
        effect,
        estimate=estimate,
        relative=None,
        capped=None,
        cuped=None,
        method="always_valid",
        p_adjusted=math.nan,
    )


def holm_over_arms(effects: Sequence[Effect]) -> list[Effect]:
    """Effects of several arms on one metric with their always-valid p-values adjusted for the arms."""
    adjusted = adjust_p_values([e.estimate.p_value for e in effects], primary=[True] * len(effects))
    return [replace(e, p_adjusted=p) for e, p in zip(effects, adjusted, strict=True)]


def interim_profit(revenue: Estimate, *, margin_rate: float, costs: Costs) -> Profit:
    """Profit so far with always-valid bounds; its probability is left blank, as it would hold for one look.

    Args:
        revenue: Effect on revenue with always-valid bounds; see :func:`interim_effect`.
        margin_rate: Margin before campaign cost ÷ revenue, 0 to 1.
        costs: Cost of the arm.
    """
    found = campaign_profit(revenue, margin_rate=margin_rate, costs=costs)
    return replace(found, standard_error=math.nan, p_positive=math.nan)


def earns_so_far(revenue: Estimate, break_even_effect: float, *, planned_customers: int) -> float:
    """How far a running test speaks for a profit: 1 − p ÷ 2 above break-even, p ÷ 2 below it.

    p is the always-valid p-value for an effect on revenue of just the break-even effect, so that 0.975
    is reached by chance, at any look, no oftener than 5 %. No probability of profit.

    Args:
        revenue: Effect on revenue per customer with its standard error.
        break_even_effect: Effect at which profit is 0.
        planned_customers: Customers of both arms the test was planned for.

    Examples:
        >>> earns_so_far(Estimate(5.0, 1.0, 0.0, 0.0, 4000, 4000), 0.0, planned_customers=8000) > 0.99
        True
    """
    above = replace(revenue, difference=revenue.difference - break_even_effect)
    if math.isnan(above.difference):
        return math.nan
    half = always_valid(above, planned_customers=planned_customers).p_value / 2
    return 1 - half if above.difference > 0 else half


def interim_guardrail(look: AlwaysValid, estimate: Estimate, *, margin: float, harm: Harm) -> Guardrail:
    """Whether a metric of a running test stayed within its margin, by its always-valid interval.

    Args:
        look: Always-valid interval of the metric.
        estimate: The same difference with its customers.
        margin: Harm that would still be borne, above 0.
        harm: Direction that is bad.

    Returns:
        As :func:`crmreport.analysis.campaign.guardrail.check_guardrail`; z and the p-value for harm of
        the margin, which would hold for one look only, are blank.
    """
    alpha = 0.05
    reach = (look.upper - look.lower) / 2
    # The check reaches z standard errors to either side; here it is to reach as far as the interval does.
    error = reach / float(norm.isf(alpha)) if reach > 0 else 0.0
    found = check_guardrail(
        replace(estimate, standard_error=error, p_value=look.p_value), margin=margin, harm=harm, alpha=alpha
    )
    return replace(found, z=math.nan, p_value=math.nan)
