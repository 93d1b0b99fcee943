"""What customers bought first, and whether they came back."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.entry_products import EntryProducts
from crmreport.present import Chart, Column, Note, Style, Table, Text, Words
from crmreport.present.ctb.naming import short, unit_text

_ALPHA = 0.05
_ENTRY_ROWS = 8


def entry(entry: EntryProducts) -> Table:
    """Second-purchase rate by what was in the first basket; clear differences first."""
    return Table(
        "ctb.entry",
        _clear_first(entry.table),
        (
            Column("value", "name:special", label="ctb.column.entry_value"),
            Column("attribute", "name:attribute"),
            Column("customers", "count", label="ctb.column.first_customers"),
            Column("f2_rate", "pct"),
            Column("f2_low", "pct"),
            Column("f2_high", "pct"),
            Column("rest_rate", "pct"),
            Column("difference", "pt"),
        ),
        title=Text("ctb.entry_table.title", days=entry.within_days),
        note=Text("ctb.entry_table.note", **_entry_facts(entry)),
        key=("attribute", "value"),
        # Below the clear differences stand chance results; the file has them.
        max_rows=min(max(int((entry.table["p_holm"] < _ALPHA).sum()), 3), 10),
    )


def entry_chart(entry: EntryProducts) -> Chart | Note:
    """Second-purchase rates that differ clearly from the rest, with intervals."""
    clear = entry.table[entry.table["p_holm"] < _ALPHA]
    said = _entry_facts(entry)
    if clear.empty:
        return Note(Text("ctb.entry_chart.none", **said))
    best = best_entry(entry)
    clear = _once(clear)
    ends = _ENTRY_ROWS // 2
    shown = clear if len(clear) <= _ENTRY_ROWS else pd.concat([clear.head(ends), clear.tail(ends)])
    case = "best" if best is not None else "worse"
    champion = None if best is None else (best["attribute"], best["value"])
    if best is not None:
        said |= {"value": best["value"], "best": best["f2_rate"], "rest": best["rest_rate"]}

    def draw(ax: Any, words: Words, style: Style) -> None:
        for i, row in enumerate(shown.to_dict("records")):
            is_best = (row["attribute"], row["value"]) == champion
            colour = style.accent if is_best else style.greys[0]
            ax.plot(
                [row["f2_low"], row["f2_high"]], [i, i], color=colour, linewidth=2.2, solid_capstyle="butt"
            )
            ax.plot(row["f2_rate"], i, "o", color=colour, markersize=6)
            said_row = words.say(Text("ctb.chart.entry_row", rate=row["f2_rate"], n=row["customers"]))
            ax.annotate(
                said_row, (row["f2_high"], i), xytext=(5, 0), textcoords="offset points", va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                color=style.accent if is_best else style.ink, fontweight="bold" if is_best else "normal",
            )  # fmt: skip
        ax.axvline(entry.f2_rate, color=style.ink, linewidth=0.8, linestyle=(0, (3, 3)))
        ax.annotate(
            words.say(Text("ctb.chart.overall", rate=entry.f2_rate)), (entry.f2_rate, -0.62),
            xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
        )  # fmt: skip
        ax.set_yticks(
            range(len(shown)),
            [short(v, words, 22) for v in shown["value"]],
        )
        ax.set_ylim(len(shown) - 0.4, -0.62)
        ax.set_xlim(0, min(1.0, float(shown["f2_high"].max())) * 1.3)
        ax.xaxis.set_major_formatter(lambda value, _: words.format(value, "pct").replace(".0", ""))

    return Chart(
        "ctb.entry_chart",
        draw,
        title=Text(f"ctb.entry_chart.title.{case}", **said),
        subtitle=Text("ctb.entry_chart.subtitle", **said),
        note=Text("ctb.entry_chart.note", **said),
        alt=Text(f"ctb.entry_chart.alt.{case}", **said),
        height=0.9 + 0.3 * len(shown),
    )


def best_entry(entry: EntryProducts) -> pd.Series | None:
    """Of the clear differences the one that is largest at the lower end of its interval."""
    clear = entry.table[(entry.table["p_holm"] < _ALPHA) & (entry.table["difference"] > 0)]
    if clear.empty:
        return None
    surest = (clear["f2_low"] - clear["rest_rate"]).to_numpy().argmax()
    return clear.iloc[int(surest)]


def _once(table: pd.DataFrame) -> pd.DataFrame:
    """Without the same customers under another attribute's name (trial sets, the kind "trial").

    Two values of one attribute with equal counts are two groups of customers.
    """
    counts = ["customers", "converted"]
    nth = table.groupby(["attribute", *counts]).cumcount()
    return table[~table[counts].assign(nth=nth).duplicated()]


def _clear_first(table: pd.DataFrame) -> pd.DataFrame:
    clear = table["p_holm"] < _ALPHA
    return pd.concat([table[clear], table[~clear]], ignore_index=True)


def _entry_facts(entry: EntryProducts) -> dict[str, Any]:
    return {
        "days": entry.within_days, "n": entry.customers, "rate": entry.f2_rate, "not_yet": entry.not_yet,
        "earlier": entry.maybe_earlier, "burn_in": entry.burn_in_days,
        "support": entry.minimum_support, "left_out": entry.values_left_out, "as_of": entry.as_of,
        "tests": len(entry.table), "unit": unit_text(entry.unit),
    }  # fmt: skip
