"""Who the customers are, by one attribute, and which groups moved away from the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import (
    PurchaseUnit,
    customer_totals,
    money_decimals,
    round_money,
    settle,
    to_pandas,
    visible,
)
from crmreport.analysis.observed import ObservedDays, observed_days
from crmreport.errors import DataError

Kind = Literal["value", "other", "unknown"]
Verdict = Literal["slips", "lags", "as_others", "holds", "gains", "too_few", "not_compared"]
_SUMS = ("customers", "revenue", "purchases", "customers_before", "revenue_before", "purchases_before")


@dataclass(frozen=True)
class CustomerProfile:
    """Customers, money and purchases by group, in a window and in an earlier one.

    Attributes:
        by: The attribute.
        start: First day of the window.
        as_of: Last day of the window.
        before: First and last day of the earlier window; None when nothing is compared.
        support: Groups with fewer customers in both windows are pooled as ``other``.
        confidence: Of the intervals, all groups together.
        n_groups_tested: Groups the confidence is shared among.
        n_pooled: Groups in ``other``.
        table: One row per group: group, kind (value, other, unknown), customers, customer_share,
            revenue, revenue_share, purchases, revenue_per_customer, purchases_per_customer, the same
            with ``_before``, revenue_change, revenue_change_rate, customers_change,
            change_from_customers, change_from_spend, expected_revenue, excess, excess_low, excess_high,
            verdict. Groups add up to the window's attributable revenue.
        observed: Days the order lines say something about.
    """

    by: str
    start: date
    as_of: date
    before: tuple[date, date] | None
    support: int
    confidence: float
    n_groups_tested: int
    n_pooled: int
    table: pd.DataFrame
    observed: ObservedDays

    @property
    def totals(self) -> dict[str, float]:
        """Sums over all groups, and the change between the windows."""
        sums = {name: float(self.table[name].sum()) for name in _SUMS}
        return sums | {"revenue_change": sums["revenue"] - sums["revenue_before"]}


def customer_profile(
    lines: Any,
    groups: Any,
    *,
    by: str,
    start: date,
    as_of: date,
    before: tuple[date, date] | None = None,
    support: int = 30,
    confidence: float = 0.95,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
    observed: ObservedDays | None = None,
    spending: nw.LazyFrame[Any] | None = None,
) -> CustomerProfile:
    """Customers, revenue and purchases by group, with the groups that left the common trend.

    A customer counts in a window with at least one purchase in it; revenue is all net revenue of
    known customers in it. Customers without a group are ``unknown``, small groups ``other``.

    The change of a group is split into more or fewer customers and more or less per customer
    (Shapley, exact). Whether it left the rest is judged on its **excess**: its revenue minus what it
    would be, had it changed by the rate of all other groups together. Each customer's own excess is
    taken as independent of the others' and the number of customers as Poisson, so that the variance
    is the sum of the squared excesses (of the rest too, scaled), and no resampling is needed. The
    level is shared among the groups (Bonferroni). An interval below 0 is ``slips`` when revenue fell
    too, else ``lags``; above 0 ``gains`` when revenue rose too, else ``holds``; else ``as_others``.
    Groups, or a rest, with fewer than ``support`` customers in either window are ``too_few``.

    Args:
        lines: Order lines; any frame narwhals understands.
        groups: customer_id and group, one row per customer, on the same engine as the lines.
        by: Name of the attribute.
        start: First day of the window.
        as_of: Last day of the window.
        before: First and last day of the window compared with; seen as on its own last day.
        support: Smallest number of customers a group is shown and judged with.
        confidence: Of all verdicts together.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.
        observed: Of these lines up to as_of, when it is known already; else it is looked up.
        spending: :func:`window_spending` of these lines and windows, when it is known already.

    Returns:
        Groups by revenue, largest first; ``other`` and ``unknown`` at the end.

    Raises:
        DataError: A customer is in two groups.
        ValueError: A window is empty, or confidence is not between 0 and 1.

    Examples:
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "b", "c"],
        ...     "order_id": ["1", "2", "3"],
        ...     "order_date": pd.to_datetime(["2026-03-01", "2026-03-02", "2026-03-03"]),
        ...     "revenue": [100.0, 300.0, 50.0],
        ...     "is_return": [False] * 3,
        ... })
        >>> groups = pd.DataFrame({"customer_id": ["a", "b"], "group": ["x", "x"]})
        >>> days = {"start": date(2026, 3, 1), "as_of": date(2026, 3, 31)}
        >>> profile = customer_profile(lines, groups, by="club", **days, support=1)
        >>> profile.table[["group", "customers", "revenue"]].values.tolist()
        [['x', 2, 400.0], ['unknown', 1, 50.0]]
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; give a number between 0 and 1")
    if spending is None:
        counting: dict[str, Any] = {"unit": unit, "zero_value_counts": zero_value_counts}
        spending = window_spending(lines, start=start, as_of=as_of, before=before, **counting)
    group_frame = settle(nw.from_native(groups).lazy().select("customer_id", "group"))
    _refuse_two_groups(group_frame)

    now, then = nw.col("now"), nw.col("before")
    rows = spending.join(group_frame, on="customer_id", how="left").with_columns(
        customers=_one_if(nw.col("n_now") > 0),
        customers_before=_one_if(nw.col("n_before") > 0),
        now2=now * now,
        cross=now * then,
        before2=then * then,
    )
    names = [
        "customers",
        "customers_before",
        "now",
        "before",
        "n_now",
        "n_before",
        "now2",
        "cross",
        "before2",
    ]
    summed = rows.group_by("group").agg(**{name: nw.col(name).sum() for name in names})
    table = to_pandas(summed)
    # Engines that add in parallel differ in the last digit from run to run.
    table = round_money(table, "now", "before")
    table = table.rename(
        columns={
            "now": "revenue",
            "before": "revenue_before",
            "n_now": "purchases",
            "n_before": "purchases_before",
        }
    )
    table, n_pooled = _pool(table, support)
    n_tested = 0
    if before:
        n_tested = _judge(table, support=support, confidence=confidence)
    return CustomerProfile(
        by=by,
        start=start,
        as_of=as_of,
        before=before,
        support=support,
        confidence=confidence,
        n_groups_tested=n_tested,
        n_pooled=n_pooled,
        table=_measures(table, compared=before is not None),
        observed=observed or observed_days(lines, as_of=as_of),
    )


def window_spending(
    lines: Any,
    *,
    start: date,
    as_of: date,
    before: tuple[date, date] | None = None,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> nw.LazyFrame[Any]:
    """Money and purchases of every known customer in a window and in the one it is compared with.

    Args:
        lines: Order lines; any frame narwhals understands.
        start: First day of the window.
        as_of: Last day of the window.
        before: First and last day of the window compared with; seen as on its own last day.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Returns:
        Lazy frame ``customer_id``, ``now`` and ``before`` (net revenue), ``n_now`` and ``n_before``
        (purchases); computed once.

    Raises:
        ValueError: A window is empty.
    """
    windows = [(start, as_of)] + ([before] if before else [])
    for first, last in windows:
        if first > last:
            raise ValueError(f"window {first} to {last} is empty; give the earlier day first")
    parts = []
    for column, (first, last) in zip(("now", "before"), windows, strict=False):
        parts += _window(lines, first, last, column, unit=unit, zero_value_counts=zero_value_counts)
    sums = {name: nw.col(name).sum() for name in ("now", "before", "n_now", "n_before")}
    customers = nw.concat(parts).group_by("customer_id").agg(**sums)
    # Sums of counts are decimals on DuckDB.
    return settle(customers.with_columns(nw.col("n_now", "n_before").cast(nw.Int64)))


def _refuse_two_groups(groups: nw.LazyFrame[Any]) -> None:
    twice = groups.group_by("customer_id").agg(rows=nw.len()).filter(nw.col("rows") > 1)
    found = to_pandas(twice, sort_by="customer_id")
    if len(found):
        raise DataError(
            f"{len(found)} customers stand in more than one group; first: "
            f"{found['customer_id'].iloc[0]!r}; give one row per customer"
        )


def _window(
    lines: Any, first: date, last: date, column: str, *, unit: PurchaseUnit, zero_value_counts: bool
) -> list[nw.LazyFrame[Any]]:
    """Money and purchases per customer, as rows that add up with those of the other window."""
    # Money comes from all lines, purchases from the ledger: a refund alone is money without a purchase.
    money = visible(lines, as_of=last, since=first).filter(~nw.col("customer_id").is_null())
    bought = customer_totals(lines, as_of=last, since=first, unit=unit, zero_value_counts=zero_value_counts)
    # Every part of a union must have the same types on every engine.
    zero, none = nw.lit(0.0).cast(nw.Float64), nw.lit(0).cast(nw.Int64)
    blank = {"now": zero, "before": zero, "n_now": none, "n_before": none}
    return [
        money.group_by("customer_id")
        .agg(revenue=nw.col("revenue").sum())
        .select("customer_id", **(blank | {column: nw.col("revenue").cast(nw.Float64)})),
        bought.select("customer_id", **(blank | {f"n_{column}": nw.col("n_purchases").cast(nw.Int64)})),
    ]


def _one_if(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def _pool(table: pd.DataFrame, support: int) -> tuple[pd.DataFrame, int]:
    unknown = table["group"].isna()
    small = (table[["customers", "customers_before"]].max(axis=1) < support) & ~unknown
    table["kind"] = "value"
    table.loc[small, ["kind", "group"]] = "other"
    table.loc[unknown, ["kind", "group"]] = "unknown"
    pooled = table.groupby(["kind", "group"], as_index=False).sum(numeric_only=True)
    rank = pooled["kind"].map({"value": 0, "other": 1, "unknown": 2})
    pooled = pooled.assign(rank=rank, descending=-pooled["revenue"])
    pooled = pooled.sort_values(["rank", "descending", "group"]).drop(columns=["rank", "descending"])
    return pooled.reset_index(drop=True), int(small.sum())


def _judge(table: pd.DataFrame, *, support: int, confidence: float) -> int:
    """Add expected_revenue, excess, its interval and the verdict; return how many were tested."""
    sums = ["customers", "customers_before", "revenue", "revenue_before", "now2", "cross", "before2"]
    rest = table[sums].sum() - table[sums]
    enough = (
        (table[["customers", "customers_before"]].min(axis=1) >= support)
        & (rest[["customers", "customers_before"]].min(axis=1) >= support)
        & (table["revenue_before"] > 0)
        & (rest["revenue_before"] > 0)
    )
    tested = enough & (table["kind"] != "unknown")
    n_tested = int(tested.sum())
    trend = (rest["revenue"] / rest["revenue_before"]).where(enough)
    expected = table["revenue_before"] * trend

    def squares(of: pd.DataFrame) -> pd.Series:
        # Sum over customers of (now − trend × before)²; float dust must not make it negative.
        return (of["now2"] - 2 * trend * of["cross"] + trend**2 * of["before2"]).clip(lower=0)

    variance = squares(table) + (table["revenue_before"] / rest["revenue_before"]) ** 2 * squares(rest)
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * max(1, n_tested)))
    decimals = money_decimals(float(table[["revenue", "revenue_before"]].max().max()))
    excess = (table["revenue"] - expected).round(decimals)
    table["expected_revenue"] = expected
    table["excess"] = excess
    reach = (z * variance.map(math.sqrt)).round(decimals)
    table["excess_low"] = excess - reach
    table["excess_high"] = excess + reach
    fell = table["revenue"] < table["revenue_before"]
    table["verdict"] = "as_others"
    table.loc[(table["excess_high"] < 0) & fell, "verdict"] = "slips"
    table.loc[(table["excess_high"] < 0) & ~fell, "verdict"] = "lags"
    table.loc[(table["excess_low"] > 0) & fell, "verdict"] = "holds"
    table.loc[(table["excess_low"] > 0) & ~fell, "verdict"] = "gains"
    table.loc[~enough, "verdict"] = "too_few"
    table.loc[table["kind"] == "unknown", "verdict"] = "not_compared"
    return n_tested


def _measures(table: pd.DataFrame, *, compared: bool) -> pd.DataFrame:
    def ratio(part: pd.Series, whole: pd.Series | float) -> pd.Series:
        return (part / whole).where(pd.Series(whole, index=part.index) > 0)

    out = table[["group", "kind"]].copy()
    for name in ("customers", "purchases", "customers_before", "purchases_before"):
        table[name] = table[name].astype("int64")
    for end in ("", "_before") if compared else ("",):
        customers, revenue, bought = (table[f"{n}{end}"] for n in ("customers", "revenue", "purchases"))
        out[f"customers{end}"] = customers
        out[f"customer_share{end}"] = ratio(customers, float(customers.sum()))
        out[f"revenue{end}"] = revenue
        out[f"revenue_share{end}"] = ratio(revenue, float(revenue.sum()))
        out[f"purchases{end}"] = bought
        out[f"revenue_per_customer{end}"] = ratio(revenue, customers)
        out[f"purchases_per_customer{end}"] = ratio(bought, customers)
    if not compared:
        for name in ("customers_before", "revenue_before", "purchases_before"):
            out[name] = float("nan")
        return out.assign(verdict="not_compared")
    change = table["revenue"] - table["revenue_before"]
    out["revenue_change"] = change
    out["revenue_change_rate"] = ratio(change, table["revenue_before"])
    out["customers_change"] = table["customers"] - table["customers_before"]
    spend, spend_before = out["revenue_per_customer"], out["revenue_per_customer_before"]
    by_number = out["customers_change"] * (spend + spend_before) / 2
    # Without customers on one side there is no spend per customer to compare: all of it is customers.
    out["change_from_customers"] = by_number.where(by_number.notna(), change)
    out["change_from_spend"] = change - out["change_from_customers"]
    for name in ("expected_revenue", "excess", "excess_low", "excess_high", "verdict"):
        out[name] = table[name]
    return out
