"""Campaigns that met the same customers: revenue counted once, and effects told apart."""

from __future__ import annotations

import pandas as pd

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.told_apart import LEAST_SHARED
from crmreport.analysis.ledger import round_money
from crmreport.present import Column, Note, Table, Text

COUNTED, APART = "campaigns.counted", "campaigns.apart"
# Revenue claimed twice below this share is not worth a sentence.
_LITTLE = 0.005


def overlap(found: CampaignProgramme) -> list[Note | Table]:
    """How often revenue is claimed, and what telling campaigns apart changes; nothing without two."""
    if found.counted is None or len(found.table) < 2:
        return []
    return [_counted_note(found), _counted_table(found), *_apart(found)]


def _counted_note(found: CampaignProgramme) -> Note:
    counted = found.counted
    assert counted is not None
    if not counted.revenue > 0:
        return Note(Text("campaigns.counted.nothing"))
    case = "overlap" if counted.inflation > 1 + _LITTLE else "none"
    said = {"sum": counted.sum_of_campaigns, "once": counted.revenue, "inflation": counted.inflation}
    return Note(Text(f"campaigns.counted.{case}", **said, extra=counted.inflation - 1))


def _counted_table(found: CampaignProgramme) -> Table:
    counted = found.counted
    assert counted is not None
    order = {name: i for i, name in enumerate(found.table["campaign_id"])}
    rows = counted.table.sort_values("campaign_id", key=lambda ids: ids.map(order), ignore_index=True)
    ends = pd.DataFrame(
        {"campaign_id": ["_sum", "_once"], "revenue": [counted.sum_of_campaigns, counted.revenue]}
    )
    frame = round_money(pd.concat([rows, ends], ignore_index=True), "revenue", "shared_revenue")
    return Table(
        COUNTED,
        frame.astype({"customers": "Int64"}),
        (
            Column("campaign_id", "name:campaign_name"),
            Column("customers", "count", label="campaigns.column.sent_to"),
            Column("revenue", "money", label="campaigns.column.window_revenue"),
            Column("shared_revenue", "money"),
        ),
        title=Text("campaigns.counted.title"),
        note=Text("campaigns.counted.note", inflation=counted.inflation, as_of=found.period.as_of),
        max_rows=14,
    )


def _apart(found: CampaignProgramme) -> list[Note | Table]:
    pairs = found.apart
    assert found.counted is not None
    if pairs.empty:
        met = found.counted.inflation > 1 + _LITTLE
        return [Note(Text("campaigns.apart.nobody", least=LEAST_SHARED))] if met else []
    outside = (pairs["plain"] < pairs["apart_lower"]) | (pairs["plain"] > pairs["apart_upper"])
    moved = pairs[outside & pairs["apart"].notna()]
    told = pairs["apart"].notna().any()
    note = Text("campaigns.apart.same") if told else None
    if len(moved):
        most = moved.iloc[int((moved["plain"] - moved["apart"]).abs().to_numpy().argmax())]
        note = Text(
            "campaigns.apart.moved",
            campaign=most["campaign_id"],
            other=most["other_id"],
            plain=most["plain"],
            apart=most["apart"],
        )
    elif not told and (pairs["withheld"] == "same_customers").any():
        note = Text("campaigns.apart.inseparable")
    picked = pairs[pairs["withheld"] == "picked_by_other"]
    why = ()
    if len(picked):
        first = picked.iloc[0]
        said = {"campaign": first["campaign_id"], "other": first["other_id"]}
        why = (Note(Text("campaigns.apart.picked", **said)),)
    withheld = (Column("withheld", "label:withheld"),) if pairs["withheld"].notna().any() else ()
    return [
        *([Note(note)] if note is not None else []),
        *why,
        Table(
            APART,
            pairs,
            (
                Column("campaign_id", "name:campaign_name"),
                Column("other_id", "name:campaign_name"),
                Column("customers", "count", label="campaigns.column.shared_customers"),
                Column("both", "count"),
                Column("plain", "smoney"),
                Column("apart", "smoney"),
                Column("apart_lower", "smoney", label="campaigns.column.lower"),
                Column("apart_upper", "smoney", label="campaigns.column.upper"),
                *withheld,
            ),
            title=Text("campaigns.apart.title"),
            note=Text("campaigns.apart.note", least=LEAST_SHARED, as_of=found.period.as_of),
            key=("campaign_id", "other_id"),
        ),
    ]
