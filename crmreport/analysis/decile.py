"""Decile analysis: buyers in ten groups of equal head count, by what they spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import LeftOut, PurchaseUnit, to_pandas, visible
from crmreport.analysis.observed import ObservedDays, covers_from, first_day
from crmreport.analysis.rfm import RfmTable, rfm_table
from crmreport.errors import ConfigError, TooFewError

GROUPS = 10


@dataclass(frozen=True)
class Deciles:
    """Ten groups of buyers, the biggest spenders first.

    Attributes:
        table: One row per decile: ``decile``, ``customers``, ``revenue``, ``revenue_share``,
            ``cumulative_share``, ``revenue_per_customer``, ``min_revenue``, ``max_revenue``,
            ``purchases_per_customer``, ``active_customers``, ``active_revenue``,
            ``lapsed_customers``, ``lapsed_share`` (of the decile's customers), ``lapsed_revenue``.
        lorenz: Cumulative shares from the smallest spender up: ``customer_share``,
            ``revenue_share``; starts at 0, 0 and ends at 1, 1.
        ties: Decile boundaries that fall between equal amounts: ``after_decile``, ``revenue``,
            ``customers`` with that amount; broken by customer id.
        gini: Gini coefficient of revenue, 0 (all equal) to 1.
        top_20_share: Share of revenue of the first two deciles.
        n_customers: Customers in the ten groups.
        revenue: Their net revenue.
        n_not_positive: Buyers whose net revenue is zero or below; in no decile.
        not_positive_revenue: Their net revenue.
        as_of: Last visible day.
        since: First day of the window; None for the whole history.
        lapsed_days: As many days or more since the last purchase make a customer lapsed.
        unit: What one purchase is.
        left_out: Lines that count for no customer.
        observed: Days the order lines say something about.
    """

    table: pd.DataFrame
    lorenz: pd.DataFrame
    ties: pd.DataFrame
    gini: float
    top_20_share: float
    n_customers: int
    revenue: float
    n_not_positive: int
    not_positive_revenue: float
    as_of: date
    since: date | None
    lapsed_days: int
    unit: PurchaseUnit
    left_out: LeftOut
    observed: ObservedDays
    _ranked: nw.LazyFrame[Any]

    def members(self, *deciles: int, lapsed: bool | None = None) -> nw.LazyFrame[Any]:
        """Customers of some deciles: ``customer_id``, ``decile``, ``revenue``, ``n_purchases``,
        ``last_date``, ``recency_days``.

        Args:
            deciles: 1 to 10; all when none is given.
            lapsed: True for the lapsed, False for the active, None for both.
        """
        frame = self._ranked
        if deciles:
            frame = frame.filter(nw.col("decile").is_in(list(deciles)))
        if lapsed is not None:
            frame = frame.filter(nw.col("lapsed") == int(lapsed))
        return frame.select("customer_id", "decile", "revenue", "n_purchases", "last_date", "recency_days")

    @property
    def n_lapsed_unobserved(self) -> int:
        """Customers of the deciles who came to ``lapsed_days`` on a day without data: nobody could see
        whether they bought before it."""
        days = nw.col("recency_days")
        late = self._ranked.filter(
            days >= self.lapsed_days, days < self.lapsed_days + self.observed.unobserved_days
        )
        return int(to_pandas(late.select(n=nw.len()))["n"].iloc[0])


def decile_table(
    lines: IntoFrame,
    *,
    as_of: date,
    since: date | None = None,
    lapsed_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> Deciles:
    """Cut the buyers of a window into ten groups by net revenue.

    Customers with at least one purchase and net revenue above zero, sorted by net revenue
    descending, are dealt into ten groups as SQL's NTILE does: with n mod 10 = r the first r groups
    get one customer more. Equal amounts across a boundary are ordered by customer id and listed
    in ``ties``. Cumulative shares come from unrounded sums; the last one is exactly 1.

    Args:
        lines: Order lines: ``customer_id``, ``order_id``, ``order_date``, ``revenue``.
        as_of: Last visible day.
        since: First day of the window; None for the whole history.
        lapsed_days: As many whole days or more since the last purchase make a customer lapsed.
        unit: ``customer_day`` or ``order``.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Raises:
        TooFewError: Fewer than ten customers with net revenue above 0.
        ConfigError: ``lapsed_days`` is below 1.

    Examples:
        >>> lines = pd.DataFrame({"customer_id": list("abcdefghij"), "order_id": list("abcdefghij"),
        ...     "order_date": pd.to_datetime(["2026-10-01"] * 10), "revenue": [55.0] + [5.0] * 9})
        >>> result = decile_table(lines, as_of=date(2026, 10, 31))
        >>> result.table[["decile", "customers", "revenue_share"]].head(2).values.tolist()
        [[1.0, 1.0, 0.55], [2.0, 1.0, 0.05]]
    """
    table = rfm_table(lines, as_of=as_of, since=since, unit=unit, zero_value_counts=zero_value_counts)
    return deciles_of(table, lapsed_days=lapsed_days)


def deciles_of(table: RfmTable, *, lapsed_days: int = 180) -> Deciles:
    """:func:`decile_table` of the window an RFM table was made for, without reading the lines again.

    Args:
        table: Result of :func:`crmreport.analysis.rfm.rfm_table`.
        lapsed_days: As many whole days or more since the last purchase make a customer lapsed.

    Raises:
        TooFewError: Fewer than ten customers with net revenue above 0.
        ConfigError: ``lapsed_days`` is below 1.
    """
    if lapsed_days < 1:
        raise ConfigError(f"lapsed_days is {lapsed_days}; give 1 or more days")
    decimals = table.decimals
    totals = table.customers.with_columns(n_purchases=nw.col("frequency"))
    positive = nw.col("revenue") > 0
    counts = to_pandas(
        totals.group_by(positive.alias("positive")).agg(nw.len().alias("n"), nw.col("revenue").sum()),
        sort_by="positive",
    ).set_index("positive")
    n = int(counts["n"].get(True, 0))
    if n < GROUPS:
        raise TooFewError("paying_customers", found=n, needed=GROUPS, remedy="look at a longer window")
    ranked = _ranked(totals.filter(positive), n, lapsed_days)
    slices = _slices(ranked)
    groups = _table(slices, decimals)
    revenue = round(float(groups["revenue"].sum()), decimals)
    return Deciles(
        table=groups,
        lorenz=_lorenz(slices),
        ties=_ties(totals.filter(positive), groups),
        gini=_gini(slices, n),
        top_20_share=float(groups["cumulative_share"].iloc[1]),
        n_customers=n,
        revenue=revenue,
        n_not_positive=int(counts["n"].get(False, 0)),
        not_positive_revenue=float(round(counts["revenue"].get(False, 0.0), decimals)),
        as_of=table.as_of,
        since=table.since,
        lapsed_days=lapsed_days,
        unit=table.unit,
        left_out=table.left_out,
        observed=table.observed,
        _ranked=ranked,
    )


def earlier_deciles(
    lines: IntoFrame,
    *,
    as_of: date,
    since: date,
    lapsed_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> Deciles | None:
    """:func:`decile_table` of an earlier window, or None when it cannot be compared.

    None: the ledger starts after ``since``, so the window would hold part of the sales only, or
    fewer than ten customers bought in it.
    """
    if not covers_from(first_day(visible(lines, as_of=as_of)), since):
        return None
    try:
        return decile_table(
            lines,
            as_of=as_of,
            since=since,
            lapsed_days=lapsed_days,
            unit=unit,
            zero_value_counts=zero_value_counts,
        )
    except TooFewError:
        return None


def _ranked(buyers: nw.LazyFrame[Any], n: int, lapsed_days: int) -> nw.LazyFrame[Any]:
    size, longer = divmod(n, GROUPS)
    place = nw.col("place")
    # The first `longer` groups hold size + 1 customers.
    head = place // (size + 1)
    tail = (place - longer * (size + 1)) // size + longer
    return (
        buyers.with_columns(descending=-nw.col("revenue"))
        .with_row_index("place", order_by=["descending", "customer_id"])
        .with_columns(place=place.cast(nw.Int64))
        .with_columns(
            decile=nw.when(place < longer * (size + 1)).then(head).otherwise(tail).cast(nw.Int64) + 1,
            # A hundred points draw a Lorenz curve as well as a million.
            slice=(place * 100 // n).cast(nw.Int64),
            rank_from_least=n - place,
            lapsed=(nw.col("recency_days") >= lapsed_days).cast(nw.Int64),
        )
    )


def _slices(ranked: nw.LazyFrame[Any]) -> pd.DataFrame:
    revenue, lapsed = nw.col("revenue"), nw.col("lapsed")
    weighed = ranked.with_columns(
        weighted=revenue * nw.col("rank_from_least"), lapsed_revenue=revenue * lapsed
    )
    found = weighed.group_by("decile", "slice").agg(
        nw.len().alias("customers"),
        revenue.sum(),
        revenue.min().alias("min_revenue"),
        revenue.max().alias("max_revenue"),
        nw.col("n_purchases").sum(),
        lapsed.sum().alias("lapsed_customers"),
        nw.col("lapsed_revenue").sum(),
        nw.col("weighted").sum(),
    )
    return to_pandas(found, sort_by=["decile", "slice"])


def _table(slices: pd.DataFrame, decimals: int) -> pd.DataFrame:
    groups = slices.groupby("decile")
    sums = groups[["customers", "revenue", "n_purchases", "lapsed_customers", "lapsed_revenue"]].sum()
    sums = sums.round({"revenue": decimals, "lapsed_revenue": decimals})
    running = sums["revenue"].cumsum()
    customers = sums["customers"].astype("int64")
    lapsed = sums["lapsed_customers"].astype("int64")
    table = pd.DataFrame(
        {
            "customers": customers,
            "revenue": sums["revenue"],
            "revenue_share": sums["revenue"] / running.iloc[-1],
            "cumulative_share": running / running.iloc[-1],
            "revenue_per_customer": sums["revenue"] / customers,
            "min_revenue": groups["min_revenue"].min(),
            "max_revenue": groups["max_revenue"].max(),
            "purchases_per_customer": sums["n_purchases"] / customers,
            "active_customers": customers - lapsed,
            "active_revenue": (sums["revenue"] - sums["lapsed_revenue"]).round(decimals),
            "lapsed_customers": lapsed,
            "lapsed_share": lapsed / customers,
            "lapsed_revenue": sums["lapsed_revenue"],
        }
    )
    return table.reset_index()


def _lorenz(slices: pd.DataFrame) -> pd.DataFrame:
    upward = slices.iloc[::-1]
    curve = pd.DataFrame(
        {
            "customer_share": upward["customers"].cumsum() / upward["customers"].sum(),
            "revenue_share": upward["revenue"].cumsum() / upward["revenue"].sum(),
        }
    )
    start = pd.DataFrame({"customer_share": [0.0], "revenue_share": [0.0]})
    curve = pd.concat([start, curve], ignore_index=True).round(12)
    curve.iloc[-1] = 1.0
    return curve


def _gini(slices: pd.DataFrame, n: int) -> float:
    spread = 2 * slices["weighted"].sum() / (n * slices["revenue"].sum()) - (n + 1) / n
    return float(np.round(max(spread, 0.0), 12))


def _ties(buyers: nw.LazyFrame[Any], table: pd.DataFrame) -> pd.DataFrame:
    ends, starts = table["min_revenue"].iloc[:-1], table["max_revenue"].iloc[1:]
    split = table.iloc[:-1].loc[ends.to_numpy() == starts.to_numpy(), ["decile", "min_revenue"]]
    split = split.set_axis(["after_decile", "revenue"], axis=1)
    amounts = sorted(set(split["revenue"]))
    if not amounts:
        return split.assign(customers=pd.Series(dtype="int64")).reset_index(drop=True)
    same = (
        buyers.filter(nw.col("revenue").is_in(amounts)).group_by("revenue").agg(nw.len().alias("customers"))
    )
    return split.merge(to_pandas(same), on="revenue", how="left").reset_index(drop=True)
