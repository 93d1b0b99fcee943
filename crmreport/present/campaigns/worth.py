"""What the campaigns earned: measured, with the luck of the best taken off, and all together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.programme_undrawn import is_undrawn
from crmreport.present import Chart, Column, Note, Style, Table, Text, Words
from crmreport.present.campaigns.overview import GROUPS, total_case
from crmreport.present.chart import few_ticks
from crmreport.present.numbers import MoneyUnit

WORTH = "campaigns.worth"
_MOST_ROWS = 12
_MONEY = [f"{kind}profit{end}" for kind in ("", "shrunk_") for end in ("", "_lower", "_upper")]


def worth(found: CampaignProgramme) -> list[Chart | Note | Table]:
    """Profit by campaign, and the luck of the best; nothing where no profit is known."""
    if found.total is None or _known(found).empty:
        return []
    return [profit_chart(found), *luck(found), worth_table(found)]


def together(found: CampaignProgramme) -> list[Note | Table]:
    """The programme's profit and what it is made of; nothing where no campaign is over."""
    if found.total is None:
        return []
    told = [] if _known(found).empty else [total_note(found)]
    return [*told, groups_table(found)]


def _known(found: CampaignProgramme) -> pd.DataFrame:
    """Campaigns with an effect, most profit (shrunk) first."""
    known = found.table.dropna(subset=["profit"])
    return known.sort_values(["shrunk_profit", "campaign_id"], ascending=[False, True], ignore_index=True)


def profit_chart(found: CampaignProgramme) -> Chart:
    """Profit per campaign with its interval: as measured, and shrunk."""
    known = _known(found).head(_MOST_ROWS)
    n_pay = int((known["shrunk_profit_lower"] > 0).sum())
    case = "all" if n_pay == len(known) else "some" if n_pay else "none"
    said = {"n": n_pay, "campaigns": len(known), "as_of": found.period.as_of}

    def draw(ax: Any, words: Words, style: Style) -> None:
        unit = MoneyUnit.for_column(known[_MONEY].to_numpy().ravel(), currency=words.currency)
        places = np.arange(len(known), dtype=float)
        marks = (("profit", style.greys[1], -0.17, 4.5), ("shrunk_profit", style.accent, 0.17, 6.0))
        for name, colour, shift, size in marks:
            low, high = (known[f"{name}{end}"] / unit.divisor for end in ("_lower", "_upper"))
            ax.hlines(places + shift, low, high, color=colour, linewidth=1.6)
            ax.plot(known[name] / unit.divisor, places + shift, "o", color=colour, markersize=size)
        ax.axvline(0, color=style.ink, linewidth=0.8)
        # Named once, right of the first row.
        end = float(known[["profit_upper", "shrunk_profit_upper"]].iloc[0].max()) / unit.divisor
        for name, colour, shift, _ in marks:
            ax.annotate(
                words.label(f"campaigns.chart.{name}"),
                (end, float(places[0] + shift)),
                xytext=(8, -12 * shift),
                textcoords="offset points",
                va="center",
                color=colour if name == "shrunk_profit" else style.greys[0],
                fontweight="bold" if name == "shrunk_profit" else "normal",
            )
        names = [words.format(name, "name:campaign_name", area="campaigns") for name in known["campaign_id"]]
        ax.set_yticks(places, [_short(name) for name in names])
        ax.set_ylim(len(known) - 0.5, -0.5)
        left, right = ax.get_xlim()
        # Room for the names of the marks.
        ax.set_xlim(left, max(right, end + 0.2 * (right - left)))
        ax.xaxis.set_major_locator(few_ticks())
        ax.xaxis.set_major_formatter(lambda value, _: words.format(value, "count"))
        ax.set_xlabel(unit.header(words.lang))

    return Chart(
        "campaigns.profits",
        draw,
        title=Text(f"campaigns.chart.title.{case}", **said),
        subtitle=Text("campaigns.chart.subtitle"),
        note=Text("campaigns.chart.note", **said),
        alt=Text(f"campaigns.chart.alt.{case}", **said),
        height=0.5 + 0.3 * len(known),
    )


def _short(name: str, length: int = 26) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def luck(found: CampaignProgramme) -> list[Note]:
    """What the campaign that measured the largest profit owes to having been the best.

    Of campaigns a lot decided: the profit of others is drawn to no mean.
    """
    undrawn = {each.plan.campaign_id for each in found.evaluations if is_undrawn(each)}
    known = [row for row in _known(found).to_dict("records") if row["campaign_id"] not in undrawn]
    if len(known) <= 1:
        return [Note(Text("campaigns.luck.single")) for _ in known]
    best = max(known, key=lambda row: row["profit"])
    pulled = best["profit"] - best["shrunk_profit"]
    # Less than a hundredth of its own interval is nothing worth a sentence.
    least = 0.01 * (best["profit_upper"] - best["profit_lower"])
    case = "pulled" if pulled > least else "raised" if pulled < -least else "same"
    said = {"best": best["campaign_id"], "profit": best["profit"], "shrunk": best["shrunk_profit"]}
    return [Note(Text(f"campaigns.luck.{case}", **said, n=len(known)))]


def worth_table(found: CampaignProgramme) -> Table:
    """The chart's numbers."""
    return Table(
        WORTH,
        _known(found)[["campaign_id", "customers", "cost", *_MONEY]],
        (
            Column("campaign_id", "name:campaign_name"),
            Column("cost", "money", scale="profit"),
            Column("profit", "smoney", label="campaigns.column.measured_profit", scale="profit"),
            Column("shrunk_profit", "smoney", scale="profit"),
            Column("shrunk_profit_lower", "smoney", label="campaigns.column.lower", scale="profit"),
            Column("shrunk_profit_upper", "smoney", label="campaigns.column.upper", scale="profit"),
        ),
        title=Text("campaigns.worth.title"),
        note=Text("campaigns.worth.note", as_of=found.period.as_of),
    )


def total_note(found: CampaignProgramme) -> Note:
    """The programme's profit, each customer and purchase in it once."""
    assert found.total is not None
    total = found.total
    return Note(
        Text(
            f"campaigns.total.{total_case(found)}",
            profit=total.profit,
            lower=total.profit_lower,
            upper=total.profit_upper,
            margin=total.revenue,
            cost=total.cost,
            source=_source(found),
        )
    )


def _source(found: CampaignProgramme) -> Text:
    if found.holdout is not None:
        return Text("campaigns.total.source.holdout", n=found.holdout.n_control)
    for row in found.groups.to_dict("records"):
        if row["outcome"] == "untested":
            return Text("campaigns.total.source.untested", n=row["campaigns"], cost=row["cost"])
    return Text("campaigns.total.source.campaigns")


def groups_table(found: CampaignProgramme) -> Table:
    """Campaigns by what is known of their profit, and the programme's total."""
    source = "holdout" if found.holdout is not None else "campaigns"
    return Table(
        GROUPS,
        found.groups,
        (
            Column("outcome", "label:outcome"),
            Column("campaigns", "count"),
            Column("cost", "money", scale="profit"),
            Column("cost_share", "pct", bar=True),
            Column("margin", "smoney", scale="profit"),
            Column("profit", "smoney", scale="profit"),
            Column("profit_lower", "smoney", label="campaigns.column.lower", scale="profit"),
            Column("profit_upper", "smoney", label="campaigns.column.upper", scale="profit"),
        ),
        title=Text("campaigns.groups.title"),
        note=Text(f"campaigns.groups.note.{source}", as_of=found.period.as_of),
    )
