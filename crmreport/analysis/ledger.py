"""The order ledger: which lines an analysis may see, and what counts as a purchase.

Every analysis of customers starts here, so that a return, a guest or a line
dated after the report's last day means the same thing in every chapter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.errors import DataError

PurchaseUnit = Literal["customer_day", "order"]

NEEDED = ("customer_id", "order_id", "order_date", "revenue")
# A fully returned order nets to 0 only up to float dust: 0.1 + 0.2 - 0.3 is 5.6e-17.
_DUST = 1e-9


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines an analysis of customers does not count, and the money on them.

    Attributes:
        n_guest_lines: Visible lines without a customer id.
        guest_revenue: Net revenue on them, client currency.
        n_future_lines: Lines dated after ``as_of``.
        n_earlier_lines: Lines dated before ``since`` (0 when the whole history is looked at).
    """

    n_guest_lines: int
    guest_revenue: float
    n_future_lines: int
    n_earlier_lines: int


def visible(lines: IntoFrame, *, as_of: date, since: date | None = None) -> nw.LazyFrame[Any]:
    """Order lines an analysis may see, with ``order_date`` as a date on every engine.

    Args:
        lines: Order lines: any frame narwhals understands.
        as_of: Last visible day.
        since: First visible day; None for the whole history.

    Returns:
        A lazy frame; ``is_return`` is there and has no nulls (given, or quantity < 0 or revenue < 0).

    Raises:
        DataError: A needed column is missing, or a bound is not a plain date.

    Examples:
        >>> lines = pd.DataFrame({"customer_id": ["a", "a"], "order_id": ["1", "2"], "revenue": [10.0, 20.0],
        ...                       "order_date": pd.to_datetime(["2026-10-31", "2026-11-01"])})
        >>> to_pandas(visible(lines, as_of=date(2026, 10, 31)))["order_id"].tolist()
        ['1']
    """
    frame = _dated(lines)
    frame = frame.filter(nw.col("order_date") <= _plain_date(as_of, "as_of"))
    if since is not None:
        frame = frame.filter(nw.col("order_date") >= _plain_date(since, "since"))
    return frame.with_columns(is_return=_is_return(frame.columns))


def attributed(
    lines: IntoFrame, *, as_of: date, since: date | None = None, zero_value_counts: bool = False
) -> nw.LazyFrame[Any]:
    """Visible lines of known customers, each marked whether it makes a purchase.

    A line makes a purchase when it is no return, has revenue above zero (or any revenue, with
    ``zero_value_counts``) and its order was not fully returned by ``as_of``. A return belongs to
    the order in ``returned_order_id``, else to the order whose number it carries.

    Returns:
        The lines with two more columns: ``of_order`` (the order a line belongs to) and
        ``is_purchase``.
    """
    frame = visible(lines, as_of=as_of, since=since).filter(~nw.col("customer_id").is_null())
    of_order = nw.col("order_id")
    if "returned_order_id" in frame.columns:
        linked = nw.col("is_return") & ~nw.col("returned_order_id").is_null()
        of_order = nw.when(linked).then(nw.col("returned_order_id")).otherwise(nw.col("order_id"))
    frame = frame.with_columns(of_order=of_order)
    gone = _fully_returned(frame).with_columns(returned_in_full=nw.lit(True))
    frame = frame.join(gone, on=["customer_id", "of_order"], how="left")
    worth = nw.col("revenue") >= 0 if zero_value_counts else nw.col("revenue") > 0
    sale = ~nw.col("is_return") & worth & nw.col("returned_in_full").is_null()
    return frame.with_columns(is_purchase=sale).drop("returned_in_full")


def purchases(
    lines: IntoFrame,
    *,
    as_of: date,
    since: date | None = None,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> nw.LazyFrame[Any]:
    """One row per purchase of a known customer.

    Args:
        lines: Order lines.
        as_of: Last visible day.
        since: First visible day; None for the whole history.
        unit: ``customer_day``: all orders of one day are one purchase; ``order``: each order is one.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Returns:
        Lazy frame ``customer_id``, ``purchase_date``, ``revenue`` (net of the returns linked to the
        purchase's orders, whenever they came by ``as_of``) and, with ``unit="order"``, ``order_id``.
        Returns linked to no order are in no purchase: totals of money come from
        :func:`customer_totals`.
    """
    frame = attributed(lines, as_of=as_of, since=since, zero_value_counts=zero_value_counts)
    bought = nw.when(nw.col("is_purchase")).then(nw.col("order_date"))
    parts = (
        frame.with_columns(bought_on=bought)
        .group_by("customer_id", "of_order", "bought_on")
        .agg(nw.col("revenue").sum())
        .with_columns(purchase_date=nw.col("bought_on").min().over("customer_id", "of_order"))
        .filter(~nw.col("purchase_date").is_null())
    )
    if unit == "order":
        orders = parts.group_by("customer_id", "of_order", "purchase_date").agg(nw.col("revenue").sum())
        return orders.rename({"of_order": "order_id"})
    # Tills that number receipts anew each day give two purchases one number; returns go to the first day.
    days = parts.with_columns(purchase_date=nw.coalesce("bought_on", "purchase_date"))
    return days.group_by("customer_id", "purchase_date").agg(nw.col("revenue").sum())


def customer_totals(
    lines: IntoFrame,
    *,
    as_of: date,
    since: date | None = None,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> nw.LazyFrame[Any]:
    """One row per known customer with at least one purchase in the window.

    Returns:
        Lazy frame ``customer_id``, ``first_date``, ``last_date`` (of purchases), ``n_purchases``
        and ``revenue`` (all visible money in the window, unlinked returns too).
    """
    frame = attributed(lines, as_of=as_of, since=since, zero_value_counts=zero_value_counts)
    frame = frame.with_columns(bought_on=nw.when(nw.col("is_purchase")).then(nw.col("order_date")))
    # Two plain group-bys: a distinct count inside one of them is slower and larger in memory.
    if unit == "order":
        steps = frame.group_by("customer_id", "of_order").agg(
            nw.col("bought_on").min(), nw.col("bought_on").max().alias("last_on"), nw.col("revenue").sum()
        )
    else:
        steps = (
            frame.group_by("customer_id", "bought_on")
            .agg(nw.col("revenue").sum())
            .with_columns(last_on=nw.col("bought_on"))
        )
    return (
        steps.group_by("customer_id")
        .agg(
            nw.col("bought_on").min().alias("first_date"),
            nw.col("last_on").max().alias("last_date"),
            nw.col("bought_on").count().alias("n_purchases"),
            nw.col("revenue").sum(),
        )
        .filter(nw.col("n_purchases") > 0)
        .with_columns(nw.col("n_purchases").cast(nw.Int64))
    )


def left_out(lines: IntoFrame, *, as_of: date, since: date | None = None) -> LeftOut:
    """Count the lines that analyses of customers do not use.

    Examples:
        >>> lines = pd.DataFrame({"customer_id": ["a", None], "order_id": ["1", "2"], "revenue": [10.0, 20.0],
        ...                       "order_date": pd.to_datetime(["2026-10-31", "2026-10-31"])})
        >>> left_out(lines, as_of=date(2026, 10, 31))
        LeftOut(n_guest_lines=1, guest_revenue=20.0, n_future_lines=0, n_earlier_lines=0)
    """
    frame, day = _dated(lines), nw.col("order_date")
    late = day > _plain_date(as_of, "as_of")
    inside = ~late
    n_earlier = 0
    # Filters first: Parquet then skips what cannot match, where a sum of cases reads every line.
    if since is not None:
        early = day < _plain_date(since, "since")
        inside = inside & ~early
        n_earlier = _count(frame.filter(early))
    guests = frame.filter(nw.col("customer_id").is_null()).filter(inside)
    money = to_pandas(guests.select(nw.col("revenue").sum()))["revenue"].fillna(0).iloc[0]
    return LeftOut(_count(guests), float(money), _count(frame.filter(late)), n_earlier)


def require_columns(names: Collection[str], needed: Sequence[str], *, of: str, where: str) -> None:
    """Refuse a frame that lacks a column an analysis cannot do without.

    Args:
        names: Columns it has.
        needed: Columns it needs.
        of: What the frame holds, as the message begins.
        where: Where a client maps the column, as the message ends.

    Raises:
        DataError: A column is missing; the first is named.
    """
    if missing := [name for name in needed if name not in names]:
        raise DataError(
            f"{of} lack the column {missing[0]!r} (of {', '.join(needed)}); rename yours, or map it {where}"
        )


def days_before(as_of: date, column: str) -> nw.Expr:
    """Whole days from the date in ``column`` to ``as_of``; 0 on the day itself."""
    # A difference of two dates is an integer on DuckDB and a duration elsewhere; of two instants, a duration.
    then = nw.col(column).cast(nw.Datetime("us"))
    gap = nw.lit(as_of).cast(nw.Datetime("us")) - then
    return (gap.dt.total_seconds() // 86_400).cast(nw.Int64)


def days_between(first: str, last: str) -> nw.Expr:
    """Whole days from one date column to another, null where either is."""
    # As in days_before.
    gap = nw.col(last).cast(nw.Datetime("us")) - nw.col(first).cast(nw.Datetime("us"))
    return gap.dt.total_seconds() // 86_400


def mend_dates(rows: IntoFrame, columns: Iterable[str]) -> IntoFrame:
    """Rows with these columns as dates where pandas holds them as Python objects; other frames as they are.

    So it reads a Parquet date, and a column without any value; no engine call works on them.

    Examples:
        >>> rows = pd.DataFrame({"sent_on": [date(2026, 10, 1)], "opened_on": [None]}, dtype=object)
        >>> [str(dtype)[:10] for dtype in mend_dates(rows, ["sent_on", "opened_on", "no_column"]).dtypes]
        ['datetime64', 'datetime64']
    """
    if not isinstance(rows, pd.DataFrame):
        return rows
    schema = nw.from_native(rows).collect_schema()
    objects = [
        name
        for name in columns
        if name in rows
        and rows[name].dtype == object
        and (schema[name] == nw.Object or bool(rows[name].isna().all()))
    ]
    return rows.assign(**{name: pd.to_datetime(rows[name]) for name in objects}) if objects else rows


def settle(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Compute a frame once, so that what is built on it does not read the lines again."""
    if frame.implementation.is_duckdb():
        return frame.collect("pyarrow").lazy("duckdb")
    if frame.implementation.is_spark_like():
        return frame
    return frame.collect().lazy()


def beside(frame: nw.LazyFrame[Any], other: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """A frame settled where another one lives, so that the two can be joined."""
    if other.implementation.is_duckdb():
        return frame.collect("pyarrow").lazy("duckdb")
    if other.implementation == frame.implementation:
        return settle(frame)
    return frame.collect(other.implementation).lazy()


def money_decimals(largest: float) -> int:
    """Decimals at which sums of money are compared and printed as data: 12 significant digits.

    Sums of the same lines differ in their last bits with the order of adding; rounded there, equal
    amounts are equal on every engine and in every run, and the rule scales with the money.

    Examples:
        >>> money_decimals(77183.60), money_decimals(0.5), money_decimals(0.0), money_decimals(3e12)
        (7, 12, 2, 0)
    """
    if largest <= 0 or not math.isfinite(largest):
        return 2
    return max(0, 11 - math.floor(math.log10(largest)))


def round_money(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """A result with its sums of money rounded to the :func:`money_decimals` of the largest of them.

    Examples:
        >>> round_money(pd.DataFrame({"revenue": [0.1 + 0.2, 77183.60]}), "revenue")["revenue"].tolist()
        [0.3, 77183.6]
    """
    largest = float(table[list(columns)].abs().max().max()) if len(table) else 0.0
    return table.round(dict.fromkeys(columns, money_decimals(largest)))


def settle_money(frame: nw.LazyFrame[Any], column: str) -> nw.LazyFrame[Any]:
    """:func:`settle` a frame of customers and round its money as :func:`round_money` does a result's."""
    settled = settle(frame)
    largest = to_pandas(settled.select(largest=nw.col(column).abs().max()))["largest"].fillna(0).iloc[0]
    return settled.with_columns(nw.col(column).round(money_decimals(float(largest))))


def to_pandas(frame: nw.LazyFrame[Any], *, sort_by: str | list[str] | None = None) -> pd.DataFrame:
    """Collect a small lazy frame to pandas with the same types on every engine.

    Integers become int64, dates datetime64[us], text ``str``; rows are sorted by ``sort_by``.
    """
    if sort_by is not None:
        frame = frame.sort(sort_by)
    schema = frame.collect_schema()
    result = frame.collect("pandas").to_native().reset_index(drop=True)
    for name, dtype in schema.items():
        if dtype.is_integer() and not result[name].isna().any():
            result[name] = result[name].astype("int64")
        elif dtype.is_float() or dtype.is_decimal():
            result[name] = result[name].astype("float64")
        elif dtype in (nw.Date, nw.Datetime) or pd.api.types.infer_dtype(result[name]) == "date":
            result[name] = pd.to_datetime(result[name]).astype("datetime64[us]")
        elif dtype == nw.String:
            result[name] = result[name].astype("str")
        elif dtype == nw.Boolean and not result[name].isna().any():
            result[name] = result[name].astype("bool")
    return result


def _dated(lines: IntoFrame) -> nw.LazyFrame[Any]:
    require_columns(nw.from_native(lines).columns, NEEDED, of="order lines", where="in the client file")
    frame = nw.from_native(mend_dates(lines, ["order_date"])).lazy()
    # Of one column: DuckDB runs a query for the type of an instant.
    if frame.select("order_date").collect_schema()["order_date"] == nw.Date:
        return frame
    return frame.with_columns(nw.col("order_date").cast(nw.Date))


def _count(frame: nw.LazyFrame[Any]) -> int:
    return int(to_pandas(frame.select(n=nw.len()))["n"].iloc[0])


def _is_return(names: list[str]) -> nw.Expr:
    if "is_return" in names:
        return nw.col("is_return").fill_null(False)
    negative = nw.col("revenue") < 0
    if "quantity" in names:
        negative = negative | (nw.col("quantity") < 0)
    return negative.fill_null(False)


def _fully_returned(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Customer and order of each order whose returns took back all its money."""
    # Only orders with a return are summed: grouping all orders costs more than the report itself.
    keys = ["customer_id", "of_order"]
    touched = frame.select(*keys, "is_return", "revenue").join(
        frame.filter(nw.col("is_return")).group_by(*keys).agg(nw.len()).select(*keys), on=keys, how="semi"
    )
    sold = nw.when(~nw.col("is_return")).then(nw.col("revenue")).otherwise(nw.lit(0.0))
    return (
        touched.with_columns(sold=sold)
        .group_by(*keys)
        .agg(nw.col("sold").sum(), nw.col("revenue").sum().alias("net"))
        .filter(nw.col("net") <= nw.col("sold") * _DUST)
        .select(*keys)
    )


def _plain_date(day: date, what: str) -> nw.Expr:
    if isinstance(day, datetime) or not isinstance(day, date):
        raise DataError(
            f"{what} must be a date, got {day!r}; pass the last visible day, such as period.as_of"
        )
    return nw.lit(day)
