"""What a planned test will be able to see, from what its customers did in windows of the same length."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.around import behaviour
from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.plan import Primary
from crmreport.analysis.campaign.power import (
    Sizes,
    customers_for_mean,
    customers_for_share,
    mde_mean,
    mde_share,
)
from crmreport.analysis.ledger import PurchaseUnit, days_between, money_decimals, purchases, to_pandas
from crmreport.errors import ConfigError, DataError

POWER, ALPHA = 0.8, 0.05


@dataclass(frozen=True, slots=True)
class PastWindow:
    """What eligible customers bought in a past window, when nobody tested anything.

    Attributes:
        start: First day.
        end: Last day.
        customers: Customers eligible on the day before.
        buyers: Those with a purchase in the window.
        mean: Revenue per customer, client currency.
        standard_deviation: Of a customer's revenue.
        correlation: Of it with the same customer's revenue in the days before; nan when either is the
            same for all.
    """

    start: date
    end: date
    customers: int
    buyers: int
    mean: float
    standard_deviation: float
    correlation: float

    @property
    def conversion(self) -> float:
        """Buyers ÷ customers."""
        return self.buyers / self.customers if self.customers else math.nan


@dataclass(frozen=True, slots=True)
class Baseline:
    """Past windows taken together, each customer of each window once.

    Attributes:
        windows: The latest first.
        conversion: Share of customers who bought.
        mean: Revenue per customer, client currency.
        standard_deviation: Of a customer's revenue within a window.
        variance_reduction: What CUPED would take off its variance: the squared correlation with
            revenue before; 0 when that is not known.
    """

    windows: tuple[PastWindow, ...]
    conversion: float
    mean: float
    standard_deviation: float
    variance_reduction: float

    @property
    def per_buyer(self) -> float:
        """Revenue of one who bought; nan when nobody did."""
        return self.mean / self.conversion if self.conversion else math.nan


@dataclass(frozen=True, slots=True)
class ArmPower:
    """What one treated arm against the control can show.

    Attributes:
        arm: The treated arm.
        n_treatment: Its customers.
        n_control: Customers held out.
        mde: Smallest effect per customer found with the stated power, in the primary metric's unit;
            nan when none would be.
        mde_adjusted: The same with CUPED; equal to ``mde`` for a share.
        pays: Effect per customer from which the campaign earns its cost; None without a margin.
        needed: Customers it takes to find that effect; None without a margin or when it costs nothing.
        alpha: Two-sided level, divided by the number of treated arms.
    """

    arm: str
    n_treatment: int
    n_control: int
    mde: float
    mde_adjusted: float
    pays: float | None
    needed: Sizes | None
    alpha: float

    @property
    def suffices(self) -> bool | None:
        """Whether an effect that just pays would be told from none; None when nobody knows what pays.

        The verdict asks for more: at just that effect profit is 0 on average, and "roll out" comes 5 % of the
        time.
        """
        return None if self.needed is None else bool(self.mde <= (self.pays or 0))


def past_window(
    order_lines: IntoFrame,
    eligible: Collection[str],
    *,
    start: date,
    window_days: int,
    before_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> PastWindow:
    """Look at one past window by the rules a campaign's outcomes follow.

    Args:
        order_lines: Order lines.
        eligible: Customers who would have been eligible on the day before ``start``.
        start: First day.
        window_days: Days, the first among them.
        before_days: Days before ``start`` whose revenue CUPED would adjust by.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Examples:
        >>> import pandas as pd
        >>> lines = pd.DataFrame({"customer_id": ["a", "a"], "order_id": ["1", "2"], "revenue": [60.0, 40.0],
        ...                       "order_date": pd.to_datetime(["2026-10-01", "2026-09-02"])})
        >>> found = past_window(lines, ["a", "b"], start=date(2026, 10, 1), window_days=30)
        >>> found.buyers, found.mean, found.conversion, round(found.correlation, 9)
        (1, 30.0, 0.5, 1.0)
    """
    end = start + timedelta(days=window_days - 1)
    bought = purchases(order_lines, as_of=end, unit=unit, zero_value_counts=zero_value_counts)
    near = bought.with_columns(start=nw.lit(start)).select(
        "customer_id", "revenue", days=days_between("start", "purchase_date")
    )
    near = near.filter(nw.col("days") >= -before_days)
    did = to_pandas(behaviour(near, window_days=window_days, before_days=before_days), sort_by="customer_id")
    did = did.set_index("customer_id").reindex(sorted(set(eligible)))
    money = did[["revenue", "revenue_before"]].fillna(0.0)
    # Rounded as every sum of money is: equal on every engine.
    money = money.round(money_decimals(float(money.abs().to_numpy().max(initial=0.0))))
    n = len(did)
    spread = money.std(ddof=1) if n > 1 else money.iloc[:0].sum()
    known = n > 1 and bool((spread > 0).all())
    return PastWindow(
        start=start,
        end=end,
        customers=n,
        buyers=int((did["orders"] > 0).sum()),
        mean=float(money["revenue"].mean()) if n else math.nan,
        standard_deviation=float(spread["revenue"]),
        correlation=float(np.corrcoef(money.to_numpy().T)[0, 1]) if known else math.nan,
    )


def baseline(windows: Sequence[PastWindow]) -> Baseline:
    """Take past windows together, each weighed by its customers.

    Raises:
        DataError: There is none with two customers, or nobody bought in any.
    """
    used = [w for w in windows if w.customers > 1]
    if not used or not any(w.buyers for w in used):
        raise DataError(
            "nobody who would have been eligible bought anything in the windows before; "
            "choose a longer window, or other customers"
        )
    weights = np.array([w.customers for w in used], dtype=float)
    reductions = [(w.correlation**2, w.customers) for w in used if not math.isnan(w.correlation)]
    return Baseline(
        windows=tuple(used),
        conversion=sum(w.buyers for w in used) / float(weights.sum()),
        mean=float(np.average([w.mean for w in used], weights=weights)),
        standard_deviation=math.sqrt(
            float(np.average([w.standard_deviation**2 for w in used], weights=weights))
        ),
        variance_reduction=sum(r * n for r, n in reductions) / sum(n for _, n in reductions)
        if reductions
        else 0.0,
    )


def power_of(
    base: Baseline,
    *,
    sizes: Mapping[str, int],
    control: str,
    primary: Primary,
    costs: Costs,
    margin_rate: float | None,
) -> tuple[ArmPower, ...]:
    """What each treated arm can show: power 80 %, two-sided 5 % shared by the arms (Bonferroni).

    An effect pays from (cost of sending + fixed cost ÷ all treated customers) ÷ margin rate per customer on;
    of conversion, from that ÷ the revenue of one who buys. Coupons are paid on sales and are not known
    before them: margin is meant after them.

    Args:
        base: Result of :func:`baseline`.
        sizes: Customers by arm.
        control: The arm held out.
        primary: Metric that decides.
        costs: ``send`` per customer and ``fixed``.
        margin_rate: Margin ÷ revenue; None when not known.

    Raises:
        ConfigError: The control is no arm, or an arm has fewer than two customers.
    """
    if control not in sizes:
        raise ConfigError(f"the control {control!r} is not an arm; the arms are {', '.join(sizes)}")
    treated = [arm for arm in sorted(sizes) if arm != control]
    for arm, n in sizes.items():
        if n < 2:
            raise ConfigError(f"arm {arm!r} has {n} customers; give each arm 2 or more")
    each = costs.send + costs.fixed / sum(sizes[arm] for arm in treated)
    pays = None if margin_rate is None else each / margin_rate
    return tuple(
        _arm(base, arm, sizes[arm], sizes[control], primary, pays, ALPHA / len(treated)) for arm in treated
    )


def _arm(
    base: Baseline, arm: str, n: int, held: int, primary: Primary, pays: float | None, alpha: float
) -> ArmPower:
    share = held / (n + held)
    needed = None
    if primary == "revenue":
        spread = base.standard_deviation
        mde = mde_mean(spread, n_treatment=n, n_control=held, power=POWER, alpha=alpha)
        adjusted = mde * math.sqrt(max(0.0, 1 - base.variance_reduction))
        if pays:
            needed = customers_for_mean(spread, pays, control_share=share, power=POWER, alpha=alpha)
    else:
        mde = mde_share(base.conversion, n_treatment=n, n_control=held, power=POWER, alpha=alpha)
        adjusted = mde
        pays = None if pays is None else pays / base.per_buyer
        if pays and base.conversion + pays < 1:
            needed = customers_for_share(base.conversion, pays, control_share=share, power=POWER, alpha=alpha)
    return ArmPower(arm, n, held, mde, adjusted, pays, needed, alpha)
