"""Chapter life cycle, kinds of products: whose buyers stay, and whom to offer the kind to."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.kind_prospects import KindProspects
from crmreport.analysis.kind_retention import KindRetention
from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

KINDS, STRATA, PROSPECTS = "lifecycle.kinds", "lifecycle.kind_strata", "lifecycle.kind_prospects"
REFILL = "refill"
# Nearly everybody buys the ordinary kind: that its buyers stay is no news.
_ORDINARY = "regular"
_LEAST_POINTS = 0.02
_FEW = 5


def offered(result: KindRetention | None) -> str | None:
    """The kind whose buyers clearly stay more often, by the lower end of the interval; None without one."""
    if result is None:
        return None
    table = result.table
    clear = (table["verdict"] == "higher") & (table["adjusted_difference"] >= _LEAST_POINTS)
    found = table[clear & (table["difference"] > 0) & (table["value"] != _ORDINARY)]
    return None if found.empty else str(found.sort_values("adjusted_low", ascending=False)["value"].iloc[0])


def retention(result: KindRetention | None) -> list[Chart | Table | Note]:
    """Chart and strata of the kind that stands out, and the table of all kinds; nothing without kinds."""
    if result is None:
        return []
    if not result.is_observed:
        return [Note(Text("lifecycle.kinds.unobserved", start=result.before[0]))]
    if result.table.empty:
        return []
    value = offered(result)
    if value is None:
        return [kinds_table(result)]
    return [strata_chart(result, value), kinds_table(result), strata_table(result, value)]


def strata_chart(result: KindRetention, value: str) -> Chart:
    """Share who bought again, by number of purchases, with and without the kind."""
    rows = _strata(result, value)
    row = _row(result, value)

    def draw(ax: Any, words: Words, style: Style) -> None:
        x = rows["purchases"].to_numpy(dtype=float)
        sides = (
            ("with", "back_rate", "back_low", "back_high", style.accent, 0.06),
            ("without", "rest_rate", "rest_low", "rest_high", style.greys[1], -0.06),
        )
        for side, rate, low, high, colour, shift in sides:
            ax.vlines(x + shift, rows[low], rows[high], color=colour, linewidth=1.4)
            ax.plot(x + shift, rows[rate], "o-", color=colour, markersize=4.5, linewidth=1.4)
            last = rows.dropna(subset=[rate]).iloc[-1]
            said = words.say(Text(f"lifecycle.kinds.{side}", value=value))
            end = (float(last["purchases"]) + shift, float(last[rate]))
            weight = "bold" if side == "with" else "normal"
            ax.annotate(
                said,
                end,
                xytext=(10, 3 if side == "with" else -3),
                textcoords="offset points",
                va="bottom" if side == "with" else "top",
                color=colour if side == "with" else style.greys[0],
                fontweight=weight,
            )
        more = words.say(Text("lifecycle.kinds.or_more", purchases=result.most_purchases))
        names = [more if n == result.most_purchases else words.format(n, "count") for n in rows["purchases"]]
        ax.set_xticks(x, names)
        # Room for the two names at the right.
        ax.set_xlim(float(x.min()) - 0.4, float(x.max()) + 0.4 + 0.32 * (x.max() - x.min() + 1))
        ax.set_ylim(0, 1)
        ax.set_yticks([0, 0.5, 1.0], [words.format(v, "pct").replace(".0", "") for v in (0, 0.5, 1.0)])
        ax.set_xlabel(words.label("lifecycle.kinds.x"))

    said = {"value": value, "rate": row["back_rate"], "rest": row["rest_rate"]}
    return Chart(
        STRATA,
        draw,
        title=Text("lifecycle.kinds.title", value=value),
        subtitle=Text("lifecycle.kinds.subtitle", **_windows(result)),
        note=Text("lifecycle.kinds.chart_note", **_windows(result), n=result.customers),
        alt=Text("lifecycle.kinds.alt", **said, gap=row["adjusted_difference"]),
        height=2.6,
    )


def kinds_table(result: KindRetention) -> Table:
    """Share who bought again with and without each kind, raw and at equal numbers of purchases."""
    return Table(
        KINDS,
        result.table,
        (
            Column("value", "name:product_kind"),
            Column("customers", "count", label="lifecycle.column.with_kind"),
            Column("back_rate", "pct", bar=True),
            Column("rest_rate", "pct"),
            Column("difference", "pt"),
            Column("adjusted_difference", "pt"),
            Column("adjusted_low", "pt"),
            Column("adjusted_high", "pt"),
            Column("verdict", "label:kind_verdict"),
        ),
        title=Text("lifecycle.kinds.table"),
        note=Text(
            "lifecycle.kinds.table_note",
            **_windows(result),
            n=result.customers,
            back=result.back,
            most=result.most_purchases,
            pooled=_left_out(result),
            unit=Text(f"unit.{result.unit}"),
        ),
    )


def strata_table(result: KindRetention, value: str) -> Table:
    """The same kind by number of purchases."""
    return Table(
        STRATA,
        _strata(result, value),
        (
            Column("purchases", "count", label="lifecycle.column.times"),
            Column("customers", "count", label="lifecycle.column.with_kind"),
            Column("back_rate", "pct"),
            Column("rest_customers", "count"),
            Column("rest_rate", "pct"),
            Column("difference", "pt"),
        ),
        title=Text("lifecycle.kinds.strata", value=value),
        note=Text("lifecycle.kinds.strata_note", **_windows(result), most=result.most_purchases),
    )


def prospects(result: KindProspects | None) -> list[Table]:
    """Who buys goods that come in the kind and has never bought it; nothing where no kind is offered."""
    if result is None:
        return []
    case = "alike" if result.like else "any"
    table = Table(
        PROSPECTS,
        result.table,
        (
            Column("group", "label:prospect"),
            Column("customers", "count"),
            Column("revenue", "money", label="lifecycle.column.goods_revenue"),
        ),
        title=Text("lifecycle.prospects.title", value=result.value),
        note=Text(
            f"lifecycle.prospects.note.{case}",
            value=result.value,
            goods=result.goods,
            since=result.since,
            as_of=result.as_of,
            late_days=result.late_days,
        ),
    )
    return [table]


def findings(result: KindRetention | None, found: KindProspects | None) -> list[Finding]:
    """The kind whose buyers stay more often, where there are customers to offer it to."""
    value = offered(result)
    if result is None or value is None or found is None or len(found.customers) < _FEW:
        return []
    row = _row(result, value)

    def kind(column: str) -> Fact:
        return Fact(row[column], Cell(KINDS, (value,), column))

    due = found.table[found.table["group"] == "due"].to_dict("records")[0]
    money = float(due["revenue"])
    listed = found.customers.copy()
    listed.insert(1, "reason", "never_refill" if value == REFILL else "never_kind")
    return [
        Finding(
            "lifecycle.kind_retention",
            "opportunity",
            {
                "value": Fact(value),
                "customers": kind("customers"),
                "rate": kind("back_rate"),
                "rest": kind("rest_rate"),
                "gap": kind("adjusted_difference"),
                "due": Fact(int(due["customers"]), Cell(PROSPECTS, ("due",), "customers")),
                "money": Fact(money, Cell(PROSPECTS, ("due",), "revenue")),
            },
            "refill_reminder" if value == REFILL else "cross_sell",
            money=money,
            case=REFILL if value == REFILL else "other",
            customers=ActionList(listed),
        )
    ]


def _row(result: KindRetention, value: str) -> dict[str, Any]:
    (row,) = result.table[result.table["value"] == value].to_dict("records")
    return {str(name): cell for name, cell in row.items()}


def _strata(result: KindRetention, value: str) -> pd.DataFrame:
    return result.strata[result.strata["value"] == value].reset_index(drop=True)


def _left_out(result: KindRetention) -> Text:
    case = "some" if result.values_left_out else "none"
    return Text(
        f"lifecycle.kinds.left_out.{case}", groups=result.values_left_out, support=result.minimum_support
    )


def _windows(result: KindRetention) -> dict[str, Any]:
    return {
        "before_start": result.before[0],
        "before_end": result.before[1],
        "since": result.since,
        "as_of": result.as_of,
    }
