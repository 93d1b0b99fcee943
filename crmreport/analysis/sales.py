"""Sales: totals of a period, month by month, new against repeat, and by channel, store or membership."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, attributed, purchases, to_pandas, visible
from crmreport.analysis.observed import ObservedDays, observed_days, within
from crmreport.errors import DataError
from crmreport.period import Period, add_months

ItemCount = Literal["lines", "quantity"]

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
    lines: Any,
    *,
    periods: Sequence[Period],
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    items: ItemCount = "lines",
    zero_value_counts: bool = False,
) -> list[SalesTotals]:
    """Totals of several periods, all judged by what is known at ``as_of``.

    Args:
        lines: Order lines; any frame narwhals understands.
        periods: The periods, in the order wanted.
        as_of: Last visible day.
        unit: What one purchase is.
        items: ``lines`` counts order lines; ``quantity`` sums quantities, which only makes sense
            where every quantity is a number of pieces (never litres or grams).
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Returns:
        One `SalesTotals` per period.

    Raises:
        DataError: Quantities were asked for and the lines have none.
    """
    rows = _ordered(lines, as_of=as_of, unit=unit, items=items, zero_value_counts=zero_value_counts)
    seen = observed_days(lines, as_of=as_of)
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
        t = t.astype("float64").fillna(0.0).iloc[0]
        counts = _counts(inside, [])
        totals.append(
            SalesTotals(
                period=period,
                observed=seen.covers(period),
                revenue=float(t["revenue"]),
                guest_revenue=float(t["guest"]),
                items=float(t["items"]),
                first_revenue=float(t["first"]),
                repeat_revenue=float(t["revenue"] - t["guest"] - t["first"]),
                unit=unit,
                is_preliminary=seen.stops_before(period.as_of),
                **{name: int(counts[name].to_numpy()[0]) for name in _COUNTS},
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
    lines: Any,
    *,
    period: Period,
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> SalesKpis:
    """The period's KPIs beside the previous period and the same period a year earlier.

    ``revenue_per_buyer`` (客単価) is revenue of known customers ÷ buyers, over the whole period:
    not revenue per receipt.

    Args:
        lines: Order lines; any frame narwhals understands.
        period: What to look at.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Examples:
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "a", "b"], "order_id": ["1", "2", "3"], "revenue": [100.0, 50.0, 30.0],
        ...     "order_date": pd.to_datetime(["2026-09-01", "2026-10-01", "2026-10-02"])})
        >>> period = Period.parse("2026-10")
        >>> kpis = kpi_table(lines, period=period, as_of=period.as_of)
        >>> kpis.table[["kpi", "value", "previous"]].head(2).values.tolist()
        [['revenue', 80.0, 100.0], ['buyers', 2.0, 1.0]]
    """
    now, previous, year_ago = sales_totals(
        lines,
        periods=[period, period.previous(), period.year_ago()],
        as_of=as_of,
        unit=unit,
        zero_value_counts=zero_value_counts,
    )
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


def monthly_sales(
    lines: Any,
    *,
    as_of: date,
    months: int = 13,
    unit: PurchaseUnit = "customer_day",
    items: ItemCount = "lines",
    zero_value_counts: bool = False,
    quiet_days: int | None = None,
) -> MonthlySales:
    """Revenue, orders, buyers and items by calendar month, with the same month a year earlier.

    A month is preliminary while it is not over: when ``as_of`` lies before its last day, or when
    the data stop more than ``quiet_days`` before it.

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day; its month is the last row.
        months: How many months, 1 or more.
        unit: What one purchase is.
        items: What one item is; see `sales_totals`.
        zero_value_counts: Whether a line worth nothing makes a purchase.
        quiet_days: Days without any line that are still believed.

    Raises:
        DataError: No line is visible at ``as_of``.
        ValueError: ``months`` is below 1.
    """
    if months < 1:
        raise ValueError(f"months is {months}; give 1 or more")
    rows = _ordered(lines, as_of=as_of, unit=unit, items=items, zero_value_counts=zero_value_counts)
    seen = observed_days(lines, as_of=as_of)
    begins, last_day = seen.first_day, seen.last_day
    if begins is None or last_day is None:
        raise DataError(f"no order line is dated {as_of} or earlier; check the period and the date column")
    this_month = as_of.replace(day=1)
    start = max(add_months(this_month, -(months + 11)), begins.replace(day=1))
    recent = rows.filter(nw.col("order_date") >= nw.lit(start))
    money = to_pandas(
        recent.group_by("month_index").agg(
            nw.col("revenue", "guest_revenue", "first_revenue", "items").sum(),
        )
    )
    table = money.merge(_counts(recent, ["month_index"]), on="month_index", how="outer")
    last_index = _index(this_month)
    table = table.set_index("month_index").reindex(range(_index(start), last_index + 1)).fillna(0.0)
    table = table.astype(dict.fromkeys(_COUNTS, "int64")).reset_index()
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
    lines: Any,
    *,
    by: str,
    period: Period,
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> SalesSplit:
    """Sales by a column of the order lines, such as ``channel`` or ``store_id``.

    Args:
        lines: Order lines with the column.
        by: The column; lines without a value are the row ``unknown``.
        period: What to look at.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        DataError: The lines have no such column.
    """
    rows = _ordered(
        lines, as_of=as_of, unit=unit, items="lines", zero_value_counts=zero_value_counts, keep=(by,)
    )
    rows = rows.with_columns(nw.col(by).cast(nw.String).fill_null("unknown"))
    return _split(rows, by, period, observed_days(lines, as_of=as_of))


def new_and_repeat(
    lines: Any,
    *,
    period: Period,
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> SalesSplit:
    """Sales by kind of order: ``new``, ``repeat``, ``guest``.

    An order is new when it was made on the day of the customer's first purchase ever, as far as
    the data go back; customers who bought before the data began look new once. A return counts with
    the order it gives back.

    Args:
        lines: Order lines; any frame narwhals understands.
        period: What to look at.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.
    """
    rows = _ordered(lines, as_of=as_of, unit=unit, items="lines", zero_value_counts=zero_value_counts)
    kind = (
        nw.when(nw.col("customer_id").is_null())
        .then(nw.lit("guest"))
        .otherwise(nw.when(nw.col("is_first")).then(nw.lit("new")).otherwise(nw.lit("repeat")))
    )
    return _split(rows.with_columns(order_kind=kind), "order_kind", period, observed_days(lines, as_of=as_of))


def sales_by_membership(
    lines: Any,
    customers: Any,
    *,
    period: Period,
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> SalesSplit:
    """Sales of ``member``, ``non_member``, ``unknown`` (customer without the flag) and ``guest``.

    Membership is as the customer table has it today, for earlier periods too.

    Args:
        lines: Order lines.
        customers: Customers with ``is_member``, of the same kind as ``lines``.
        period: What to look at.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

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
    rows = _ordered(lines, as_of=as_of, unit=unit, items="lines", zero_value_counts=zero_value_counts)
    rows = rows.join(people, on="customer_id", how="left")
    known = nw.col("membership").fill_null("unknown")
    guest = nw.col("customer_id").is_null()
    rows = rows.with_columns(membership=nw.when(guest).then(nw.lit("guest")).otherwise(known))
    return _split(rows, "membership", period, observed_days(lines, as_of=as_of))


_COUNTS = ("orders", "purchases", "buyers", "new_customers")


def _ordered(
    lines: Any,
    *,
    as_of: date,
    unit: PurchaseUnit,
    items: ItemCount,
    zero_value_counts: bool,
    keep: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Visible lines with all that is counted on them: order, purchase, first-ever, guest, items."""
    seen = visible(lines, as_of=as_of)
    names = seen.collect_schema().names()
    if missing := [c for c in keep if c not in names]:
        raise DataError(f"order lines have no column {missing[0]!r}; they have {', '.join(names)}")
    if items == "quantity" and "quantity" not in names:
        raise DataError("order lines have no quantity; count lines instead, or map it in client.yml")
    pieces = nw.col("quantity") if items == "quantity" else nw.lit(1)
    fields = [
        "customer_id", "order_date", "revenue", "is_purchase", "is_return", "of_order", "items", *keep,
    ]  # fmt: skip
    known = (
        attributed(lines, as_of=as_of, zero_value_counts=zero_value_counts)
        .with_columns(items=pieces.cast(nw.Float64))
        .select(fields)
    )
    # A guest's returned order is no order either: the ledger finds it by its number alone.
    nameless = seen.filter(nw.col("customer_id").is_null()).with_columns(customer_id=nw.lit("guest"))
    guests = (
        attributed(nameless.to_native(), as_of=as_of, zero_value_counts=zero_value_counts)
        .with_columns(customer_id=nw.lit(None, dtype=nw.String), items=pieces.cast(nw.Float64))
        .select(fields)
    )
    first = (
        purchases(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
        .group_by("customer_id")
        .agg(first_date=nw.col("purchase_date").min())
    )
    guest = nw.col("customer_id").is_null()
    zero = nw.lit(0.0)
    rows = nw.concat([known, guests]).join(first, on="customer_id", how="left")
    # A return in October of September's first purchase is no lost repeat sale.
    rows = rows.join(_sold_on(known), on=["customer_id", "of_order"], how="left")
    bought = nw.when(nw.col("is_return")).then(nw.coalesce("sold_on", "order_date"))
    bought = bought.otherwise(nw.col("order_date"))
    rows = rows.with_columns(
        is_first=(bought == nw.col("first_date")).fill_null(False),
        month_index=nw.col("order_date").dt.year().cast(nw.Int64) * 12
        + nw.col("order_date").dt.month().cast(nw.Int64)
        - 1,
    )
    return rows.with_columns(
        guest_revenue=nw.when(guest).then(nw.col("revenue")).otherwise(zero),
        first_revenue=nw.when(nw.col("is_first")).then(nw.col("revenue")).otherwise(zero),
        items=nw.when(nw.col("is_purchase") & ~guest).then(nw.col("items")).otherwise(zero),
        purchase=nw.col("of_order" if unit == "order" else "order_date"),
    )


def _sold_on(known: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The first day of each order of which something came back; the ledger's purchases use the same."""
    keys = ["customer_id", "of_order"]
    returned = known.filter(nw.col("is_return")).select(*keys).unique()
    sold = known.filter(~nw.col("is_return")).join(returned, on=keys, how="semi")
    return sold.group_by(*keys).agg(sold_on=nw.col("order_date").min())


def _counts(rows: nw.LazyFrame[Any], by: list[str]) -> pd.DataFrame:
    """Orders, purchases, buyers and new customers, by nothing or by columns: distinct, in plain group-bys."""
    sold = rows.filter(nw.col("is_purchase"))
    known = sold.filter(~nw.col("customer_id").is_null())
    distinct = {
        "orders": sold.select(*by, "customer_id", "of_order"),
        "purchases": known.select(*by, "customer_id", "purchase"),
        "buyers": known.select(*by, "customer_id"),
        "new_customers": known.filter(nw.col("is_first")).select(*by, "customer_id"),
    }
    if not by:
        return pd.DataFrame(
            {name: to_pandas(f.unique().select(n=nw.len())).to_numpy()[0] for name, f in distinct.items()}
        )
    table: pd.DataFrame | None = None
    for name, frame in distinct.items():
        counted = to_pandas(frame.unique().group_by(by).agg(nw.len().alias(name)))
        table = counted if table is None else table.merge(counted, on=by, how="outer")
    assert table is not None
    return table


def _split(rows: nw.LazyFrame[Any], by: str, period: Period, seen: ObservedDays) -> SalesSplit:
    now = within(rows, period)
    sums = now.group_by(by).agg(nw.col("revenue", "guest_revenue").sum())
    table = to_pandas(sums).merge(_counts(now, [by]), on=by, how="outer")
    for name, earlier in (("previous", period.previous()), ("year_ago", period.year_ago())):
        column = f"revenue_{name}"
        old = to_pandas(within(rows, earlier).group_by(by).agg(nw.col("revenue").sum().alias(column)))
        table = table.merge(old, on=by, how="outer")
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


def _index(day: date) -> int:
    return day.year * 12 + day.month - 1


def _relative(value: float, before: float) -> float:
    return value / before - 1 if before > 0 else float("nan")


def _difference(value: float, before: float) -> float:
    return value - before
