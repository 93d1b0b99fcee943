"""How often customers are written to, over all campaigns and channels."""

from __future__ import annotations

from typing import Any

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.contact_pressure import ContactPressure
from crmreport.present import Chart, Column, Note, Style, Table, Text, Words

PRESSURE = "campaigns.pressure"
_FEW_GROUPS = 2


def pressure(found: CampaignProgramme) -> list[Chart | Note | Table]:
    """Messages per customer: a sentence, bars and the table; nothing where nothing was sent."""
    pressed = found.pressure
    if not pressed.n_customers:
        return []
    chart = [pressure_chart(pressed, found.months)] if len(pressed.table) >= _FEW_GROUPS else []
    return [*chart, _note(pressed, found.months), _table(pressed)]


def _note(pressed: ContactPressure, months: int) -> Note:
    top = pressed.table.iloc[-1]
    said = {"n": pressed.n_customers, "mean": pressed.mean, "largest": pressed.largest, "months": months}
    if len(pressed.table) < _FEW_GROUPS:
        return Note(Text("campaigns.pressure.alike", **said))
    rest = {"group": top["messages"], "customers": int(top["customers"]), "share": top["customer_share"]}
    return Note(Text("campaigns.pressure.spread", **said, **rest, sent_share=top["sent_share"]))


def pressure_chart(pressed: ContactPressure, months: int) -> Chart:
    """Customers by how many messages they were sent."""
    shown = pressed.table.to_dict("records")
    # The group most customers are in is the message.
    most = max(shown, key=lambda row: row["customers"])
    said = {"group": most["messages"], "share": most["customer_share"], "months": months}

    def draw(ax: Any, words: Words, style: Style) -> None:
        for i, row in enumerate(shown):
            n, is_most = row["customers"], row is most
            ax.barh(i, n, height=0.62, color=style.accent if is_most else style.greys[2])
            ax.annotate(
                words.say(Text("campaigns.pressure.bar", n=n, share=row["customer_share"])),
                (n, i),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=style.accent if is_most else style.ink,
                fontweight="bold" if is_most else "normal",
            )
        names = [words.label(f"campaigns.messages.{row['messages']}") for row in shown]
        ax.set_yticks(range(len(shown)), names)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set_xlim(0, float(most["customers"]) * 1.3)
        ax.xaxis.set_visible(False)
        ax.spines[["bottom", "left"]].set_visible(False)

    return Chart(
        "campaigns.pressure_chart",
        draw,
        title=Text("campaigns.pressure.chart_title", **said),
        subtitle=Text("campaigns.pressure.subtitle", since=pressed.since, as_of=pressed.as_of),
        note=Text("campaigns.pressure.chart_note", n=pressed.n_customers),
        alt=Text("campaigns.pressure.alt", **said),
        height=0.45 + 0.3 * len(shown),
    )


def _table(pressed: ContactPressure) -> Table:
    return Table(
        PRESSURE,
        pressed.table,
        (
            Column("messages", "label:messages"),
            Column("customers", "count"),
            Column("customer_share", "pct", bar=True),
            Column("sent", "count"),
            Column("sent_share", "pct"),
        ),
        title=Text("campaigns.pressure.title", since=pressed.since, as_of=pressed.as_of),
        note=Text("campaigns.pressure.note", since=pressed.since, as_of=pressed.as_of),
        totals={
            "messages": Text("campaigns.total_row"),
            "customers": pressed.n_customers,
            "customer_share": 1.0,
            "sent": pressed.n_messages,
            "sent_share": 1.0,
        },
    )
