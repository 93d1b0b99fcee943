"""CTB: which categories, tastes and brands sell, and which of them each customer lives in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, round_money, settle, to_pandas
from crmreport.analysis.observed import ObservedDays, observed_days, within
from crmreport.analysis.product_lines import axis_attributes, product_lines
from crmreport.period import Period

MIXED = "(mixed)"
TOO_FEW = "(too few)"
UNKNOWN = "(unknown)"


@dataclass(frozen=True)
class CtbShares:
    """What was sold, by the values of each product attribute.

    Attributes:
        table: One row per attribute value, largest revenue first within the attribute: ``axis``,
            ``attribute``, ``value``, ``kind`` (``value``, or ``unknown`` where the attribute is not
            known), ``revenue``, ``revenue_share`` (of all sales of the period; the shares of an
            attribute sum to 1), ``customers``, ``purchases``, ``revenue_previous``, ``growth``.
        coverage: One row per attribute: ``axis``, ``attribute``, ``values``, ``revenue``,
            ``known_revenue``, ``coverage`` (share of spend with the attribute known).
        period: What was looked at.
        previous_observed: Whether the data reach back over the whole previous period; if not,
            ``revenue_previous`` and ``growth`` are null.
        unit: What one purchase is.
        observed: Days the order lines say something about; while the period is preliminary ``growth``
            is null, because a part would be compared with a whole.
    """

    table: pd.DataFrame
    coverage: pd.DataFrame
    period: Period
    previous_observed: bool
    unit: PurchaseUnit
    observed: ObservedDays


def ctb_shares(
    lines: Any,
    products: Any,
    *,
    axes: Mapping[str, Sequence[str]],
    period: Period,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> CtbShares:
    """Revenue, customers and purchases by the values of every mapped product column (METRICS §3).

    Revenue is net: returns lower it, guests are in it. Customers and purchases count known
    customers with a line that is no return, in an order that counts as a purchase.

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, of the same kind as ``lines``.
        axes: CTB axis → product columns.
        period: What to look at; rows after its last day are invisible. Compared with
            ``period.previous()``.
        unit: What one purchase is.
        zero_value_counts: Whether an order worth nothing is a purchase.

    Raises:
        DataError: An axis names a column the products do not have.

    Examples:
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "b", "b"], "order_id": ["1", "2", "2"],
        ...     "order_date": pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-02"]),
        ...     "revenue": [300.0, 100.0, 100.0], "is_return": [False] * 3,
        ...     "product_id": ["p", "q", "?"],
        ... })
        >>> products = pd.DataFrame({"product_id": ["p", "q"], "brand": ["House", "Other"]})
        >>> shares = ctb_shares(lines, products, axes={"brand": ["brand"]}, period=Period.parse("2026-10"))
        >>> shares.table[["value", "revenue_share", "customers"]].values.tolist()
        [['House', 0.6, 1], ['Other', 0.2, 1], ['(unknown)', 0.2, 1]]
    """
    found = axis_attributes(axes)
    joined = product_lines(
        lines,
        products,
        columns=[a.column for a in found],
        as_of=period.as_of,
        unit=unit,
        zero_value_counts=zero_value_counts,
    )
    before = period.previous()
    seen = observed_days(lines, as_of=period.as_of)
    observed = seen.covers(before)
    joined = settle(within(joined, period, before))
    now, earlier = within(joined, period), within(joined, before)
    tables, coverage = [], []
    for attribute in found:
        column = attribute.column
        sold = _sum_by(now, column).merge(_count_by(now, column), on="value", how="left")
        sold = sold.merge(
            _sum_by(earlier, column).rename(columns={"revenue": "revenue_previous"}), on="value", how="left"
        )
        sold["revenue_previous"] = sold["revenue_previous"].fillna(0.0) if observed else float("nan")
        sold[["customers", "purchases"]] = sold[["customers", "purchases"]].fillna(0).astype("int64")
        sold = round_money(sold, "revenue", "revenue_previous")
        total = float(sold["revenue"].sum())
        known = float(sold.loc[sold["value"] != UNKNOWN, "revenue"].sum())
        sold["kind"] = (sold["value"] == UNKNOWN).map({True: "unknown", False: "value"})
        sold["revenue_share"] = sold["revenue"] / total if total else float("nan")
        sold["growth"] = growth(sold["revenue"], sold["revenue_previous"], seen)
        sold.insert(0, "axis", attribute.axis)
        sold.insert(1, "attribute", column)
        tables.append(sold.sort_values(["kind", "revenue", "value"], ascending=[False, False, True]))
        coverage.append(
            {
                "axis": attribute.axis,
                "attribute": column,
                "values": int((sold["kind"] == "value").sum()),
                "revenue": total,
                "known_revenue": known,
                "coverage": known / total if total else float("nan"),
            }
        )
    table = pd.concat(tables, ignore_index=True)[
        [
            "axis", "attribute", "value", "kind", "revenue", "revenue_share", "customers", "purchases",
            "revenue_previous", "growth",
        ]
    ]  # fmt: skip
    return CtbShares(table, pd.DataFrame(coverage), period, observed, unit, seen)


@dataclass(frozen=True)
class CtbProfiles:
    """Where each customer's spend lies, per product attribute.

    Attributes:
        table: One row per profile, most customers first within the attribute, then ``mixed`` and
            ``too_few``: ``axis``, ``attribute``, ``value``, ``kind`` (``value``, ``mixed``,
            ``too_few``), ``customers``, ``customer_share`` (sums to 1 per attribute), ``revenue``
            (of these customers on lines with the attribute known), ``revenue_per_customer``.
        customers: Lazy, one row per customer and attribute: ``customer_id``, ``attribute``,
            ``profile`` (the dominant value, ``(mixed)`` or ``(too few)``), ``share`` (of spend with
            the attribute known that goes to the customer's largest value), ``lines``, ``revenue``.
        dominant_share: Share of spend from which a value dominates.
        minimum_lines: Purchase lines a profile needs.
        period: What was looked at.
    """

    table: pd.DataFrame
    customers: nw.LazyFrame[Any]
    dominant_share: float
    minimum_lines: int
    period: Period


def ctb_profiles(
    lines: Any,
    products: Any,
    *,
    axes: Mapping[str, Sequence[str]],
    period: Period,
    dominant_share: float = 0.5,
    minimum_lines: int = 3,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> CtbProfiles:
    """Give every customer a dominant value per product attribute, where there is one (METRICS §3).

    A value dominates when it takes at least ``dominant_share`` of the customer's net spend on
    lines with the attribute known, on at least ``minimum_lines`` purchase lines. Two values at
    exactly half each do not dominate. Net spend of zero or less counts as too few.

    Args:
        lines: Order lines with ``product_id``.
        products: Products, of the same kind as ``lines``.
        axes: CTB axis → product columns.
        period: What to look at.
        dominant_share: Share of spend, 0.5 to 1.
        minimum_lines: Purchase lines with the attribute known, 1 or more.
        unit: What one purchase is.
        zero_value_counts: Whether an order worth nothing is a purchase.

    Raises:
        ValueError: ``dominant_share`` is below 0.5 (two values could dominate), or above 1.
        DataError: An axis names a column the products do not have.
    """
    if not 0.5 <= dominant_share <= 1:
        raise ValueError(f"dominant_share is {dominant_share}; give 0.5 to 1, so that one value can dominate")
    if minimum_lines < 1:
        raise ValueError(f"minimum_lines is {minimum_lines}; give 1 or more")
    found = axis_attributes(axes)
    joined = product_lines(
        lines,
        products,
        columns=[a.column for a in found],
        as_of=period.as_of,
        unit=unit,
        zero_value_counts=zero_value_counts,
    )
    joined = settle(within(joined, period).filter(~nw.col("customer_id").is_null()))
    per_attribute = [
        _profiles(joined, a.column, dominant_share=dominant_share, minimum_lines=minimum_lines) for a in found
    ]
    tables = []
    for attribute, profiles in zip(found, per_attribute, strict=True):
        counted = profiles.group_by("profile").agg(
            customers=nw.col("customer_id").len(), revenue=nw.col("revenue").sum()
        )
        table = round_money(to_pandas(counted).rename(columns={"profile": "value"}), "revenue")
        table["kind"] = table["value"].map({MIXED: "mixed", TOO_FEW: "too_few"}).fillna("value")
        table["customer_share"] = table["customers"] / table["customers"].sum()
        table["revenue_per_customer"] = table["revenue"] / table["customers"]
        table["_last"] = table["kind"].map({"value": 0, "mixed": 1, "too_few": 2})
        table = table.sort_values(["_last", "customers", "value"], ascending=[True, False, True])
        table.insert(0, "axis", attribute.axis)
        table.insert(1, "attribute", attribute.column)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)[
        [
            "axis",
            "attribute",
            "value",
            "kind",
            "customers",
            "customer_share",
            "revenue",
            "revenue_per_customer",
        ]
    ].astype({"customers": "int64"})
    customers = nw.concat(
        [p.with_columns(attribute=nw.lit(a.column)) for a, p in zip(found, per_attribute, strict=True)]
    ).select("customer_id", "attribute", "profile", "share", "lines", "revenue")
    return CtbProfiles(table, customers, dominant_share, minimum_lines, period)


def growth(now: pd.Series, before: pd.Series, observed: ObservedDays) -> pd.Series:
    """Relative change; null where there was nothing before, and while the later period is preliminary."""
    compared = (before > 0) & (not observed.is_preliminary)
    return (now / before.where(compared) - 1).astype("float64")


def _sum_by(joined: nw.LazyFrame[Any], column: str) -> pd.DataFrame:
    table = to_pandas(joined.group_by(column).agg(nw.col("revenue").sum()))
    return _named(table, column)


def _count_by(joined: nw.LazyFrame[Any], column: str) -> pd.DataFrame:
    occasions = joined.filter(nw.col("is_purchase")).select(column, "customer_id", "purchase").unique()
    per_customer = occasions.group_by(column, "customer_id").agg(purchases=nw.len())
    table = per_customer.group_by(column).agg(customers=nw.len(), purchases=nw.col("purchases").sum())
    return _named(to_pandas(table), column)


def _named(table: pd.DataFrame, column: str) -> pd.DataFrame:
    table = table.rename(columns={column: "value"})
    table["value"] = table["value"].astype("object").where(table["value"].notna(), UNKNOWN).astype("str")
    return table


def _profiles(
    joined: nw.LazyFrame[Any], column: str, *, dominant_share: float, minimum_lines: int
) -> nw.LazyFrame[Any]:
    # Customers whose lines all lack the attribute have no profile; coverage tells how much that is.
    spend = (
        joined.filter(~nw.col(column).is_null())
        .with_columns(bought=nw.col("is_purchase").cast(nw.Int64))
        .group_by("customer_id", column)
        .agg(revenue=nw.col("revenue").sum(), bought=nw.col("bought").sum())
        .with_columns(
            total=nw.col("revenue").sum().over("customer_id"),
            lines=nw.col("bought").sum().over("customer_id").cast(nw.Int64),
        )
    )
    enough = (nw.col("lines") >= minimum_lines) & (nw.col("total") > 0)
    # The tolerance keeps an exact half a half whatever order an engine adds in.
    reaches = nw.col("revenue") >= nw.col("total") * (dominant_share - 1e-12)
    spend = spend.with_columns(
        share=nw.when(nw.col("total") > 0).then(nw.col("revenue") / nw.col("total")),
        reaches=(reaches & enough).cast(nw.Int64),
        enough=enough,
    ).with_columns(dominant=nw.col("reaches").sum().over("customer_id"))
    spend = spend.with_columns(
        candidate=nw.when((nw.col("reaches") == 1) & (nw.col("dominant") == 1)).then(nw.col(column))
    )
    profile = (
        nw.when(nw.col("enough"))
        .then(nw.coalesce(nw.col("candidate"), nw.lit(MIXED)))
        .otherwise(nw.lit(TOO_FEW))
    )
    per_customer = spend.group_by("customer_id").agg(
        candidate=nw.col("candidate").max(),
        share=nw.col("share").max(),
        lines=nw.col("lines").max(),
        revenue=nw.col("revenue").sum(),
        enough=nw.col("enough").max(),
    )
    return per_customer.with_columns(profile=profile).select(
        "customer_id", "profile", "share", "lines", "revenue"
    )
