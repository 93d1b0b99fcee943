"""What sells: sales by the values of each axis, and which values customers live in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.ctb import CtbProfiles, CtbShares
from crmreport.analysis.ctb_cells import CtbCells
from crmreport.present import Chart, Column, Message, Note, Style, Table, Text, Words
from crmreport.present.ctb.naming import cell_name, comparison, first_row, short, unit_text
from crmreport.present.observation import unobserved

_CHART_VALUES = 6


def message(shares: CtbShares, cells: CtbCells | None) -> Message:
    """What sells most, which cell to push and which to fix; whichever of these there are."""
    method = Text("ctb.method")
    table = shares.table[shares.table["kind"] == "value"]
    if table.empty:
        return Message("ctb.message", Text("ctb.message.nothing"), method)
    top = table.iloc[0]
    said: dict[str, Any] = {"top": top["value"], "share": top["revenue_share"]}
    push = first_row(cells.push()) if cells else None
    fix = first_row(cells.fix()) if cells else None
    if cells and push is not None:
        said |= {"push": cell_name(push, cells), "growth": push["growth"]}
    if cells and fix is not None:
        said |= {"fix": cell_name(fix, cells), "repeat": fix["repeat_rate"]}
    case = {(True, True): "push_fix", (True, False): "push", (False, True): "fix", (False, False): "plain"}
    return Message(
        "ctb.message", Text(f"ctb.message.{case[push is not None, fix is not None]}", **said), method
    )


def data_end(shares: CtbShares) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    return unobserved(shares.observed, Text("observed.ctb"))


def shares_chart(shares: CtbShares) -> Chart:
    """Share of sales by value, one panel per axis."""
    leads = _leads(shares.coverage)
    top = shares.table[shares.table["kind"] == "value"].iloc[0]
    said = {
        "value": top["value"], "share": top["revenue_share"], "axis": top["axis"],
        "as_of": shares.period.as_of, "start": shares.period.start, "shown": _CHART_VALUES,
    }  # fmt: skip

    def draw(axes: Any, words: Words, style: Style) -> None:
        panels = np.atleast_1d(axes)
        reach = float(shares.table["revenue_share"].max())
        for ax, (axis, attribute) in zip(panels, leads.items(), strict=True):
            known = shares.table[(shares.table["attribute"] == attribute) & (shares.table["kind"] == "value")]
            shown = known.head(_CHART_VALUES)
            for i, share in enumerate(shown["revenue_share"]):
                is_message = axis == said["axis"] and i == 0
                ax.barh(i, share, height=0.64, color=style.accent if is_message else style.greys[2])
                ax.annotate(
                    words.format(share, "pct"), (share, i), xytext=(3, 0), textcoords="offset points",
                    va="center", color=style.accent if is_message else style.ink,
                    fontweight="bold" if is_message else "normal",
                )  # fmt: skip
            ax.set_yticks(range(len(shown)), [short(value, words) for value in shown["value"]])
            ax.set_ylim(_CHART_VALUES - 0.4, -0.6)
            ax.set_xlim(0, reach * 1.5)
            ax.set_xticks([])
            ax.spines["bottom"].set_visible(False)
            ax.set_title(words.label(f"ctb.axis.{axis}"))

    return Chart(
        "ctb.shares_chart",
        draw,
        title=Text("ctb.shares_chart.title", **said),
        subtitle=Text("ctb.shares_chart.subtitle", **said),
        note=Text("ctb.shares_chart.note", **said),
        alt=Text("ctb.shares_chart.alt", **said),
        height=2.3,
        panels=(1, len(leads)),
    )


def shares(shares: CtbShares) -> Table:
    """Sales by value; the page shows the largest of each axis, the file all."""
    return Table(
        "ctb.shares",
        _largest_first(shares.table, _leads(shares.coverage), each=4),
        (
            Column("value", "name:special"),
            Column("axis", "label:axis"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
            Column("customers", "count"),
            Column("purchases", "count"),
            Column("growth", "spct"),
        ),
        title=Text("ctb.shares_table.title", start=shares.period.start, as_of=shares.period.as_of),
        note=Text(
            f"ctb.shares_table.note.{comparison(shares.observed, previous=shares.previous_observed)}",
            start=shares.period.start,
            as_of=shares.period.as_of,
            unit=unit_text(shares.unit),
        ),
        key=("attribute", "value"),
    )


def coverage(shares: CtbShares) -> Table:
    """How much of the spend each attribute is known for."""
    return Table(
        "ctb.coverage",
        shares.coverage,
        (
            Column("attribute", "name:attribute"),
            Column("axis", "label:axis"),
            Column("values", "count"),
            Column("known_revenue", "money"),
            Column("revenue", "money"),
            Column("coverage", "pct"),
        ),
        title=Text("ctb.coverage_table.title"),
        note=Text("ctb.coverage_table.note", as_of=shares.period.as_of),
    )


def profiles(profiles: CtbProfiles) -> Table:
    """How many customers live in one value; the page shows the largest of each axis, the file all."""
    kinds, leads = profiles.table, _leads(profiles.table)
    lead = kinds["attribute"].isin(leads.values())
    rank = kinds[kinds["kind"] == "value"].groupby("attribute").cumcount().reindex(kinds.index)
    shown = lead & (rank.isna() | (rank < 2))
    frame = pd.concat([kinds[shown], kinds[~shown]], ignore_index=True)
    return Table(
        "ctb.profiles",
        frame,
        (
            Column("value", "name:special"),
            Column("axis", "label:axis"),
            Column("kind", "label:profile"),
            Column("customers", "count"),
            Column("customer_share", "pct", bar=True),
            Column("revenue", "money"),
            Column("revenue_per_customer", "money"),
        ),
        title=Text("ctb.profiles_table.title"),
        note=Text(
            "ctb.profiles_table.note",
            share=profiles.dominant_share,
            lines=profiles.minimum_lines,
            start=profiles.period.start,
            as_of=profiles.period.as_of,
        ),
        key=("attribute", "value"),
    )


def _leads(coverage: pd.DataFrame) -> dict[str, str]:
    """Axis → its first product column."""
    firsts = coverage.drop_duplicates("axis")
    return dict(zip(firsts["axis"], firsts["attribute"], strict=True))


def _largest_first(table: pd.DataFrame, leads: dict[str, str], *, each: int) -> pd.DataFrame:
    rank = table.groupby("attribute").cumcount()
    shown = table["attribute"].isin(leads.values()) & (rank < each)
    return pd.concat([table[shown], table[~shown]], ignore_index=True)
