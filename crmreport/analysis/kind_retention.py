"""Who stays, by the kind of product bought (refill, set, trial …), also at equal numbers of purchases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, attributed, settle, to_pandas
from crmreport.analysis.observed import covers_from, observed_days
from crmreport.analysis.product_lines import product_lines
from crmreport.analysis.proportions import holm, newcombe_interval, wilson_interval
from crmreport.analysis.stratified import stratified_difference
from crmreport.errors import DataError

_ALPHA = 0.05
_COLUMNS = [
    "value", "customers", "back", "back_rate", "back_low", "back_high", "rest_customers", "rest_back",
    "rest_rate", "difference", "difference_low", "difference_high", "adjusted_rate", "adjusted_rest_rate",
    "adjusted_difference", "adjusted_low", "adjusted_high", "p_value", "p_holm", "verdict",
]  # fmt: skip
_STRATA_COLUMNS = [
    "value", "purchases", "customers", "back", "back_rate", "back_low", "back_high",
    "rest_customers", "rest_back", "rest_rate", "rest_low", "rest_high", "difference",
]  # fmt: skip


@dataclass(frozen=True)
class KindRetention:
    """Buyers of the earlier window who bought again in the later one, by what they had bought.

    Attributes:
        column: Product column compared by.
        before: First and last day of the earlier window.
        since: First day of the later window.
        as_of: Its last day.
        unit: What one purchase is.
        most_purchases: Customers with so many purchases or more are one stratum.
        minimum_support: Customers needed with and without a value.
        is_observed: Whether the data cover both windows, first day to last; if not, everything is empty.
        customers: Buyers of the earlier window.
        back: Those of them who bought in the later window.
        table: One row per value, largest adjusted difference first. With the value: customers, back,
            back_rate with back_low/back_high (95 %); all other buyers: rest_customers, rest_back,
            rest_rate; difference with its interval; the same at equal numbers of purchases:
            adjusted_rate, adjusted_rest_rate, adjusted_difference, adjusted_low, adjusted_high,
            p_value, p_holm (adjusted over all rows), verdict (higher, lower, or alike: p_holm ≥ 0.05).
        strata: One row per value and number of purchases in the earlier window: purchases, customers,
            back, rates of both sides with their intervals, difference; blank where a side is empty.
        values_left_out: Values with too few customers on one side.
    """

    column: str
    before: tuple[date, date]
    since: date
    as_of: date
    unit: PurchaseUnit
    most_purchases: int
    minimum_support: int
    is_observed: bool
    customers: int
    back: int
    table: pd.DataFrame
    strata: pd.DataFrame
    values_left_out: int


def kind_retention(
    lines: Any,
    products: Any,
    *,
    column: str = "kind",
    before: tuple[date, date],
    since: date,
    as_of: date,
    most_purchases: int = 6,
    minimum_support: int = 30,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> KindRetention:
    """Compare who bought again between buyers and non-buyers of each kind of product.

    Customers: at least one purchase in the earlier window, as seen on its last day. A customer counts
    for every value bought in it. Back: at least one purchase in the later window. Who buys often buys
    more kinds *and* comes back more, so beside the raw difference stands the one at equal numbers of
    purchases in the earlier window (Mantel–Haenszel over 1, 2, … ``most_purchases`` or more). It is a
    difference between customers, not an effect of the product.

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, of the same kind as ``lines``.
        column: Product column to compare by.
        before: First and last day of the earlier window.
        since: First day of the later window, after the earlier one.
        as_of: Last day of the later window.
        most_purchases: From so many purchases on customers are one stratum; 2 or more.
        minimum_support: Customers needed on each side of a comparison.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        DataError: The products lack the column, or the lines ``product_id``.
        ValueError: The windows overlap or run backwards, or ``most_purchases`` is below 2.
    """
    start, end = before
    if not start <= end < since <= as_of:
        raise ValueError(f"windows {start}..{end} and {since}..{as_of} are not one after the other")
    if most_purchases < 2:
        raise ValueError(f"most_purchases is {most_purchases}; give 2 or more")
    # Joined even when nothing was observed: a missing column is said at once.
    bought = product_lines(
        lines, products, columns=[column], as_of=end, unit=unit, zero_value_counts=zero_value_counts
    )
    seen = observed_days(lines, as_of=as_of)
    is_observed = covers_from(seen.first_day, start) and not seen.is_preliminary
    table, strata = pd.DataFrame(columns=_COLUMNS), pd.DataFrame(columns=_STRATA_COLUMNS)
    n = back = left_out = 0
    if is_observed:
        bought = bought.filter(nw.col("is_purchase"), nw.col("order_date") >= nw.lit(start))
        bought = settle(bought.select("customer_id", "purchase", column).unique())
        later = attributed(lines, as_of=as_of, zero_value_counts=zero_value_counts)
        later = later.filter(nw.col("is_purchase"), nw.col("order_date") >= nw.lit(since))
        later = settle(later.select("customer_id").unique())
        everyone, with_value = _counts(bought, later, column, most_purchases)
        n, back = int(everyone["customers"].sum()), int(everyone["back"].sum())
        all_strata = _compared(with_value, everyone)
        sides = all_strata.groupby("value")[["customers", "rest_customers"]].sum().min(axis=1)
        kept = sides[sides >= minimum_support].index
        left_out = len(sides) - len(kept)
        strata = all_strata[all_strata["value"].isin(kept)].reset_index(drop=True)
        table = _table(strata)
    return KindRetention(
        column=column,
        before=before,
        since=since,
        as_of=as_of,
        unit=unit,
        most_purchases=most_purchases,
        minimum_support=minimum_support,
        is_observed=is_observed,
        customers=n,
        back=back,
        table=table,
        strata=strata[_STRATA_COLUMNS],
        values_left_out=left_out,
    )


def kind_column(lines: Any, products: Any | None, *, wanted: str = "") -> str | None:
    """The product column to compare by: the one wanted, else ``kind`` where the data have it.

    Args:
        lines: Order lines.
        products: Products, or None when there is no such table.
        wanted: A product column; empty to take ``kind`` or nothing.

    Returns:
        The column; None when none is wanted and there are no kinds of products in the data.

    Raises:
        DataError: A column is wanted and there are no products to have it.
    """
    if products is None:
        if wanted:
            raise DataError(f"there are no products to have the column {wanted!r}; add them to client.yml")
        return None
    if wanted:
        return wanted
    has_ids = "product_id" in nw.from_native(lines).columns
    return "kind" if has_ids and "kind" in nw.from_native(products).columns else None


def _counts(
    bought: nw.LazyFrame[Any], later: nw.LazyFrame[Any], column: str, most: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers and those of them in ``later``, by number of purchases: of all buyers, of each value's."""
    times = bought.select("customer_id", "purchase").unique().group_by("customer_id").agg(times=nw.len())
    again = later.with_columns(again=nw.lit(1))
    each = times.join(again, on="customer_id", how="left").select(
        "customer_id",
        purchases=nw.when(nw.col("times") > most)
        .then(nw.lit(most))
        .otherwise(nw.col("times").cast(nw.Int64)),
        again=nw.col("again").fill_null(0),
    )
    having = bought.filter(~nw.col(column).is_null()).select("customer_id", value=nw.col(column)).unique()
    counts = {"customers": nw.len(), "back": nw.col("again").sum()}
    everyone = to_pandas(each.group_by("purchases").agg(**counts), sort_by="purchases").astype("int64")
    with_value = to_pandas(
        having.join(each, on="customer_id").group_by("value", "purchases").agg(**counts),
        sort_by=["value", "purchases"],
    )
    return everyone, with_value.astype(dict.fromkeys(["purchases", "customers", "back"], "int64"))


def _compared(with_value: pd.DataFrame, everyone: pd.DataFrame) -> pd.DataFrame:
    """Every value in every stratum, beside all other buyers there."""
    whole = with_value[["value"]].drop_duplicates().merge(everyone, how="cross")
    strata = whole.merge(with_value, on=["value", "purchases"], how="left", suffixes=("_all", ""))
    strata[["customers", "back"]] = strata[["customers", "back"]].fillna(0).astype("int64")
    strata["rest_customers"] = strata["customers_all"] - strata["customers"]
    strata["rest_back"] = strata["back_all"] - strata["back"]
    for part, whole_, rate, low, high in (
        ("back", "customers", "back_rate", "back_low", "back_high"),
        ("rest_back", "rest_customers", "rest_rate", "rest_low", "rest_high"),
    ):
        strata[rate] = (strata[part] / strata[whole_]).where(strata[whole_] > 0)
        strata[low], strata[high] = wilson_interval(strata[part], strata[whole_])
    strata["difference"] = strata["back_rate"] - strata["rest_rate"]
    return strata.sort_values(["value", "purchases"], ignore_index=True)


def _table(strata: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for value, each in strata.groupby("value"):
        back, n, rest_back, rest = (
            int(each[name].sum()) for name in ("back", "customers", "rest_back", "rest_customers")
        )
        low, high = newcombe_interval(back, n, rest_back, rest)
        at_equal = stratified_difference(
            each["back"].tolist(),
            each["customers"].tolist(),
            each["rest_back"].tolist(),
            each["rest_customers"].tolist(),
        )
        rows.append(
            {
                "value": value,
                "customers": n,
                "back": back,
                "rest_customers": rest,
                "rest_back": rest_back,
                "difference_low": low,
                "difference_high": high,
                "adjusted_rate": at_equal.rate,
                "adjusted_rest_rate": at_equal.rest_rate,
                "adjusted_difference": at_equal.difference,
                "adjusted_low": at_equal.low,
                "adjusted_high": at_equal.high,
                "p_value": at_equal.p_value,
            }
        )
    if not rows:
        return pd.DataFrame(columns=_COLUMNS)
    table = pd.DataFrame(rows)
    table["back_rate"] = table["back"] / table["customers"]
    table["back_low"], table["back_high"] = wilson_interval(table["back"], table["customers"])
    table["rest_rate"] = table["rest_back"] / table["rest_customers"]
    table["difference"] = table["back_rate"] - table["rest_rate"]
    table["p_holm"] = holm(table["p_value"].tolist())
    clear = table["p_holm"] < _ALPHA
    table["verdict"] = "alike"
    table.loc[clear & (table["adjusted_difference"] > 0), "verdict"] = "higher"
    table.loc[clear & (table["adjusted_difference"] < 0), "verdict"] = "lower"
    table = table.sort_values(["adjusted_difference", "value"], ascending=[False, True], ignore_index=True)
    return table[_COLUMNS]
