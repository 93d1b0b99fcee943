"""Chapter messages, what stands first: the heading, and what the figures are not."""

from __future__ import annotations

from typing import Any

from crmreport.analysis.messages.message_response import MessageResponse
from crmreport.analysis.messages.response_changes import Leader, ResponseChanges
from crmreport.period import Period
from crmreport.present.message import Message, Note
from crmreport.present.text import Text

# A rate that fell by less than this share of itself is no headline, however sure the fall is.
_LEAST_FALL = 0.1
_TOLD = ("click_rate", "conversion_rate")


def message(
    changes: ResponseChanges, clicks: Leader | None, conversions: Leader | None, *, months: int
) -> Message:
    """The chapter's heading: a rate that clearly fell, else the channel that leads, else that none does.

    Args:
        changes: The period against the one before.
        clicks: The channel with most clicks over the last months.
        conversions: The channel with most purchases over the last months.
        months: How many months these are.
    """
    table = changes.table
    fell = table[(table["verdict"] == "lower") & table["rate"].isin(_TOLD)]
    fell = fell[-fell["difference"] >= _LEAST_FALL * fell["before"]]
    if len(fell):
        worst = fell.assign(by=fell["difference"] / fell["before"]).sort_values("by").iloc[0]
        values = {"channel": worst["channel"], "rate": worst["rate"], "now": worst["now"]}
        return _said("fell", **values, gap=worst["difference"])
    leaders = {"click_rate": clicks, "conversion_rate": conversions}
    clear = {rate: leader for rate, leader in leaders.items() if leader is not None and leader.clear}
    if len(clear) == 2 and len({leader.channel for leader in clear.values()}) == 1:
        first, second = clear["click_rate"], clear["conversion_rate"]
        values = {"clicks": first.value, "bought": second.value, "months": months}
        return _said("leads_both", channel=first.channel, **values)
    for rate, leader in clear.items():
        return _said("leads", channel=leader.channel, rate=rate, now=leader.value, months=months)
    for rate, leader in leaders.items():
        if leader is not None and leader.n_channels == 1:
            return _said("one", channel=leader.channel, rate=rate, now=leader.value, months=months)
    return _said("alike" if clicks or conversions else "nothing", months=months)


def _said(case: str, **values: Any) -> Message:
    return Message("messages.message", Text(f"messages.message.{case}", **values), Text("messages.method"))


def no_effect(response: MessageResponse, within: Period) -> list[Note]:
    """That a response is no effect; and what the figures leave out, where there is anything."""
    notes = [Note(Text("messages.no_effect"))]
    table = response.by(within=within)
    opens, machine = table["opened"].sum(), table["machine_opened"].sum()
    if machine > 0:
        notes.append(Note(Text("messages.machine", share=machine / (opens + machine), n=int(machine))))
    if response.followed_to < response.as_of:
        notes.append(Note(Text("messages.data_end", last=response.followed_to)))
    if "other" in set(table["channel"]):
        sent = int(table.loc[table["channel"] == "other", "sent"].sum())
        notes.append(Note(Text("messages.undescribed", n=sent)))
    return notes
