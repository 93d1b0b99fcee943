"""How often customers are written to, over all campaigns and channels."""

from __future__ import annotations

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.contact_pressure import ContactPressure
from crmreport.present import Column, Note, Table, Text

PRESSURE = "campaigns.pressure"
_FEW_GROUPS = 2


def pressure(found: CampaignProgramme) -> list[Note | Table]:
    """Messages per customer: a sentence and the table; nothing where nothing was sent."""
    if not found.pressure.n_customers:
        return []
    return [_note(found.pressure, found.months), _table(found.pressure)]


def _note(pressed: ContactPressure, months: int) -> Note:
    said = {"n": pressed.n_customers, "mean": pressed.mean, "largest": pressed.largest, "months": months}
    if len(pressed.table) < _FEW_GROUPS:
        return Note(Text("campaigns.pressure.alike", **said))
    top, most = pressed.table.iloc[-1], pressed.table.iloc[int(pressed.table["customers"].argmax())]
    said |= {"most": most["messages"], "most_share": most["customer_share"]}
    said |= {"group": top["messages"], "customers": int(top["customers"]), "sent_share": top["sent_share"]}
    case = "busiest_most" if most["messages"] == top["messages"] else "spread"
    return Note(Text(f"campaigns.pressure.{case}", **said))


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
