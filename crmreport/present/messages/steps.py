"""Chapter messages, step mails: who gets each step, responds and buys before the next one."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmreport.analysis.messages.step_funnel import StepFunnel
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

STEPS = "messages.steps"
CAMPAIGN = "name:campaign_name"
_CHARTS = 2


def steps(funnel: StepFunnel) -> list[Chart | Table | Note]:
    """Charts and table of the step mails; a sentence where none is over, nothing where there is none."""
    if funnel.table.empty:
        underway = sum(funnel.n_underway.values())
        return [Note(Text("messages.steps.underway", n=underway))] if underway else []
    entered = funnel.table[funnel.table["step"] == 1].sort_values("sent", ascending=False)
    largest = entered["campaign_id"].tolist()[:_CHARTS]
    charts = [steps_chart(funnel, name, place=place) for place, name in enumerate(largest, 1)]
    return [*charts, steps_table(funnel)]


def steps_chart(funnel: StepFunnel, campaign: str, *, place: int = 1) -> Chart:
    """Customers by step: sent to, clicked, bought before the next step; later steps marked as selected."""
    rows = funnel.table[funnel.table["campaign_id"] == campaign].reset_index(drop=True)
    first, last = rows.iloc[0], rows.iloc[-1]
    parts = [part for part in ("sent", "clicked", "converted") if rows[part].notna().any()]

    def draw(ax: Any, words: Words, style: Style) -> None:
        colours = {"sent": style.greys[3], "clicked": style.greys[1], "converted": style.accent}
        height = 0.8 / len(parts)
        y = np.arange(len(rows))[::-1].astype(float)
        for i, part in enumerate(parts):
            at = y + 0.4 - height * (i + 0.5)
            ax.barh(at, rows[part], height=height * 0.92, color=colours[part])
            for where, value in zip(at, rows[part], strict=True):
                said = words.say(Text(f"messages.steps.bar.{part}", n=value))
                ink = style.accent if part == "converted" else style.ink
                ax.annotate(said, (value, where), xytext=(4, 0), textcoords="offset points",
                            va="center", color=ink)  # fmt: skip
        case = rows["is_selected"].map({True: "selected", False: "all"})
        names = [
            words.say(Text(f"messages.steps.name.{which}", step=int(step)))
            for which, step in zip(case, rows["step"], strict=True)
        ]
        ax.set_yticks(y, names)
        ax.set_xlim(0, float(rows["sent"].max()) * 1.3)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)

    return Chart(
        f"messages.steps_{place}",
        draw,
        title=Text(
            "messages.steps.title",
            campaign=campaign,
            last=int(last["step"]),
            share=float(last["of_entered"]),
            bought=float(rows["converted_of_entered"].sum()),
        ),
        subtitle=Text("messages.steps.subtitle", n=int(first["sent"])),
        note=Text(
            "messages.steps.note",
            n=int(first["sent"]),
            days=funnel.conversion_days,
            flow=funnel.flow_days[campaign],
            underway=funnel.n_underway[campaign],
        ),
        alt=Text("messages.steps.alt", steps=len(rows), n=int(first["sent"]), last=int(last["sent"])),
        height=0.35 + 0.38 * len(rows),
    )


def steps_table(funnel: StepFunnel) -> Table:
    """Every step: how many of those who entered got it, and what they did."""
    frame = funnel.table.copy()
    frame["selected"] = frame["is_selected"].map({True: "selected", False: "all"})
    case = "one" if frame["campaign_id"].nunique() == 1 else "several"
    return Table(
        STEPS,
        frame,
        (
            *([Column("campaign_id", CAMPAIGN)] if case == "several" else []),
            Column("step", "count"),
            Column("sent", "count", label="messages.column.step_customers"),
            Column("of_entered", "pct"),
            Column("selected", "label:selected"),
            Column("click_rate", "pct"),
            Column("conversion_rate", "pct", label="messages.column.step_conversion"),
            Column("converted_of_entered", "pct"),
            Column("same_before_rate", "pct"),
            Column("same_rate", "pct"),
        ),
        title=Text(f"messages.steps.table.{case}", campaign=frame["campaign_id"].iloc[0]),
        note=Text(
            "messages.steps.table_note",
            days=funnel.conversion_days,
            tests=int(frame["p_holm"].notna().sum()),
            underway=sum(funnel.n_underway.values()),
        ),
        key=("campaign_id", "step"),
    )
