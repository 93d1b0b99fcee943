"""The sales chapter: how much was sold, why it changed, and to whom."""

from __future__ import annotations

from datetime import date, timedelta
from math import isnan, sqrt
from typing import Any

import pandas as pd

from crmreport.analysis.revenue_tree import RevenueTree
from crmreport.analysis.sales import SalesKpis, SalesTotals
from crmreport.analysis.sales_monthly import MonthlySales
from crmreport.analysis.sales_split import SalesSplit
from crmreport.period import Period
from crmreport.present import Cell, Chart, Column, Fact, Finding, Message, Note, Style, Table, Text, Words
from crmreport.present.finding import Measure
from crmreport.present.numbers import MoneyUnit, short_month

FLAT = 0.01
"""Relative changes of revenue smaller than this are told as unchanged."""

BURN_IN_DAYS = 180
"""So long after the data begin, whoever bought before them has hardly come back yet and looks new."""

_SPECS = {
    "revenue": "money",
    "buyers": "count",
    "orders": "count",
    "revenue_per_buyer": "money",
    "new_customers": "count",
    "repeat_share": "pct",
    "frequency": "num2",
    "items_per_purchase": "num2",
    "unit_price": "money",
    "guests": "money",
}
# What to do when the part fell; a part that rose is kept going by the second purchase.
_MEASURES: dict[str, Measure] = {
    "buyers": "win_back",
    "frequency": "step_mail",
    "items_per_purchase": "cross_sell",
    "unit_price": "push_assortment",
    "guests": "member_signup",
}
_TOLD_BY_FIRST = ("new_customers", "repeat_share")
_GUEST_SHARE = 0.05
_FEW_BUYERS = 5
_Z95 = 1.96


def period_text(period: Period) -> Text:
    """A period's name inside a sentence."""
    if period.months == 1:
        return Text("book.period.month", start=period.start)
    if period.name.startswith("FY"):
        return Text("book.period.fiscal", year=period.start.year, start=period.start, end=period.as_of)
    if period.months is not None:
        return Text("book.period.quarter", start=period.start, end=period.as_of)
    return Text("book.period.range", start=period.start, end=period.as_of)


def message(kpis: SalesKpis, tree: RevenueTree) -> Message:
    """Revenue rose, fell or stood still, and what drove it; or its level where no rate can be told."""
    now, base = kpis.now, tree.before
    said = {"period": period_text(now.period), "revenue": now.revenue, "buyers": now.buyers}
    method = Text("sales.method")
    if not base.observed:
        return Message("sales.message", Text("sales.message.first", **said), method)
    if now.is_preliminary:
        return Message("sales.message", Text("sales.message.preliminary", **said), method)
    if base.revenue <= 0 or now.revenue <= 0:
        # A rate from or to a revenue that is not above 0 says nothing.
        said |= {"base": period_text(base.period), "base_revenue": base.revenue}
        return Message("sales.message", Text("sales.message.levels", **said), method)
    rate = now.revenue / base.revenue - 1
    said |= {"versus": _versus(now.period, base.period), "rate": abs(rate), "change": rate}
    if abs(rate) < FLAT:
        return Message("sales.message", Text("sales.message.flat", **said), method)
    way = "rise" if rate > 0 else "fall"
    if (driver := _driver(tree)) is None or _few(tree, driver):
        return Message("sales.message", Text(f"sales.message.{way}_only", **said), method)
    said["driver"] = driver
    return Message("sales.message", Text(f"sales.message.{way}", **said), method)


def kpi(kpis: SalesKpis, *, first_day: date | None = None) -> Table:
    """The period's KPIs; page 1 takes its tiles from here.

    Args:
        kpis: The period's KPIs.
        first_day: First day of the data: what tells first purchases from later ones is blank for a
            compared period less than `BURN_IN_DAYS` after it. Not judged when None.
    """
    frame, period = kpis.table.copy(), kpis.now.period
    for name, totals in (("previous", kpis.previous), ("year_ago", kpis.year_ago)):
        if _in_burn_in(totals.period, first_day):
            frame.loc[frame["kpi"].isin(_TOLD_BY_FIRST), [name, f"change_{name}"]] = float("nan")
    frame.insert(1, "spec", frame["kpi"].map(_SPECS))
    frame["change_spec"] = frame["kpi"].map(lambda name: "pt" if name == "repeat_share" else "spct")
    # A column for a period before the data would hold nothing but dashes.
    compared = []
    for name, totals in (("previous", kpis.previous), ("year_ago", kpis.year_ago)):
        if name == "previous" and _is_year(period):
            continue
        if totals.observed:
            compared.append(Column(name, "row:spec", label=_heading(name, period)))
        if totals.observed and not kpis.now.is_preliminary:
            change = f"change_{name}"
            compared.append(Column(change, "row:change_spec", label=_heading(change, period)))
    state = "preliminary" if kpis.now.is_preliminary else "final"
    return Table(
        "sales.kpi",
        frame,
        (
            Column("kpi", "label:kpi"),
            Column("value", "row:spec", label=_heading("value", period)),
            *compared,
        ),
        title=Text(f"sales.kpi_table.title.{state}", period=period_text(kpis.now.period)),
        note=Text(
            "sales.kpi_table.note",
            as_of=kpis.now.period.as_of,
            guests=kpis.now.guest_revenue,
            burn_in=BURN_IN_DAYS,
        ),
    )


def monthly(months: MonthlySales) -> Table:
    """Sales by month."""
    frame = months.table.assign(
        state=months.table["is_preliminary"].map({True: "preliminary", False: "final"})
    )
    return Table(
        "sales.monthly",
        frame,
        (
            Column("month", "month"),
            Column("revenue", "money"),
            Column("change_year_ago", "spct", label="sales.column.change_year_ago_month"),
            Column("orders", "count"),
            Column("buyers", "count"),
            Column("revenue_per_buyer", "money"),
            Column("new_customers", "count"),
            Column("items", "count"),
            Column("state", "label:state"),
        ),
        title=Text("sales.monthly_table.title"),
        note=Text("sales.monthly_table.note", as_of=months.as_of, first=months.first_day),
    )


def monthly_chart(months: MonthlySales) -> Chart:
    """Monthly bars; a line across each bar marks the same month a year earlier."""
    table = months.table
    last = table.iloc[-1]
    compared = table[table["revenue_year_ago"].notna() & ~table["is_preliminary"]]
    ahead = int((compared["revenue"] > compared["revenue_year_ago"]).sum())
    said = {
        "month": last["month"], "revenue": last["revenue"], "months": len(table), "compared": len(compared),
        "ahead": ahead, "behind": len(compared) - ahead, "change": last["change_year_ago"],
    }  # fmt: skip
    if compared.empty:
        case = "alone"
    elif bool(last["is_preliminary"]):
        case = "preliminary"
    else:
        case = "compared"

    def draw(ax: Any, words: Words, style: Style) -> None:
        unit = MoneyUnit.for_column(table["revenue"], currency=words.currency)
        heights = table["revenue"] / unit.divisor
        for i, (height, preliminary) in enumerate(zip(heights, table["is_preliminary"], strict=True)):
            colour = style.accent if i == len(table) - 1 else style.greys[2]
            fill = {"color": "none", "edgecolor": colour, "hatch": "////", "linewidth": 0.8}
            ax.bar(i, height, width=0.68, **(fill if preliminary else {"color": colour}))
        marks = table["revenue_year_ago"] / unit.divisor
        for i, mark in enumerate(marks):
            if not isnan(mark):
                ax.plot([i - 0.42, i + 0.42], [mark, mark], color=style.ink, linewidth=1.6)
        ax.set_xticks(range(len(table)), _month_ticks(table["month"], words))
        _money_axis(ax.yaxis, words)
        ax.set_title(unit.header(words.lang), fontweight="normal")
        top = float(max(heights.max(), marks.max() if marks.notna().any() else 0))
        ax.set_ylim(0, top * 1.12 if top > 0 else 1)
        i = len(table) - 1
        peak = max(float(heights.iloc[i]), 0.0 if isnan(marks.iloc[i]) else float(marks.iloc[i]))
        ax.annotate(
            unit.write(float(last["revenue"])), (i, peak), xytext=(0, 3), textcoords="offset points",
            ha="center", color=style.accent, fontweight="bold",
        )  # fmt: skip
        if not isnan(marks.iloc[i]):
            ax.annotate(
                words.label("sales.chart.year_ago_mark"), (i + 0.42, float(marks.iloc[i])),
                xytext=(4, 0), textcoords="offset points", va="center",
            )  # fmt: skip
            ax.set_xlim(-0.7, i + (1.6 if words.lang == "ja" else 2.4))

    return Chart(
        "sales.monthly_chart",
        draw,
        title=Text(f"sales.monthly_chart.title.{case}", **said),
        subtitle=Text("sales.monthly_chart.subtitle"),
        note=Text("sales.monthly_chart.note", as_of=months.as_of),
        alt=Text(f"sales.monthly_chart.alt.{case}", **said),
    )


def tree_table(tree: RevenueTree) -> Table:
    """The revenue tree: each factor, its change, and its part of the change of revenue."""
    frame = tree.table.copy()
    frame.insert(1, "spec", frame["part"].map(_SPECS))
    said = {
        "period": period_text(tree.after.period),
        "base": period_text(tree.before.period),
        "as_of": tree.after.period.as_of,
        "unit": Text(f"unit.{tree.after.unit}"),
    }
    return Table(
        "sales.tree",
        frame,
        (
            Column("part", "label:part"),
            Column("before", "row:spec"),
            Column("after", "row:spec"),
            Column("change_rate", "spct"),
            Column("effect", "smoney"),
        ),
        title=Text("sales.tree_table.title", **said),
        note=Text(f"sales.tree_table.note.{tree.reason or 'split'}", **said),
        totals=None if isnan(tree.change) else {"part": "total", "effect": tree.change},
    )


def explained(tree: RevenueTree) -> list[Chart | Table | Note]:
    """Chart and table of the revenue tree; only a sentence where the change could not be split."""
    shown = tree_chart(tree)
    return [shown] if isinstance(shown, Note) else [shown, tree_table(tree)]


def tree_chart(tree: RevenueTree) -> Chart | Note:
    """A waterfall of the parts, from no change to the total change; a sentence where there is none."""
    said = {"period": period_text(tree.after.period), "base": period_text(tree.before.period)}
    if tree.reason:
        return Note(Text(f"sales.tree_chart.withheld.{tree.reason}", **said))
    parts = tree.table[tree.table["effect"] != 0]
    driver = _driver(tree)
    way = "rise" if tree.change > 0 else "fall"
    said |= {"change": tree.change, "driver": driver}
    if driver:
        said["effect"] = _part(tree, driver)["effect"]

    def draw(ax: Any, words: Words, style: Style) -> None:
        unit = MoneyUnit.for_column([*parts["effect"], tree.change], currency=words.currency)
        level, names = 0.0, []
        spans: list[tuple[float, float]] = []
        for row in parts.itertuples():
            spans.append((level, float(row.effect)))  # type: ignore[arg-type]
            level += float(row.effect)  # type: ignore[arg-type]
            names.append(words.label(f"sales.part.{row.part}"))
        spans.append((0.0, tree.change))
        names.append(words.label("sales.chart.total_change"))
        reach = max(max(abs(s), abs(s + w)) for s, w in spans) / unit.divisor or 1.0
        chosen = list(parts["part"]).index(driver) if driver else -1
        for i, (start, width) in enumerate(spans):
            colour = style.accent if i == chosen else style.ink if i == len(spans) - 1 else style.greys[1]
            ax.barh(i, width / unit.divisor, left=start / unit.divisor, height=0.62, color=colour)
            if i + 1 < len(spans) - 1:
                end = (start + width) / unit.divisor
                ax.plot([end, end], [i + 0.31, i + 0.69], color=style.greys[1], linewidth=0.6)
            right = max(start, start + width) / unit.divisor
            sign = "+" if width > 0 else ""
            ax.annotate(
                sign + unit.write(width).replace("-", "−"), (right, i), xytext=(4, 0),
                textcoords="offset points", va="center",
                color=style.accent if i == chosen else style.ink,
                fontweight="bold" if i in (chosen, len(spans) - 1) else "normal",
            )  # fmt: skip
        ax.axvline(0, color=style.ink, linewidth=0.8)
        ax.set_yticks(range(len(spans)), names)
        ax.invert_yaxis()
        lowest = min(min(start, start + width) for start, width in spans) / unit.divisor
        ax.set_xlim(min(lowest * 1.15, -reach * 0.04), reach * 1.2)
        _money_axis(ax.xaxis, words)
        ax.set_xlabel(unit.header(words.lang))
        ax.spines["left"].set_visible(False)

    case = way if driver else "none"
    return Chart(
        "sales.tree_chart",
        draw,
        title=Text(f"sales.tree_chart.title.{case}", **said),
        subtitle=Text("sales.tree_chart.subtitle", **said),
        note=Text("sales.tree_chart.note"),
        alt=Text(f"sales.tree_chart.alt.{case}", **said),
        height=2.6,
    )


def split_table(split: SalesSplit) -> Table:
    """Sales cut by order kind, membership, channel or store."""
    name = "store" if split.by == "store_id" else split.by
    # Guests cannot be counted as heads: blank, not 0.
    frame = split.table.assign(buyers=split.table["buyers"].where(split.table[split.by] != "guest"))
    return Table(
        f"sales.{name}",
        frame,
        (
            # Codes we have no word for are printed as the client writes them.
            Column(split.by, f"name:{split.by}"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
            Column("orders", "count"),
            Column("buyers", "count"),
            Column("revenue_per_buyer", "money"),
            *(
                Column(change, "spct", label=_heading(change, split.period))
                for change in ("change_previous", "change_year_ago")
                if frame[change].notna().any() and (change == "change_year_ago" or not _is_year(split.period))
            ),
        ),
        title=Text(f"sales.split.{name}.title", period=period_text(split.period)),
        note=Text(f"sales.split.{name}.note", as_of=split.period.as_of),
        max_rows=10,
    )


def new_customers_note(kpis: SalesKpis, *, first_day: date | None = None) -> Note:
    """New customers against a year ago, told as unchanged while chance explains the difference."""
    now, base = kpis.now, kpis.year_ago
    said = {"period": period_text(now.period), "n": now.new_customers}
    if not base.observed:
        return Note(Text("sales.new_note.alone", **said))
    if now.is_preliminary:
        return Note(Text("sales.new_note.preliminary", **said))
    if _in_burn_in(base.period, first_day):
        return Note(Text("sales.new_note.burn_in", **said, burn_in=BURN_IN_DAYS))
    if not base.new_customers:
        return Note(Text("sales.new_note.none_before", **said))
    change = now.new_customers / base.new_customers - 1
    said |= {"versus": _versus(now.period, base.period), "change": change, "before": base.new_customers}
    case = "noise" if not _differs(now, base) else "rise" if change > 0 else "fall"
    return Note(Text(f"sales.new_note.{case}", **said))


def findings(
    kpis: SalesKpis, tree: RevenueTree, kinds: SalesSplit, *, first_day: date | None = None
) -> list[Finding]:
    """What the sales say: the driver of the change, fewer new customers, revenue without a name."""
    new_customers = None if _in_burn_in(kpis.year_ago.period, first_day) else _new_customers_finding(kpis)
    found = [_driver_finding(kpis, tree), new_customers, _guest_finding(kpis, kinds)]
    return [finding for finding in found if finding is not None]


def _driver_finding(kpis: SalesKpis, tree: RevenueTree) -> Finding | None:
    base = tree.before
    driver = _driver(tree)
    if driver is None or _few(tree, driver) or base.revenue <= 0 or abs(tree.change / base.revenue) < FLAT:
        return None
    year_ago = base.period == kpis.year_ago.period
    rate = tree.change / base.revenue
    way = "rise" if rate > 0 else "fall"
    row = _part(tree, driver)
    column = "year_ago" if year_ago else "previous"
    facts = {
        "versus": Fact(_versus(kpis.now.period, base.period)),
        "driver": Fact(driver),
        "revenue": Fact(kpis.now.revenue, Cell("sales.kpi", ("revenue",), "value")),
        "rate": Fact(rate, Cell("sales.kpi", ("revenue",), f"change_{column}")),
        "effect": Fact(row["effect"], Cell("sales.tree", (driver,), "effect")),
        "factor_change": Fact(row["change_rate"], Cell("sales.tree", (driver,), "change_rate")),
    }
    severity = "opportunity" if rate > 0 else "critical" if rate <= -0.1 else "warning"
    measure = "second_purchase_offer" if way == "rise" and driver == "buyers" else _MEASURES[driver]
    return Finding("sales.driver", severity, facts, measure, money=abs(row["effect"]), case=way)


def _new_customers_finding(kpis: SalesKpis) -> Finding | None:
    now, base = kpis.now, kpis.year_ago
    if not base.observed or now.is_preliminary:
        return None
    if now.new_customers >= base.new_customers or not _differs(now, base):
        return None
    cell = "new_customers"
    facts = {
        "n": Fact(now.new_customers, Cell("sales.kpi", (cell,), "value")),
        "before": Fact(base.new_customers, Cell("sales.kpi", (cell,), "year_ago")),
        "change": Fact(
            now.new_customers / base.new_customers - 1, Cell("sales.kpi", (cell,), "change_year_ago")
        ),
        "versus": Fact(_versus(now.period, base.period)),
    }
    return Finding("sales.new_customers", "warning", facts, "member_signup", money=now.first_revenue)


def _guest_finding(kpis: SalesKpis, kinds: SalesSplit) -> Finding | None:
    rows = {row["order_kind"]: row for row in kinds.table.to_dict("records")}
    row = rows.get("guest", {"revenue_share": 0.0})
    # A share of no revenue is blank, and no finding.
    if not row["revenue_share"] >= _GUEST_SHARE:
        return None
    facts = {
        name: Fact(row[name], Cell("sales.order_kind", ("guest",), name))
        for name in ("revenue", "revenue_share", "orders")
    }
    return Finding("sales.guests", "opportunity", facts, "member_signup", money=row["revenue"])


def _in_burn_in(period: Period, first_day: date | None) -> bool:
    return first_day is not None and period.start < first_day + timedelta(days=BURN_IN_DAYS)


def _is_year(period: Period) -> bool:
    # The period before a year is the year before: one column says it.
    return period.previous() == period.year_ago()


def _heading(column: str, period: Period) -> str:
    return f"sales.column.{column}_month" if period.months == 1 else f"sales.column.{column}"


def _driver(tree: RevenueTree) -> str | None:
    """The part that moved revenue most in the direction it went."""
    if tree.reason or not tree.change:
        return None
    moved = tree.table.set_index("part")["effect"] * (1 if tree.change > 0 else -1)
    return str(moved.idxmax()) if moved.max() > 0 else None


def _few(tree: RevenueTree, driver: str) -> bool:
    # What one or two people did is no cause to act on.
    return driver != "guests" and min(tree.before.buyers, tree.after.buyers) < _FEW_BUYERS


def _part(tree: RevenueTree, part: str) -> dict[str, float]:
    return {row["part"]: row for row in tree.table.to_dict("records")}[part]  # type: ignore[return-value]


def _differs(now: SalesTotals, base: SalesTotals) -> bool:
    # Two Poisson counts: their difference has the variance of their sum.
    n, m = now.new_customers, base.new_customers
    return abs(n - m) > _Z95 * sqrt(n + m)


def _versus(period: Period, base: Period) -> str:
    kind = "year_ago" if base == period.year_ago() else "previous"
    return f"{kind}_month" if period.months == 1 else kind


def _money_axis(axis: Any, words: Words) -> None:
    axis.set_major_formatter(lambda value, _: words.format(value, "count" if value == int(value) else "num1"))


def _month_ticks(months: pd.Series, words: Words) -> list[str]:
    """Short months; the year stands under the first month shown of each year."""
    ticks, year = [], None
    for month in months:
        tick = short_month(month, lang=words.lang)
        if month.year != year:
            tick += "\n" + words.say(Text("sales.chart.tick_year", year=int(month.year)))
            year = month.year
        ticks.append(tick)
    return ticks
