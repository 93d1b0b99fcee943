"""What a campaign earned: from the effect on revenue to profit, and what the holdout cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtr

from crmreport.analysis.campaign.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Costs:
    """What a campaign costs, client currency.

    Attributes:
        send: Cost of sending to one customer.
        coupon: Coupons redeemed, in total, where revenue is counted before coupons; 0 where revenue
            is net of them, or they would be paid twice.
        fixed: Cost that does not depend on how many were sent to.
    """

    send: float = 0.0
    coupon: float = 0.0
    fixed: float = 0.0

    def __post_init__(self) -> None:
        for name in ("send", "coupon", "fixed"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"cost of {name} is {getattr(self, name)}; give 0 or more")

    def total(self, n_customers: int) -> float:
        """Cost of sending to so many customers."""
        return self.send * n_customers + self.coupon + self.fixed


@dataclass(frozen=True, slots=True)
class Profit:
    """What the treated customers brought beyond what they would have brought anyway.

    Money is in client currency and for all treated customers; bounds carry the effect's interval,
    costs are taken as known.

    Attributes:
        revenue: Incremental revenue: effect × treated customers.
        revenue_lower: Its lower bound.
        revenue_upper: Its upper bound.
        margin: Incremental margin: revenue × margin rate.
        cost: Sends, coupons and fixed cost.
        profit: margin − cost.
        lower: Lower bound of profit.
        upper: Upper bound of profit.
        standard_error: Of profit.
        p_positive: Probability that profit is above 0, given the data alone (flat prior).
        break_even_margin: Margin rate at which profit would be 0; nan when revenue did not rise, above
            1 when no margin could pay for the cost.
        break_even_effect: Effect on revenue per customer at which profit would be 0; nan without margin.
        n_treatment: Customers assigned to treatment.
    """

    revenue: float
    revenue_lower: float
    revenue_upper: float
    margin: float
    cost: float
    profit: float
    lower: float
    upper: float
    standard_error: float
    p_positive: float
    break_even_margin: float
    break_even_effect: float
    n_treatment: int


def campaign_profit(effect: Estimate, *, margin_rate: float, costs: Costs) -> Profit:
    """Incremental profit of a campaign from its effect on revenue per customer.

    profit = n × (effect × margin rate − cost of sending) − coupons − fixed cost, with n the customers
    assigned to treatment, whether or not they opened anything. P(profit > 0) = Φ(profit ÷ its
    standard error).

    Args:
        effect: Effect on revenue per assigned customer, client currency.
        margin_rate: Margin before campaign cost ÷ revenue, 0 to 1.
        costs: Cost of the campaign.

    Returns:
        The profit; all nan when the effect is.

    Raises:
        ValueError: The margin rate is outside 0 to 1.

    Examples:
        Revenue rises by 17.6 % and profit falls: 26 a customer is spent for 7.92 of margin.

        >>> effect = Estimate(26.4, 5.0, 16.6, 36.2, n_treatment=10_000, n_control=10_000)
        >>> found = campaign_profit(effect, margin_rate=0.3, costs=Costs(send=26))
        >>> round(found.profit), round(found.p_positive, 3), round(found.break_even_margin, 3)
        (-180800, 0.0, 0.985)
    """
    if not 0 <= margin_rate <= 1:
        raise ValueError(f"margin_rate is {margin_rate}; give a share from 0 to 1")
    n = effect.n_treatment
    cost = costs.total(n)
    revenue = effect.difference * n
    profit = revenue * margin_rate - cost
    error = effect.standard_error * n * margin_rate
    return Profit(
        revenue=revenue,
        revenue_lower=effect.lower * n,
        revenue_upper=effect.upper * n,
        margin=revenue * margin_rate,
        cost=cost,
        profit=profit,
        lower=effect.lower * n * margin_rate - cost,
        upper=effect.upper * n * margin_rate - cost,
        standard_error=error,
        p_positive=probability_positive(profit, error),
        break_even_margin=cost / revenue if revenue > 0 else math.nan,
        break_even_effect=cost / (n * margin_rate) if n and margin_rate else math.nan,
        n_treatment=n,
    )


def probability_positive(value: float, standard_error: float) -> float:
    """Probability that the truth is above 0 when the estimate is normal and nothing else is known.

    Args:
        value: The estimate.
        standard_error: Its standard error; with 0 the estimate is the truth.

    Returns:
        0 to 1; nan when the estimate is.

    Examples:
        >>> probability_positive(0.0, 2.0), probability_positive(5.0, 0.0)
        (0.5, 1.0)
    """
    if math.isnan(value) or math.isnan(standard_error):
        return math.nan
    if standard_error == 0:
        return float(value > 0)
    return float(ndtr(value / standard_error))


@dataclass(frozen=True, slots=True)
class HoldoutCost:
    """Profit not made on the customers held out: the price of knowing.

    Attributes:
        forgone: Profit sending to them would have brought; negative when the holdout saved money.
        lower: Its lower bound.
        upper: Its upper bound.
        n_control: Customers held out.
        share_of_profit: forgone ÷ the profit everybody together would have brought; nan when that is
            not above 0.
    """

    forgone: float
    lower: float
    upper: float
    n_control: int
    share_of_profit: float


def holdout_cost(effect: Estimate, *, margin_rate: float, costs: Costs) -> HoldoutCost:
    """What it cost not to send to the control group.

    Had they been sent to, each would have brought effect × margin rate − cost of sending − coupons
    as redeemed per treated customer; fixed cost was paid anyway.

    Args:
        effect: Effect on revenue per assigned customer, client currency.
        margin_rate: Margin before campaign cost ÷ revenue, 0 to 1.
        costs: Cost of the campaign.

    Returns:
        The cost of the holdout, client currency.

    Raises:
        ValueError: The margin rate is outside 0 to 1, or nobody was treated.

    Examples:
        >>> effect = Estimate(100.0, 10.0, 80.0, 120.0, n_treatment=9_000, n_control=1_000)
        >>> found = holdout_cost(effect, margin_rate=0.4, costs=Costs(send=10))
        >>> found.forgone, found.lower, found.upper, round(found.share_of_profit, 3)
        (30000.0, 22000.0, 38000.0, 0.1)
    """
    if not 0 <= margin_rate <= 1:
        raise ValueError(f"margin_rate is {margin_rate}; give a share from 0 to 1")
    if not effect.n_treatment:
        raise ValueError("nobody was treated; there is no effect to forgo")
    each = costs.send + costs.coupon / effect.n_treatment
    n = effect.n_control
    forgone, lower, upper = (
        n * (value * margin_rate - each) for value in (effect.difference, effect.lower, effect.upper)
    )
    whole = forgone + campaign_profit(effect, margin_rate=margin_rate, costs=costs).profit
    return HoldoutCost(forgone, lower, upper, n, forgone / whole if whole > 0 else math.nan)
