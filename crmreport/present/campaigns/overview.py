"""The chapter's message, and every campaign of the period in one table."""

from __future__ import annotations

from typing import Any, Literal

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.verdict import LIKELY, UNLIKELY
from crmreport.present import Column, Message, Note, Table, Text
from crmreport.present.observation import unobserved

EVERY, GROUPS = "campaigns.every", "campaigns.groups"


def message(found: CampaignProgramme) -> Message:
    """How many campaigns ran, how many proved profitable, and what all earned together."""
    said: dict[str, Any] = {"months": found.months, "campaigns": len(found.table)}
    if found.table.empty:
        return _said("nothing" if found.n_plans else "unset", **said)
    if found.total is None:
        return _said("running", **said)
    groups = found.groups.set_index("outcome")["campaigns"]
    if set(groups.index) <= {"untested", "running", "total"}:
        return _said("untested", **said)
    earning = int(groups.get("earning", 0))
    said |= {"earning": earning, "profit": found.total.profit, "loss": -found.total.profit}
    return _said(f"{'some' if earning else 'none'}_{total_case(found)}", **said)


def data_end(found: CampaignProgramme) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    return [] if found.table.empty else unobserved(found.observed, Text("campaigns.unobserved"))


def _said(case: str, **values: Any) -> Message:
    return Message("campaigns.message", Text(f"campaigns.message.{case}", **values), Text("campaigns.method"))


def total_case(found: CampaignProgramme) -> Literal["profit", "loss", "open"]:
    """Whether the programme's profit is above or below 0 beyond doubt."""
    assert found.total is not None
    if found.total.p_positive >= LIKELY:
        return "profit"
    return "loss" if found.total.p_positive <= UNLIKELY else "open"


def every_campaign(found: CampaignProgramme) -> list[Table | Note]:
    """Verdicts of all campaigns that touched the months; a note where there is none."""
    if found.table.empty:
        case = "nothing" if found.n_plans else "unset"
        return [Note(Text(f"campaigns.every.{case}", since=found.since, as_of=found.period.as_of))]
    return [_told(found), _verdicts(found), *_areas(found), *_unplanned(found)]


def _told(found: CampaignProgramme) -> Note:
    """How many campaigns got which verdict."""
    verdicts = found.table["verdict"].replace("roll_out_to_segments", "roll_out").value_counts()
    counts = {name: int(verdicts.get(name, 0)) for name in ("roll_out", "keep_testing", "stop", "cannot_say")}
    return Note(Text("campaigns.every.said", **counts))


def _unplanned(found: CampaignProgramme) -> list[Note]:
    """Campaigns left unevaluated for an arm their plan does not know, or a place without sales."""
    notes = []
    for each in found.evaluations:
        if each.judged.reason == "not_evaluable":
            said = {"campaign": each.plan.campaign_id}
            unknown = {"arm" if each.plan.area is None else "place": ", ".join(each.judged.details)}
            case = "unplanned" if each.plan.area is None else "unsold"
            notes.append(Note(Text(f"campaigns.every.{case}", **said, **unknown)))
    return notes


def _areas(found: CampaignProgramme) -> list[Note]:
    """How campaigns that were sent to nobody are to be read in the table; nothing without one."""
    names = [each.plan.campaign_id for each in found.evaluations if each.plan.area is not None]
    if not names:
        return []
    case = "one" if len(names) == 1 else "several"
    return [Note(Text(f"campaigns.every.areas.{case}", campaign=names[0], n=len(names)))]


def _verdicts(found: CampaignProgramme) -> Table:
    return Table(
        EVERY,
        found.table,
        (
            Column("campaign_id", "name:campaign_name"),
            Column("grade", "label:campaign_terms.grade"),
            Column("verdict", "label:campaign_terms.verdict"),
            Column("profit", "smoney", scale="profit"),
            Column("profit_lower", "smoney", scale="profit", bare=True),
            Column("profit_upper", "smoney", scale="profit", bare=True),
            Column("reason", "label:campaign_terms.reason"),
        ),
        title=Text("campaigns.every.title", months=found.months),
        note=Text("campaigns.every.note", since=found.since, as_of=found.period.as_of),
    )
