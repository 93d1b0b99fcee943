"""CPM: ten groups of customers by tenure, revenue to date and lapse (顧客ポートフォリオ・マネジメント)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rfm import RfmTable
from crmreport.errors import ConfigError

KINDS = ("first_time", "toddler", "steady", "trendy", "excellent")
STATES = ("active", "lapsed")
GROUPS = tuple(f"{kind}_{state}" for state in STATES for kind in KINDS)


@dataclass(frozen=True)
class CpmGroups:
    """Customers in the ten groups.

    Attributes:
        table: One row per group in the order of ``GROUPS``: ``segment``, ``customers``,
            ``customer_share``, ``revenue``, ``revenue_share``.
        customers: Lazy frame of the RFM table with ``tenure_days`` and ``segment``.
        tenure_days: Days from first to last purchase that make a long tenure.
        high_value: Revenue to date that makes a high value.
        lapsed_days: As many days or more since the last purchase make a customer lapsed.
    """

    table: pd.DataFrame
    customers: nw.LazyFrame[Any]
    tenure_days: int
    high_value: float
    lapsed_days: int


def cpm_groups(
    table: RfmTable, *, high_value: float, tenure_days: int = 90, lapsed_days: int = 180
) -> CpmGroups:
    """Put every buyer into one of the ten CPM groups.

    One purchase: ``first_time``. Else by tenure (first to last purchase) and revenue to date:
    short and low ``toddler`` (よちよち), long and low ``steady`` (コツコツ), short and high
    ``trendy`` (流行), long and high ``excellent`` (優良). Each is ``active``, or ``lapsed`` when
    the last purchase is ``lapsed_days`` or more back.

    Args:
        table: RFM table over the whole history: tenure and revenue to date need all of it.
        high_value: Revenue to date from which a customer counts as high, client currency.
        tenure_days: Days of tenure from which it counts as long.
        lapsed_days: Days without a purchase from which a customer has lapsed.

    Raises:
        ConfigError: The table looks back over part of the history, or a threshold is not above 0.
    """
    if table.since is not None:
        raise ConfigError(
            f"CPM needs the whole history, the table starts at {table.since}; make it without since"
        )
    for name, given in (
        ("high_value", high_value),
        ("tenure_days", tenure_days),
        ("lapsed_days", lapsed_days),
    ):
        if given <= 0:
            raise ConfigError(f"{name} is {given}; give a number above 0")
    # Differences of instants: see days_before.
    gap = nw.col("last_date").cast(nw.Datetime("us")) - nw.col("first_date").cast(nw.Datetime("us"))
    customers = table.customers.with_columns(tenure_days=(gap.dt.total_seconds() // 86_400).cast(nw.Int64))
    long, high = nw.col("tenure_days") >= tenure_days, nw.col("revenue") >= high_value
    once, lapsed = nw.col("frequency") == 1, nw.col("recency_days") >= lapsed_days
    rules = [(once, 0), (long & high, 4), (high, 3), (long, 2)]
    place: Any = nw.lit(1)
    for rule, kind in reversed(rules):
        place = nw.when(rule).then(nw.lit(kind)).otherwise(place)
    place = place + nw.when(lapsed).then(nw.lit(len(KINDS))).otherwise(nw.lit(0))
    customers = customers.with_columns(place=place)
    segment: Any = nw.lit(GROUPS[-1])
    for index, group in enumerate(GROUPS[:-1]):
        segment = nw.when(nw.col("place") == index).then(nw.lit(group)).otherwise(segment)
    customers = customers.with_columns(segment=segment).drop("place")
    counts = customers.group_by("segment").agg(nw.len().alias("customers"), nw.col("revenue").sum())
    sums = to_pandas(counts).set_index("segment").reindex(list(GROUPS), fill_value=0)
    revenue = sums["revenue"].round(table.decimals)
    total = float(revenue.sum())
    found = pd.DataFrame(
        {
            "segment": pd.Series(GROUPS, dtype="str"),
            "customers": sums["customers"].to_numpy(dtype="int64"),
            "customer_share": sums["customers"].to_numpy() / (table.n_customers or np.nan),
            "revenue": revenue.to_numpy(dtype="float64"),
            "revenue_share": revenue.to_numpy() / total if total > 0 else np.nan,
        }
    )
    return CpmGroups(found, customers, tenure_days, high_value, lapsed_days)
