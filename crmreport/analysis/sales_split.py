"""A period's sales cut once: new against repeat, by membership, or by a column such as channel or store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import round_money, settle, to_pandas
from crmreport.analysis.observed import ObservedDays, within
from crmreport.analysis.sales_lines import SalesLines, distinct_counts
from crmreport.errors import DataError
from crmreport.period import Period


@dataclass(frozen=True)
class SalesSplit:
    """A period's sales cut by one column.

    Attributes:
        by: What it was cut by.
        table: One row per value, in order: ``<by>``, ``revenue``, ``revenue_share`` (sums to 1),
            ``orders``, ``buyers``, ``revenue_per_buyer``, ``revenue_previous``, ``change_previous``,
            ``revenue_year_ago``, ``change_year_ago``; the changes are null while the period is
            preliminary. A customer may be a buyer in several rows.
        period: What was looked at.
    """

    by: str
    table: pd.DataFrame
    period: Period


def sales_by(
    lines: SalesLines,
    *,
    by: str,
    period: Period,
) -> SalesSplit:
    """Sales by a column of the order lines, such as ``channel`` or ``store_id``.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`, with the column kept.
        by: The column; lines without a value are the row ``unknown``.
        period: What to look at.

    Raises:
        DataError: The column was not kept.
    """
    if by not in lines.rows.columns:
        raise DataError(f"order lines were taken without {by!r}; name it in keep of sales_lines")
    rows = lines.rows.with_columns(nw.col(by).cast(nw.String).fill_null("unknown"))
    return _split(rows, by, period, lines.observed)


def new_and_repeat(
    lines: SalesLines,
    *,
    period: Period,
) -> SalesSplit:
    """Sales by kind of order: ``new``, ``repeat``, ``guest``.

    An order is new when it was made on the day of the customer's first purchase ever, as far as
    the data go back; customers who bought before the data began look new once. A return counts with
    the order it gives back.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`.
        period: What to look at.
    """
    kind = (
        nw.when(nw.col("customer_id").is_null())
        .then(nw.lit("guest"))
        .otherwise(nw.when(nw.col("is_first")).then(nw.lit("new")).otherwise(nw.lit("repeat")))
    )
    return _split(lines.rows.with_columns(order_kind=kind), "order_kind", period, lines.observed)


def sales_by_membership(
    lines: SalesLines,
    customers: Any,
    *,
    period: Period,
) -> SalesSplit:
    """Sales of ``member``, ``non_member``, ``unknown`` (customer without the flag) and ``guest``.

    Membership is as the customer table has it today, for earlier periods too.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`.
        customers: Customers with ``is_member``, of the same kind as the order lines.
        period: What to look at.

    Raises:
        DataError: The customers have no ``is_member``.
    """
    people = nw.from_native(customers).lazy()
    if "is_member" not in people.collect_schema().names():
        raise DataError("customers have no is_member; map it in client.yml to split sales by membership")
    flag = nw.when(nw.col("is_member")).then(nw.lit("member")).otherwise(nw.lit("non_member"))
    people = (
        people.select("customer_id", "is_member")
        .unique(subset=["customer_id"], keep="any")
        .filter(~nw.col("is_member").is_null())
        .select("customer_id", membership=flag)
    )
    rows = lines.rows.join(settle(people), on="customer_id", how="left")
    known = nw.col("membership").fill_null("unknown")
    guest = nw.col("customer_id").is_null()
    rows = rows.with_columns(membership=nw.when(guest).then(nw.lit("guest")).otherwise(known))
    return _split(rows, "membership", period, lines.observed)


def _split(rows: nw.LazyFrame[Any], by: str, period: Period, seen: ObservedDays) -> SalesSplit:
    rows = settle(within(rows, period, period.previous(), period.year_ago()))
    now = within(rows, period)
    sums = now.group_by(by).agg(nw.col("revenue", "guest_revenue").sum())
    table = round_money(to_pandas(sums), "revenue", "guest_revenue").merge(
        distinct_counts(now, [by]), on=by, how="outer"
    )
    for name, earlier in (("previous", period.previous()), ("year_ago", period.year_ago())):
        column = f"revenue_{name}"
        old = to_pandas(within(rows, earlier).group_by(by).agg(nw.col("revenue").sum().alias(column)))
        table = table.merge(round_money(old, column), on=by, how="outer")
        table[column] = table[column].fillna(0.0) if seen.covers(earlier) else float("nan")
    counts = ["orders", "buyers"]
    table[counts] = table[counts].fillna(0).astype("int64")
    table[["revenue", "guest_revenue"]] = table[["revenue", "guest_revenue"]].fillna(0.0)
    for name in ("previous", "year_ago"):
        before = table[f"revenue_{name}"]
        change = table["revenue"] / before.where(before > 0) - 1
        table[f"change_{name}"] = float("nan") if seen.stops_before(period.as_of) else change
    total = table["revenue"].sum()
    table["revenue_share"] = table["revenue"] / total if total else float("nan")
    own = table["revenue"] - table["guest_revenue"]
    table["revenue_per_buyer"] = own / table["buyers"].where(table["buyers"] > 0)
    table = table.sort_values(["revenue", by], ascending=[False, True]).reset_index(drop=True)
    columns = [
        by, "revenue", "revenue_share", "orders", "buyers", "revenue_per_buyer", "revenue_previous",
        "change_previous", "revenue_year_ago", "change_year_ago",
    ]  # fmt: skip
    return SalesSplit(by, table[columns], period)
