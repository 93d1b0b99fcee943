"""Campaigns that met the same customers: revenue counted once, and effects told apart."""

from __future__ import annotations

import pandas as pd

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.overlap import CountedOnce
from crmreport.analysis.campaign.told_apart import LEAST_SHARED
from crmreport.analysis.ledger import round_money
from crmreport.present import Column, Note, Table, Text

COUNTED, APART = "campaigns.counted", "campaigns.apart"
_TWO = 2
# Revenue claimed twice below this share is not worth a sentence.
_LITTLE = 0.005


def overlap(found: CampaignProgramme) -> list[Note | Table]:
    """What was sent and bought, how often revenue is claimed, and what telling campaigns apart changes.

    Nothing without campaigns; with one, nothing is claimed twice.
    """
    if found.table.empty:
        return []
    if found.counted is None or len(found.table) < _TWO:
        return [_sent_table(found, found.counted)]
    return [_counted_note(found), _sent_table(found, found.counted), *_apart(found)]


def _counted_note(found: CampaignProgramme) -> Note:
    counted = found.counted
    assert counted is not None
    if not counted.revenue > 0:
        return Note(Text("campaigns.counted.nothing"))
    case = "overlap" if counted.inflation > 1 + _LITTLE else "none"
    said = {"sum": counted.sum_of_campaigns, "once": counted.revenue, "inflation": counted.inflation}
    return Note(Text(f"campaigns.counted.{case}", **said, extra=counted.inflation - 1))


def _sent_table(found: CampaignProgramme, counted: CountedOnce | None) -> Table:
    """Where, when and to whom, and what they bought in the windows; added up and once where there are two."""
    names = ["campaign_id", "channel", "start", "end", "window_end", "customers", "held_out", "cost"]
    frame, case, revenue = found.table[names].assign(held_out=_held_out(found)), "one", []
    if counted is not None:
        bought = counted.table[["campaign_id", "revenue", "shared_revenue"]]
        frame = frame.merge(bought, on="campaign_id", how="left", validate="one_to_one")
        label = "campaigns.column.window_revenue"
        revenue = [Column("revenue", "money", label=label, scale="amount")]
    if counted is not None and len(frame) >= _TWO:
        case = "several"
        revenue.append(Column("shared_revenue", "money", scale="amount", bare=True))
        ends = {"campaign_id": ["_sum", "_once"], "revenue": [counted.sum_of_campaigns, counted.revenue]}
        frame = pd.concat([frame, pd.DataFrame(ends)], ignore_index=True)
    frame = round_money(frame, *(column.name for column in revenue))
    return Table(
        COUNTED,
        frame.astype({"customers": "Int64", "held_out": "Int64"}),
        (
            Column("campaign_id", "name:campaign_name"),
            Column("channel", "name:campaign_terms.channel"),
            Column("start", "date"),
            Column("window_end", "date"),
            Column("customers", "count", label="campaigns.column.sent_to"),
            Column("held_out", "count"),
            Column("cost", "money", scale="amount"),
            *revenue,
        ),
        title=Text("campaigns.counted.title"),
        note=Text(
            f"campaigns.counted.note.{case}",
            inflation=counted and counted.inflation,
            as_of=found.period.as_of,
        ),
        max_rows=14,
    )


def _held_out(found: CampaignProgramme) -> pd.Series:
    """The control; where no lot made one, the customers compared with, blank as long as there are none."""
    numbers = found.table["held_out"].copy()
    for place, each in enumerate(found.evaluations):
        if each.not_randomised is not None:
            numbers.iloc[place] = each.not_randomised.adjusted.naive.n_control
        elif not each.plan.randomised and each.plan.control is None:
            numbers.iloc[place] = pd.NA
    return numbers


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
