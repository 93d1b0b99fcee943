"""Chapter customers, member ranks: who fell silent though their rank buys often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rank_silence import RankSilence
from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

TABLE = "customers.rank_silence"
_FEW = 5
_MOST_BARS = 10


def silence(result: RankSilence | None) -> list[Chart | Table | Note]:
    """The table of the ranks, after a chart where a high rank stands out; nothing without ranks."""
    if result is None or result.table.empty:
        return []
    if not result.is_observed:
        return [Note(Text("customers.rank_silence.unobserved", days=result.silent_days))]
    shown: list[Chart | Table | Note] = []
    if result.highest is not None:
        shown.append(silence_chart(result, result.highest))
    return [*shown, silence_table(result)]


def silence_chart(result: RankSilence, highest: str) -> Chart:
    """Share silent per rank, beside the share their own purchase gaps would give."""
    rows = result.table.dropna(subset=["silent_share"]).head(_MOST_BARS).reset_index(drop=True)
    told = _row(result, highest)
    mark = Text("customers.rank_silence.mark", share=told["silent_share"], expected=told["expected_share"])

    def draw(ax: Any, words: Words, style: Style) -> None:
        places = np.arange(len(rows))[::-1]
        hits = rows["rank"].eq(highest).to_numpy()
        colours = [style.accent if hit else style.greys[2] for hit in hits]
        ax.barh(places, rows["silent_share"], height=0.56, color=colours)
        ax.vlines(rows["expected_share"], places - 0.38, places + 0.38, color=style.ink, linewidth=1.4)
        ends = rows[["silent_share", "expected_share"]].max(axis=1)
        for place, end, share, hit in zip(places, ends, rows["silent_share"], hits, strict=True):
            weight = "bold" if hit else "normal"
            said = words.say(mark) if hit else words.format(share, "pct")
            ax.annotate(
                said, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontweight=weight
            )
        ax.set_yticks(places, [words.format(rank, "name:rank", area="customers") for rank in rows["rank"]])
        # Room for the longer words beside the bar the chart is about.
        ax.set_xlim(0, max(float(ends.max()), 0.01) * 1.4)
        ax.xaxis.set_visible(False)
        ax.spines[["bottom", "left"]].set_visible(False)

    said = {"rank": highest, "share": told["silent_share"], "days": result.silent_days}
    return Chart(
        "customers.rank_silence",
        draw,
        title=Text("customers.rank_silence.title", **said),
        subtitle=Text("customers.rank_silence.subtitle", days=result.silent_days),
        note=Text("customers.rank_silence.note", as_of=result.as_of, n=int(rows["customers"].sum())),
        alt=Text("customers.rank_silence.alt", **said, expected=told["expected_share"]),
        height=max(1.4, 0.5 + 0.3 * len(rows)),
    )


def silence_table(result: RankSilence) -> Table:
    """Members, usual gap, silent members and their revenue per rank."""
    frame = result.table
    silent, customers = frame["silent_customers"].sum(min_count=1), int(frame["customers"].sum())
    return Table(
        TABLE,
        frame,
        (
            Column("rank", "name:rank", label="customers.by.rank"),
            Column("customers", "count"),
            Column("usual_gap_days", "days"),
            Column("silent_customers", "count"),
            Column("silent_share", "pct", bar=True),
            Column("expected_share", "pct"),
            Column("revenue", "money"),
            Column("silent_revenue", "money"),
        ),
        title=Text("customers.rank_silence.table"),
        note=Text(
            "customers.rank_silence.table_note",
            days=result.silent_days,
            since=result.since,
            as_of=result.as_of,
            never=int(frame["never_bought"].sum()),
            without=result.n_without_rank,
            order=Text(f"customers.rank_silence.order.{result.ordered_by}"),
        ),
        totals={
            "rank": Text("customers.total"),
            "customers": customers,
            "silent_customers": silent,
            "silent_share": silent / customers if customers else None,
            "revenue": float(frame["revenue"].sum()),
            "silent_revenue": frame["silent_revenue"].sum(min_count=1),
        },
    )


def findings(result: RankSilence | None) -> list[Finding]:
    """The highest rank whose members are silent more often than their own purchase gaps explain."""
    if result is None or result.highest is None:
        return []
    rank = result.highest
    row = _row(result, rank)
    if row["silent_customers"] < _FEW:
        return []

    def cell(column: str) -> Fact:
        return Fact(row[column], Cell(TABLE, (rank,), column))

    return [
        Finding(
            "customers.rank_silent",
            "warning",
            {
                "rank": Fact(rank),
                "days": Fact(result.silent_days),
                "customers": cell("customers"),
                "silent": cell("silent_customers"),
                "share": cell("silent_share"),
                "expected": cell("expected_share"),
                "gap": cell("usual_gap_days"),
                "money": cell("silent_revenue"),
            },
            "return_offer",
            money=float(row["silent_revenue"]),
            customers=ActionList(_listed(result, rank)),
        )
    ]


def _row(result: RankSilence, rank: str) -> dict[str, Any]:
    (row,) = result.table[result.table["rank"] == rank].to_dict("records")
    return {str(name): value for name, value in row.items()}


def _listed(result: RankSilence, rank: str) -> pd.DataFrame:
    rows = to_pandas(result.silent)
    rows = rows[rows["rank"] == rank]
    rows = rows.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    rows = rows[["customer_id", "rank", "last_date", "recency_days", "frequency", "revenue"]]
    rows.insert(1, "reason", "rank_silent")
    return rows
