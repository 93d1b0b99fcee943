"""The decile chapter: how much of the revenue hangs on how few customers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.decile import Deciles
from crmreport.analysis.ledger import to_pandas
from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.message import Message, Note
from crmreport.present.observation import unobserved
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

TABLE, STATUS = "decile.table", "decile.status"
# Below these a sentence would make much of little.
_FEW, _EVEN, _NOTABLE, _LARGE = 5, 0.2, 0.05, 0.1
_SAME = 0.005
_NEARLY_ALL = 0.9


def message(result: Deciles) -> Message:
    """The chapter's heading: concentration, and how many of the best have stopped buying."""
    top = result.table.iloc[0]
    lapsed = float(top["lapsed_share"])
    values: dict[str, Any] = {
        "share": float(top["revenue_share"]),
        "lapsed": lapsed,
        "days": result.lapsed_days,
        "one_in": _one_in(lapsed),
        "customers": int(top["customers"]),
        "active": int(top["active_customers"]),
    }
    if values["share"] < _EVEN:
        case = "even"
    elif lapsed < _NOTABLE or top["lapsed_customers"] < _FEW:
        case = "loyal" if 1 - lapsed >= _NEARLY_ALL else "few"
    else:
        case = "lapsed_one_in" if values["one_in"] else "lapsed_share"
    return Message("decile.message", Text(f"decile.message.{case}", **values), Text("decile.method"))


def data_end(result: Deciles) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    if not result.observed.unobserved_days:
        return []
    lapsed = int(result.table["lapsed_customers"].sum())
    return unobserved(result.observed, Text("observed.decile", lapsed=lapsed, n=result.n_lapsed_unobserved))


def concentration_chart(result: Deciles) -> Chart:
    """Share of revenue per decile, the part of lapsed customers set off."""
    table = result.table
    top = table.iloc[0]
    values = {
        "share": float(top["revenue_share"]),
        "top20": result.top_20_share,
        "lapsed": float(top["lapsed_revenue"] / result.revenue),
        **_window(result),
    }

    def draw(ax: Any, words: Words, style: Style) -> None:
        active = (table["active_revenue"] / result.revenue * 100).to_numpy()
        lapsed = (table["lapsed_revenue"] / result.revenue * 100).to_numpy()
        places = table["decile"].to_numpy()
        fills = [style.accent] + [style.greys[1]] * 9
        ax.bar(places, active, width=0.72, color=fills)
        edges = [style.accent] + [style.greys[0]] * 9
        ax.bar(
            places,
            lapsed,
            bottom=active,
            width=0.72,
            color="white",
            edgecolor=edges,
            linewidth=0.7,
            hatch="////",
        )
        for place, height, share in zip(places, active + lapsed, table["revenue_share"], strict=True):
            ax.annotate(
                words.format(share, "pct"),
                (place, height),
                (0, 3),
                textcoords="offset points",
                ha="center",
                weight="bold" if place == 1 else "normal",
            )
        middle = active[0] + lapsed[0] / 2
        ax.annotate(
            words.say(Text("decile.chart.lapsed_part", days=result.lapsed_days)),
            (1.38, middle),
            (2.1, max(middle, active[1] + lapsed[1] + active[0] * 0.2)),
            va="center",
            arrowprops={"arrowstyle": "-", "color": style.greys[0], "lw": 0.7, "shrinkA": 2, "shrinkB": 0},
        )
        ax.set_xticks(places, [words.say(Text("decile.chart.decile", n=int(n))) for n in places])
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_ylim(0, (active + lapsed).max() * 1.14)
        ax.set_xlim(0.4, 10.6)

    return Chart(
        "decile.concentration",
        draw,
        title=Text("decile.chart.title", **values),
        subtitle=Text("decile.chart.subtitle", **values),
        note=Text("decile.chart.note", **values),
        alt=Text("decile.chart.alt", **values),
        height=2.5,
    )


def lorenz_chart(result: Deciles) -> Chart:
    """Lorenz curve with its Gini coefficient."""
    curve = result.lorenz
    values = {"gini": result.gini, "top20": result.top_20_share, **_window(result)}

    def draw(ax: Any, words: Words, style: Style) -> None:
        ax.plot([0, 100], [0, 100], color=style.greys[1], linewidth=0.9, linestyle=(0, (4, 3)))
        ax.plot(curve["customer_share"] * 100, curve["revenue_share"] * 100, color=style.accent)
        ax.annotate(
            words.label("decile.lorenz.equal"),
            (28, 32),
            rotation=45,
            rotation_mode="anchor",
            transform_rotates_text=True,
            color=style.greys[0],
            ha="center",
            va="bottom",
        )
        point = (80, 100 * (1 - result.top_20_share))
        ax.plot(*point, "o", color=style.accent, markersize=4.5)
        # Beside a flat curve the label would cross the diagonal, so it goes below.
        place = (77, point[1] + 1) if point[1] < 35 else (98, point[1] * 0.4)
        ax.annotate(
            words.say(Text("decile.lorenz.top20", share=result.top_20_share)),
            point,
            place,
            ha="right",
            va="center",
            color=style.accent,
            weight="bold",
            arrowprops={"arrowstyle": "-", "color": style.accent, "lw": 0.7},
        )
        ax.set_xlim(0, 100)
        ax.set_ylim(0, 100)
        ax.set_aspect("equal")
        ax.set_xticks([0, 50, 100], ["0%", "50%", "100%"])
        ax.set_yticks([0, 50, 100], ["0%", "50%", "100%"])
        ax.set_xlabel(words.label("decile.lorenz.x"))
        ax.set_ylabel(words.label("decile.lorenz.y"))

    return Chart(
        "decile.lorenz",
        draw,
        title=Text("decile.lorenz.title", **values),
        subtitle=Text("decile.lorenz.subtitle", **values),
        note=Text("decile.chart.note", **values),
        alt=Text("decile.lorenz.alt", **values),
        size="half",
        height=2.7,
    )


def table(result: Deciles) -> Table:
    """The decile table."""
    return Table(
        TABLE,
        result.table,
        (
            Column("decile", "num0"),
            Column("customers", "count"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
            Column("cumulative_share", "pct"),
            Column("revenue_per_customer", "money"),
            Column("min_revenue", "money"),
            Column("max_revenue", "money"),
            Column("purchases_per_customer", "num1"),
        ),
        title=Text("decile.table.title", **_window(result)),
        note=Text("decile.table.note", **_window(result)),
        totals={
            "customers": result.n_customers,
            "revenue": result.revenue,
            "revenue_share": 1.0,
            "revenue_per_customer": result.revenue / result.n_customers,
        },
    )


def status_table(result: Deciles) -> Table:
    """Who of each decile still buys and who has lapsed."""
    frame = result.table
    names = ["decile", "customers", "active_customers", "active_revenue"]
    lapsed = ["lapsed_customers", "lapsed_share", "lapsed_revenue"]
    n_lapsed = int(frame["lapsed_customers"].sum())
    return Table(
        STATUS,
        frame[names + lapsed],
        (
            Column("decile", "num0"),
            Column("customers", "count"),
            Column("active_customers", "count"),
            Column("active_revenue", "money"),
            Column("lapsed_customers", "count"),
            Column("lapsed_share", "pct", bar=True),
            Column("lapsed_revenue", "money"),
        ),
        title=Text("decile.status.title", **_window(result)),
        note=Text("decile.status.note", **_window(result)),
        totals={
            "customers": result.n_customers,
            "active_customers": result.n_customers - n_lapsed,
            "active_revenue": float(frame["active_revenue"].sum()),
            "lapsed_customers": n_lapsed,
            "lapsed_share": n_lapsed / result.n_customers,
            "lapsed_revenue": float(frame["lapsed_revenue"].sum()),
        },
    )


def notes(result: Deciles, before: Deciles | None = None) -> list[Note]:
    """Change against an earlier window, ties, and who is in no decile."""
    said = [Note(_change(result, before))]
    if len(result.ties):
        said.append(
            Note(
                Text(
                    "decile.notes.ties",
                    boundaries=len(result.ties),
                    customers=int(result.ties.drop_duplicates("revenue")["customers"].sum()),
                )
            )
        )
    if result.n_not_positive:
        said.append(
            Note(
                Text(
                    "decile.notes.not_positive", n=result.n_not_positive, revenue=result.not_positive_revenue
                )
            )
        )
    return said


def findings(result: Deciles) -> list[Finding]:
    """Lapsed buyers of the first decile, and the first decile itself."""
    top = result.table.iloc[0]
    found = []
    if top["lapsed_customers"] >= _FEW:
        lost = float(top["lapsed_revenue"])
        found.append(
            Finding(
                "decile.lapsed_top",
                "critical" if lost / result.revenue >= _LARGE else "warning",
                facts={
                    "n": _fact(STATUS, "lapsed_customers", int(top["lapsed_customers"])),
                    "share": _fact(STATUS, "lapsed_share", float(top["lapsed_share"])),
                    "money": _fact(STATUS, "lapsed_revenue", lost),
                    "days": Fact(result.lapsed_days),
                },
                measure="return_offer",
                money=lost,
                customers=_listed(result, lapsed=True, reason="lapsed_top"),
            )
        )
    if top["active_customers"] >= _FEW and top["revenue_share"] >= _EVEN:
        held = float(top["active_revenue"])
        found.append(
            Finding(
                "decile.concentration",
                "opportunity",
                facts={
                    "share": _fact(TABLE, "revenue_share", float(top["revenue_share"])),
                    "n": _fact(STATUS, "active_customers", int(top["active_customers"])),
                    "money": _fact(STATUS, "active_revenue", held),
                    "each": _fact(TABLE, "revenue_per_customer", float(top["revenue_per_customer"])),
                },
                measure="early_access",
                money=held,
                customers=_listed(result, lapsed=False, reason="active_top"),
            )
        )
    return found


def _fact(table_id: str, column: str, value: float) -> Fact:
    return Fact(value, Cell(table_id, (1,), column))


def _listed(result: Deciles, *, lapsed: bool, reason: str) -> ActionList:
    rows: pd.DataFrame = to_pandas(result.members(1, lapsed=lapsed))
    rows = rows.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    rows.insert(1, "reason", reason)
    return ActionList(rows)


def _change(result: Deciles, before: Deciles | None) -> Text:
    share = float(result.table["revenue_share"].iloc[0])
    if result.observed.is_preliminary:
        return Text("decile.notes.preliminary", share=share, last=result.observed.last_day)
    if before is None:
        return Text("decile.notes.first")
    was = float(before.table["revenue_share"].iloc[0])
    gap = share - was
    case = "unchanged" if abs(gap) < _SAME else "rises" if gap > 0 else "falls"
    return Text(f"decile.notes.{case}", share=share, was=was, gap=gap, as_of=before.as_of)


def _one_in(share: float) -> int | None:
    # "1 in 6" only where it says the printed share: 40 % is not "1 in 2".
    if not 0 < share <= 0.5:
        return None
    whole = round(1 / share)
    return whole if abs(1 / whole - share) / share < 0.08 else None


def _window(result: Deciles) -> dict[str, Any]:
    return {
        "n": result.n_customers,
        "as_of": result.as_of,
        "since": Text("decile.since.day", day=result.since) if result.since else Text("decile.since.start"),
        "days": result.lapsed_days,
        "unit": Text(f"unit.{result.unit}"),
        "apart": result.n_not_positive,
        "guests": result.left_out.n_guest_lines,
        "guest_revenue": result.left_out.guest_revenue,
    }
