"""Entry products: what customers bought first, and whether they came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import (
    PurchaseUnit,
    days_before,
    purchases,
    round_money,
    settle,
    to_pandas,
    visible,
)
from crmreport.analysis.observed import first_day
from crmreport.analysis.product_lines import product_lines
from crmreport.analysis.proportions import compare_shares, holm, wilson_interval

_YEAR_DAYS = 365


@dataclass(frozen=True)
class EntryProducts:
    """Second-purchase rate by what was in the first basket.

    Attributes:
        table: One row per attribute value with enough customers, highest ``difference`` first:
            ``attribute``, ``value``, ``customers``, ``converted``, ``f2_rate`` with
            ``f2_low``/``f2_high`` (95 %), ``rest_customers``, ``rest_rate``, ``difference``,
            ``p_value``, ``p_holm`` (adjusted over all rows of the table), ``first_year_customers``,
            ``first_year_revenue`` (mean per customer; null when nobody was observed for a year).
        waiting: Customers who have bought once, less than ``within_days`` before as_of: ``customer_id``,
            ``first_date``, ``days_since_first``, ``revenue`` of the first purchase; latest last.
        customers: Eligible customers.
        converted: Those of them with a second purchase in time.
        not_yet: Customers whose window is not over at as_of; they are in no rate.
        maybe_earlier: Customers whose first purchase in the data falls into the burn-in; they may have
            bought before the data begin, so what they bought first is not known.
        burn_in_days: Length of the burn-in.
        within_days: Length of the window.
        minimum_support: Customers a value needs.
        values_left_out: Values with fewer customers.
        unit: What one purchase is.
        as_of: Last visible day.
    """

    table: pd.DataFrame
    waiting: pd.DataFrame
    customers: int
    converted: int
    not_yet: int
    maybe_earlier: int
    burn_in_days: int
    within_days: int
    minimum_support: int
    values_left_out: int
    unit: PurchaseUnit
    as_of: date

    @property
    def f2_rate(self) -> float:
        """Second-purchase rate of all eligible customers; nan when there are none."""
        return self.converted / self.customers if self.customers else float("nan")


def entry_products(
    lines: Any,
    products: Any,
    *,
    columns: Sequence[str],
    as_of: date,
    within_days: int = 90,
    burn_in_days: int = 0,
    minimum_support: int = 30,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> EntryProducts:
    """Compare second-purchase rates (F2) between first baskets (METRICS §4).

    The first basket is everything in the customer's first purchase (the day, or the order; of two
    orders on the first day the one with the smaller number); a customer counts for every value in
    it. F2 rate at w days = customers whose second purchase came within w days of the first ÷
    customers whose first purchase is at least w days before ``as_of``. Each
    value is compared with all other eligible customers; p-values are adjusted by Holm over the
    whole table. It is a difference between customers, not an effect of the product.

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, of the same kind as ``lines``.
        columns: Product columns to compare by.
        as_of: Last visible day.
        within_days: The window, 1 or more.
        burn_in_days: Customers first seen within so many days from the data's first day are left
            out: a customer of long standing looks new there. 0 takes everybody.
        minimum_support: Customers a value needs to be compared.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        ValueError: ``within_days`` is below 1, or ``burn_in_days`` below 0.
        DataError: A column is missing.
    """
    if within_days < 1:
        raise ValueError(f"within_days is {within_days}; give 1 or more")
    if burn_in_days < 0:
        raise ValueError(f"burn_in_days is {burn_in_days}; give 0 or more")
    joined = product_lines(
        lines, products, columns=columns, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts
    )
    seen = settle(_first_purchases(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts))
    begin = first_day(visible(lines, as_of=as_of)) or as_of
    first = seen.filter(nw.col("first_date") >= nw.lit(begin + timedelta(days=burn_in_days)))
    followed = first.with_columns(
        age=days_before(as_of, "first_date"),
        gap=days_before(as_of, "first_date") - days_before(as_of, "second_date"),
    )
    eligible = followed.filter(nw.col("age") >= within_days).with_columns(
        converted=(nw.col("gap") <= within_days).fill_null(False).cast(nw.Int64)
    )
    year = _first_year_revenue(lines, eligible, as_of=as_of)
    eligible = eligible.join(year, on="customer_id", how="left")
    everyone = to_pandas(
        eligible.select(customers=nw.len().cast(nw.Int64), converted=nw.col("converted").sum().cast(nw.Int64))
    ).fillna(0)
    n, k = (int(count) for count in everyone.to_numpy()[0])
    all_seen, all_customers = (
        int(to_pandas(each.select(n=nw.len())).to_numpy()[0, 0]) for each in (seen, first)
    )
    once = followed.filter(nw.col("age") < within_days, nw.col("gap").is_null())
    waiting = round_money(
        to_pandas(
            once.select(
                "customer_id", "first_date", revenue=nw.col("first_revenue"), days_since_first=nw.col("age")
            ),
            sort_by=["first_date", "customer_id"],
        ),
        "revenue",
    )

    bought = settle(joined.filter(nw.col("is_purchase")).select("customer_id", "purchase", *columns))
    baskets = bought.join(eligible, on="customer_id")
    baskets = settle(baskets.filter(nw.col("purchase") == nw.col("first_purchase")))
    tables = [_by_value(baskets, column) for column in columns]
    table = round_money(pd.concat(tables, ignore_index=True), "year_revenue")
    # A value in every first basket has nobody to be compared with.
    kept = (table["customers"] >= minimum_support) & (table["customers"] < n)
    left_out = int((table["customers"] < minimum_support).sum())
    table = table[kept].reset_index(drop=True)
    table["f2_rate"] = table["converted"] / table["customers"]
    table["f2_low"], table["f2_high"] = wilson_interval(table["converted"], table["customers"])
    table["rest_customers"] = n - table["customers"]
    table["rest_rate"] = (k - table["converted"]) / table["rest_customers"]
    table["difference"] = table["f2_rate"] - table["rest_rate"]
    table["p_value"] = [
        compare_shares(int(a), int(b), k - int(a), n - int(b))
        for a, b in zip(table["converted"], table["customers"], strict=True)
    ]
    table["p_holm"] = holm(table["p_value"].tolist())
    table["first_year_revenue"] = table["year_revenue"] / table["first_year_customers"].where(
        table["first_year_customers"] > 0
    )
    table = table.sort_values(["difference", "attribute", "value"], ascending=[False, True, True])
    names = [
        "attribute", "value", "customers", "converted", "f2_rate", "f2_low", "f2_high", "rest_customers",
        "rest_rate", "difference", "p_value", "p_holm", "first_year_customers", "first_year_revenue",
    ]  # fmt: skip
    return EntryProducts(
        table=table[names].reset_index(drop=True),
        waiting=waiting,
        customers=n,
        converted=k,
        not_yet=all_customers - n,
        maybe_earlier=all_seen - all_customers,
        burn_in_days=burn_in_days,
        within_days=within_days,
        minimum_support=minimum_support,
        values_left_out=left_out,
        unit=unit,
        as_of=as_of,
    )


def _first_purchases(
    lines: Any, *, as_of: date, unit: PurchaseUnit, zero_value_counts: bool
) -> nw.LazyFrame[Any]:
    """Each customer's first purchase: its day, its revenue, which it was, and the day of the second."""
    bought = purchases(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
    order = ["purchase_date"] if unit == "customer_day" else ["purchase_date", "order_id"]
    both = bought.with_columns(
        earlier=nw.col("purchase_date").shift(1).over("customer_id", order_by=order),
        second_date=nw.col("purchase_date").shift(-1).over("customer_id", order_by=order),
    )
    return both.filter(nw.col("earlier").is_null()).select(
        "customer_id",
        "second_date",
        first_date=nw.col("purchase_date"),
        first_revenue=nw.col("revenue"),
        first_purchase=nw.col(order[-1]),
    )


def _first_year_revenue(lines: Any, eligible: nw.LazyFrame[Any], *, as_of: date) -> nw.LazyFrame[Any]:
    """Revenue within a year of the first purchase, for customers observed that long."""
    aged = eligible.filter(nw.col("age") >= _YEAR_DAYS).select("customer_id", "age")
    spent = settle(visible(lines, as_of=as_of).select("customer_id", "order_date", "revenue"))
    spent = spent.join(aged, on="customer_id").with_columns(
        since_first=nw.col("age") - days_before(as_of, "order_date")
    )
    spent = spent.filter((nw.col("since_first") >= 0) & (nw.col("since_first") < _YEAR_DAYS))
    return spent.group_by("customer_id").agg(year_revenue=nw.col("revenue").sum())


def _by_value(baskets: nw.LazyFrame[Any], column: str) -> pd.DataFrame:
    per_customer = (
        baskets.filter(~nw.col(column).is_null())
        .select(column, "customer_id", "converted", "year_revenue")
        .unique()
        .with_columns(first_year=(~nw.col("year_revenue").is_null()).cast(nw.Int64))
    )
    counted = per_customer.group_by(column).agg(
        customers=nw.len(),
        converted=nw.col("converted").sum(),
        first_year_customers=nw.col("first_year").sum(),
        year_revenue=nw.col("year_revenue").sum(),
    )
    table = to_pandas(counted).rename(columns={column: "value"})
    table.insert(0, "attribute", column)
    counts = ["customers", "converted", "first_year_customers"]
    return table.astype({"value": "str", **dict.fromkeys(counts, "int64")})
