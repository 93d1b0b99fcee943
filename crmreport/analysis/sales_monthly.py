"""Sales month by month, beside the same month a year earlier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import round_money, to_pandas
from crmreport.analysis.sales_lines import COUNTS, SalesLines, distinct_counts
from crmreport.errors import DataError
from crmreport.period import add_months


@dataclass(frozen=True)
class MonthlySales:
    """Sales month by month.

    Attributes:
        table: One row per month, oldest first: ``month`` (first day), ``revenue``, ``orders``,
            ``buyers``, ``purchases``, ``items``, ``new_customers``, ``first_revenue``,
            ``repeat_revenue``, ``guest_revenue``, ``revenue_per_buyer``, ``revenue_year_ago``,
            ``change_year_ago`` (null while the month is preliminary), ``is_preliminary``. Months before
            the data are left out; a month inside them without sales is a row of zeros.
        first_day: First day of the data.
        last_day: Last day of the data, at most ``as_of``.
        as_of: Last visible day.
    """

    table: pd.DataFrame
    first_day: date
    last_day: date
    as_of: date


def monthly_sales(lines: SalesLines, *, months: int = 13, quiet_days: int | None = None) -> MonthlySales:
    """Revenue, orders, buyers and items by calendar month, with the same month a year earlier.

    A month is preliminary while it is not over: when the last visible day lies before its last day, or
    when the data stop more than ``quiet_days`` before it.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`; the month of its last
            visible day is the last row.
        months: How many months, 1 or more.
        quiet_days: Days without any line that are still believed.

    Raises:
        DataError: No line is visible.
        ValueError: ``months`` is below 1.
    """
    if months < 1:
        raise ValueError(f"months is {months}; give 1 or more")
    as_of, seen = lines.as_of, lines.observed
    begins, last_day = seen.first_day, seen.last_day
    if begins is None or last_day is None:
        raise DataError(f"no order line is dated {as_of} or earlier; check the period and the date column")
    this_month = as_of.replace(day=1)
    start = max(add_months(this_month, -(months + 11)), begins.replace(day=1))
    recent = lines.rows.filter(nw.col("order_date") >= nw.lit(start))
    money = to_pandas(
        recent.group_by("month_index").agg(
            nw.col("revenue", "guest_revenue", "first_revenue", "items").sum(),
        )
    )
    money = round_money(money, "revenue", "guest_revenue", "first_revenue")
    table = money.merge(distinct_counts(recent, ["month_index"]), on="month_index", how="outer")
    last_index = _index(this_month)
    table = table.set_index("month_index").reindex(range(_index(start), last_index + 1)).fillna(0.0)
    table = table.astype(dict.fromkeys(COUNTS, "int64")).reset_index()
    table["month"] = [pd.Timestamp(i // 12, i % 12 + 1, 1).as_unit("us") for i in table["month_index"]]
    table["repeat_revenue"] = table["revenue"] - table["guest_revenue"] - table["first_revenue"]
    customer_revenue = table["revenue"] - table["guest_revenue"]
    table["revenue_per_buyer"] = customer_revenue / table["buyers"].where(table["buyers"] > 0)
    year_ago = table.set_index("month_index")["revenue"]
    if begins.day > 7:
        # The data begin inside this month: it is no full month to compare with.
        year_ago = year_ago.drop(_index(begins), errors="ignore")
    table["revenue_year_ago"] = (table["month_index"] - 12).map(year_ago)
    earlier = table["revenue_year_ago"].where(table["revenue_year_ago"] > 0)
    table["change_year_ago"] = table["revenue"] / earlier - 1
    if quiet_days is None:
        quiet_days = seen.pause_days
    ends_on = [add_months(m.date(), 1) - timedelta(days=1) for m in table["month"]]
    table["is_preliminary"] = [as_of < end or last_day + timedelta(days=quiet_days) < end for end in ends_on]
    table["change_year_ago"] = table["change_year_ago"].where(~table["is_preliminary"])
    table = table[table["month_index"] > last_index - months]
    columns = [
        "month", "revenue", "orders", "buyers", "purchases", "items", "new_customers", "first_revenue",
        "repeat_revenue", "guest_revenue", "revenue_per_buyer", "revenue_year_ago", "change_year_ago",
        "is_preliminary",
    ]  # fmt: skip
    return MonthlySales(table[columns].reset_index(drop=True), begins, last_day, as_of)


def _index(day: date) -> int:
    return day.year * 12 + day.month - 1
