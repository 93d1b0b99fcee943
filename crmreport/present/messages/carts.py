"""Chapter messages, carts: how many are left behind, how many come back, and which still wait."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.messages.cart import CartAbandonment
from crmreport.analysis.messages.open_carts import OpenCarts
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.numbers import short_month
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

CARTS, OPEN = "messages.carts", "messages.open_carts"
_RATES = (
    ("abandonment_rate", "users", "is_preliminary"),
    ("recovery_rate", "followed", "recovery_preliminary"),
)


def carts(found: CartAbandonment | None, waiting: OpenCarts | None) -> list[Chart | Table | Note]:
    """Chart and tables of the carts; a sentence where the client sent no web log or it shows no cart."""
    if found is None or waiting is None:
        return [Note(Text("messages.carts.no_events"))]
    if found.table.empty:
        return [Note(Text("messages.carts.none"))]
    return [carts_chart(found), carts_table(found), open_table(waiting)]


def carts_chart(found: CartAbandonment) -> Chart:
    """Abandonment and recovery by month; months not over are hatched."""
    table = found.table
    settled = last_settled(table, "abandonment_rate")
    case = "none" if settled is None else "recovered" if recovery(table) is not None else "abandoned"
    back = recovery(table)

    def draw(axes: Any, words: Words, style: Style) -> None:
        for ax, (rate, _, early) in zip(np.atleast_1d(axes), _RATES, strict=True):
            colour = style.greys[1] if rate == "abandonment_rate" else style.accent
            for i, row in table.iterrows():
                if np.isnan(row[rate]):
                    continue
                fill = {"color": "none", "edgecolor": colour, "hatch": "////", "linewidth": 0.8}
                ax.bar(i, row[rate], width=0.68, **(fill if row[early] else {"color": colour}))
                ax.vlines(i, row[f"{rate}_low"], row[f"{rate}_high"], color=style.ink, linewidth=1.0)
                ax.annotate(
                    words.format(row[rate], "pct"), (i, row[f"{rate}_high"]), xytext=(0, 3),
                    textcoords="offset points", ha="center",
                )  # fmt: skip
            top = table[f"{rate}_high"].where(table[rate].notna()).max()
            ax.set_ylim(0, 1 if np.isnan(top) else min(float(top) * 1.25, 1.2))
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            ax.set_xticks(range(len(table)), [short_month(m, lang=words.lang) for m in table["month"]])
            ax.set_xlim(-0.6, len(table) - 0.4)
            ax.set_title(words.label(f"messages.measure.{rate}"), fontweight="normal")

    return Chart(
        CARTS,
        draw,
        title=Text(
            f"messages.carts.title.{case}",
            rate=None if settled is None else settled["abandonment_rate"],
            recovered=None if back is None else back["recovery_rate"],
        ),
        subtitle=Text("messages.carts.subtitle", days=found.recovery_days),
        note=Text(
            "messages.carts.note",
            n=int(table["users"].sum()),
            start=table["month"].iloc[0],
            end=table["month"].iloc[-1],
            last=found.followed_to,
        ),
        alt=Text("messages.carts.alt", months=len(table), n=int(table["users"].sum())),
        height=1.75,
        panels=(1, 2),
    )


def carts_table(found: CartAbandonment) -> Table:
    """Carts by month."""
    frame = found.table.sort_values("month", ascending=False, ignore_index=True)
    # Whose 24 hours are not over has not had the days for a recovery either.
    early = ["is_preliminary", "recovery_preliminary"]
    frame["state"] = frame[early].sum(axis=1).map({0: "final", 1: "recovery_open", 2: "preliminary"})
    value = [Column("abandoned_value", "money")] if found.is_priced else []
    return Table(
        CARTS,
        frame,
        (
            Column("month", "month"),
            Column("users", "count"),
            Column("abandoned", "count"),
            Column("abandonment_rate", "pct"),
            *value,
            Column("followed", "count"),
            Column("recovered", "count"),
            Column("recovery_rate", "pct"),
            Column("state", "label:state"),
        ),
        title=Text("messages.carts.table"),
        note=Text(
            f"messages.carts.table_note.{'priced' if found.is_priced else 'plain'}",
            days=found.recovery_days,
            last=found.followed_to,
            unknown=found.n_unknown,
            linked=found.n_linked,
        ),
    )


def open_table(waiting: OpenCarts) -> Table:
    """How many carts wait, by how long ago something was put in."""
    people = waiting.customers
    waited = (pd.Timestamp(waiting.as_of) - people["cart_date"]).dt.days
    group = np.where(waited <= 7, "week", "month")
    rows = [_open_row(name, people[group == name], waiting) for name in ("week", "month")]
    return Table(
        OPEN,
        pd.DataFrame([*rows, _open_row("all", people, waiting)]),
        (
            Column("waited", "label:waited"),
            Column("customers", "count"),
            *(
                [Column("value", "money", label="messages.column.cart_value")]
                if waiting.value is not None
                else []
            ),
        ),
        title=Text("messages.open_carts.title"),
        note=Text("messages.open_carts.note", since=waiting.since, as_of=waiting.as_of),
    )


def _open_row(name: str, people: pd.DataFrame, waiting: OpenCarts) -> dict[str, Any]:
    value = float(people["value"].sum()) if waiting.value is not None else None
    return {"waited": name, "customers": len(people), "value": value}


def last_settled(table: pd.DataFrame, rate: str) -> pd.Series | None:
    """The latest month with a rate of carts whose time is over; None without one."""
    early = {name: mark for name, _, mark in _RATES}[rate]
    rows = table[table[rate].notna() & ~table[early]]
    return None if rows.empty else rows.iloc[-1]


def recovery(table: pd.DataFrame) -> pd.Series | None:
    """The latest month whose abandoned carts had all their days; None without one."""
    return last_settled(table, "recovery_rate")
