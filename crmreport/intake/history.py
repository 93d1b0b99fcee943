"""Order lines over time: counts per month and day, months without lines, channels and stores that fail."""

from __future__ import annotations

from datetime import date

import polars as pl

from crmreport.intake.check import counted
from crmreport.intake.model import Check, DayCount, MonthCount
from crmreport.intake.money import parts, to_float
from crmreport.period import add_months

_DROP = 0.5
_DROP_LOOKS_AT = 3
_DROP_NEEDS_LINES = 30


def monthly_counts(orders: pl.DataFrame) -> list[MonthCount]:
    """Lines, orders and revenue per month and channel."""
    channel = pl.col("channel").fill_null("") if "channel" in orders.columns else pl.lit("")
    table = (
        orders.group_by(month=pl.col("order_date").dt.strftime("%Y-%m"), channel=channel)
        .agg(lines=pl.len(), orders=pl.col("order_id").n_unique(), total=parts())
        .sort("month", "channel")
    )
    return [
        MonthCount(
            month=r["month"],
            channel=r["channel"],
            lines=r["lines"],
            orders=r["orders"],
            revenue=to_float(r["total"]),
        )
        for r in table.iter_rows(named=True)
    ]


def daily_counts(orders: pl.DataFrame) -> list[DayCount]:
    """Lines and revenue per day."""
    table = orders.group_by("order_date").agg(lines=pl.len(), total=parts()).sort("order_date")
    return [
        DayCount(day=r["order_date"], lines=r["lines"], revenue=to_float(r["total"]))
        for r in table.iter_rows(named=True)
    ]


def check_months(monthly: list[MonthCount]) -> list[Check]:
    """Months without a line between the first and the last, and channels that fall to less than half.

    A drop is a month with under half the median lines of the channel's three months before,
    these having at least 30 lines. The last month is left out: it may not be over.
    """
    if not monthly:
        return []
    names = sorted({m.month for m in monthly})
    months = _between(names[0], names[-1])
    gaps = [m for m in months if m not in set(names)]
    found = [
        counted(
            "months_missing",
            "order_lines",
            len(gaps),
            len(months),
            f"months without any line: {', '.join(gaps[:6]) or 'none'}",
            values={"first": gaps[0], "last": gaps[-1]} if gaps else {},
        )
    ]
    drops = []
    for channel in sorted({m.channel for m in monthly}):
        lines = {m.month: m.lines for m in monthly if m.channel == channel}
        row = [lines.get(m, 0) for m in months]
        for i in range(_DROP_LOOKS_AT, len(months) - 1):
            usual = sorted(row[i - _DROP_LOOKS_AT : i])[_DROP_LOOKS_AT // 2]
            if usual >= _DROP_NEEDS_LINES and row[i] < _DROP * usual:
                drops.append((channel, months[i], row[i], usual))
    if drops:
        found.extend(
            counted(
                "sudden_drop",
                "order_lines",
                had,
                usual,
                f"{channel or 'all channels'}: {had:,} lines in {month}, {usual:,} were usual",
                column="channel",
                values={"channel": channel, "month": month, "usual": usual},
            ).model_copy(update={"severity": "warning"})
            for channel, month, had, usual in drops
        )
    else:
        found.append(
            counted("sudden_drop", "order_lines", 0, len(months), "no channel fell to less than half")
        )
    return found


def check_stores(orders: pl.DataFrame) -> list[Check]:
    """Months in which a store has no line though it sold before and after: a delivery that lacks it.

    A store counts when the median of its three months before is at least 30 lines.
    """
    if "store_id" not in orders.columns or not orders.height:
        return []
    counts = (
        orders.drop_nulls("store_id")
        .group_by("store_id", month=pl.col("order_date").dt.strftime("%Y-%m"))
        .agg(lines=pl.len())
        .sort("store_id", "month")
    )
    found = []
    for (store,), rows in counts.group_by("store_id", maintain_order=True):
        lines = dict(zip(rows["month"], rows["lines"], strict=True))
        months = _between(rows["month"][0], rows["month"][-1])
        row = [lines.get(m, 0) for m in months]
        for i in range(_DROP_LOOKS_AT, len(months)):
            usual = sorted(row[i - _DROP_LOOKS_AT : i])[_DROP_LOOKS_AT // 2]
            if not row[i] and usual >= _DROP_NEEDS_LINES:
                found.append(
                    Check(
                        id="store_missing",
                        severity="warning",
                        table="order_lines",
                        column="store_id",
                        count=usual,
                        of=orders.height,
                        share=usual / orders.height,
                        values={"store": str(store), "month": months[i], "usual": usual},
                        detail=f"{store}: no line in {months[i]}, {usual:,} were usual",
                    )
                )
    stores = counts["store_id"].n_unique()
    return found or [counted("store_missing", "order_lines", 0, stores, "no store lacks a month")]


def _between(first: str, last: str) -> list[str]:
    day, months = date.fromisoformat(f"{first}-01"), []
    while f"{day:%Y-%m}" <= last:
        months.append(f"{day:%Y-%m}")
        day = add_months(day, 1)
    return months
