"""Sales of a period: totals, and the key figures beside the period before and a year ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, round_money, settle, to_pandas
from crmreport.analysis.observed import within
from crmreport.analysis.sales_lines import COUNTS, SalesLines, distinct_counts
from crmreport.period import Period

KPIS = (
    "revenue", "buyers", "orders", "revenue_per_buyer", "new_customers", "repeat_share",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SalesTotals:
    """What was sold in one period.

    Attributes:
        period: The period.
        observed: Whether the data reach back to the period's first week.
        revenue: Net revenue of all visible lines: returns lower it, guests are in it.
        guest_revenue: The part without a customer.
        orders: Orders with at least one line that is no return, not fully returned; with guests.
        purchases: Purchase occasions of known customers.
        buyers: Known customers with a purchase.
        items: Items on the purchases of known customers.
        new_customers: Buyers whose first purchase ever, as far as the data go, lies in the period.
        first_revenue: Revenue of the orders made on customers' first purchase day, less what came back
            of them in the period, whenever they were made.
        repeat_revenue: Revenue of known customers' other orders; unlinked returns are in here.
        unit: What one purchase is.
        is_preliminary: Whether the data stop before the period's end, by more than the usual pause
            between days with orders (see `crmreport.analysis.observed.usual_pause`).
    """

    period: Period
    observed: bool
    revenue: float
    guest_revenue: float
    orders: int
    purchases: int
    buyers: int
    items: float
    new_customers: int
    first_revenue: float
    repeat_revenue: float
    unit: PurchaseUnit
    is_preliminary: bool

    @property
    def customer_revenue(self) -> float:
        """Revenue of known customers."""
        return self.revenue - self.guest_revenue

    @property
    def revenue_per_buyer(self) -> float:
        """客単価: revenue of known customers ÷ buyers of the period; nan without buyers."""
        return self.customer_revenue / self.buyers if self.buyers else float("nan")

    @property
    def repeat_share(self) -> float:
        """Share of known customers' revenue that is no first purchase; nan without revenue."""
        return self.repeat_revenue / self.customer_revenue if self.customer_revenue > 0 else float("nan")


def sales_totals(
    lines: SalesLines,
    *,
    periods: Sequence[Period],
) -> list[SalesTotals]:
    """Totals of several periods, all judged by what is known on the lines' last visible day.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`.
        periods: The periods, in the order wanted.

    Returns:
        One `SalesTotals` per period.
    """
    seen, rows = lines.observed, settle(within(lines.rows, *periods))
    totals = []
    for period in periods:
        inside = within(rows, period)
        t = to_pandas(
            inside.select(
                revenue=nw.col("revenue").sum(),
                guest=nw.col("guest_revenue").sum(),
                first=nw.col("first_revenue").sum(),
                items=nw.col("items").sum(),
            )
        )
        t = round_money(t.astype("float64").fillna(0.0), "revenue", "guest", "first").iloc[0]
        counts = distinct_counts(inside, [])
        totals.append(
            SalesTotals(
                period=period,
                observed=seen.covers(period),
                revenue=float(t["revenue"]),
                guest_revenue=float(t["guest"]),
                items=float(t["items"]),
                first_revenue=float(t["first"]),
                repeat_revenue=float(t["revenue"] - t["guest"] - t["first"]),
                unit=lines.unit,
                is_preliminary=seen.stops_before(period.as_of),
                **{name: int(counts[name].to_numpy()[0]) for name in COUNTS},
            )
        )
    return totals


@dataclass(frozen=True)
class SalesKpis:
    """The few numbers page 1 shows.

    Attributes:
        table: Rows = KPI (``revenue``, ``buyers``, ``orders``, ``revenue_per_buyer``,
            ``new_customers``, ``repeat_share``): ``kpi``, ``value``, ``previous``, ``year_ago``,
            ``change_previous``, ``change_year_ago``. Changes are relative, for ``repeat_share`` a
            difference of shares. Null where a compared period lies before the data; the changes also
            while the period itself is preliminary, because a part would be compared with a whole.
        now: Totals of the period.
        previous: Totals of the period before.
        year_ago: Totals of the same period a year earlier.
    """

    table: pd.DataFrame
    now: SalesTotals
    previous: SalesTotals
    year_ago: SalesTotals


def kpi_table(
    lines: SalesLines,
    *,
    period: Period,
) -> SalesKpis:
    """The period's KPIs beside the previous period and the same period a year earlier.

    ``revenue_per_buyer`` (客単価) is revenue of known customers ÷ buyers, over the whole period:
    not revenue per receipt.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`.
        period: What to look at.

    Examples:
        >>> from crmreport.analysis.sales_lines import sales_lines
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "a", "b"], "order_id": ["1", "2", "3"], "revenue": [100.0, 50.0, 30.0],
        ...     "order_date": pd.to_datetime(["2026-09-01", "2026-10-01", "2026-10-02"])})
        >>> period = Period.parse("2026-10")
        >>> kpis = kpi_table(sales_lines(lines, as_of=period.as_of), period=period)
        >>> kpis.table[["kpi", "value", "previous"]].head(2).values.tolist()
        [['revenue', 80.0, 100.0], ['buyers', 2.0, 1.0]]
    """
    now, previous, year_ago = sales_totals(lines, periods=[period, period.previous(), period.year_ago()])
    rows = []
    for kpi in KPIS:
        value, before, earlier = (
            float(getattr(t, kpi)) if t.observed else float("nan") for t in (now, previous, year_ago)
        )
        change = _difference if kpi == "repeat_share" else _relative
        if now.is_preliminary:
            rows.append((kpi, value, before, earlier, float("nan"), float("nan")))
            continue
        rows.append((kpi, value, before, earlier, change(value, before), change(value, earlier)))
    table = pd.DataFrame(
        rows, columns=["kpi", "value", "previous", "year_ago", "change_previous", "change_year_ago"]
    )
    return SalesKpis(table, now, previous, year_ago)


def _relative(value: float, before: float) -> float:
    return value / before - 1 if before > 0 else float("nan")


def _difference(value: float, before: float) -> float:
    return value - before
