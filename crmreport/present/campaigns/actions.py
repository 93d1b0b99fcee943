"""What to do about the programme: losses to end, spending nobody can judge, questions left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.present import Cell, Fact, Finding
from crmreport.present.campaign.reading import too_few
from crmreport.present.campaigns.log import CARRIED, STATUSES, statuses
from crmreport.present.campaigns.overview import EVERY, GROUPS
from crmreport.present.finding import Measure

_BROKEN = ("sent_otherwise", "assignment_broken", "duplicate_customers")


def findings(found: CampaignProgramme) -> list[Finding]:
    """Campaigns that lose money, campaigns nobody can judge, hypotheses without an answer."""
    each = [_losing(found), _untested(found), _carried(found)]
    return [finding for finding in each if finding is not None]


def _group(found: CampaignProgramme, outcome: str, *columns: str) -> dict[str, Fact]:
    row = next(row for row in found.groups.to_dict("records") if row["outcome"] == outcome)
    return {name: Fact(row[name], Cell(GROUPS, (outcome,), name)) for name in columns}


def _losing(found: CampaignProgramme) -> Finding | None:
    losing = [row for row in found.table.to_dict("records") if row["outcome"] == "losing"]
    if not losing:
        return None
    worst = min(losing, key=lambda row: row["profit"])
    facts = _group(found, "losing", "campaigns", "cost", "cost_share")
    facts["worst"] = Fact(worst["campaign_id"])
    for name in ("profit", "profit_upper"):
        facts[f"worst_{name}"] = Fact(worst[name], Cell(EVERY, (worst["campaign_id"],), name))
    return Finding(
        "campaigns.losing",
        "warning",
        facts,
        "stop_places" if _all_of_places(found, losing) else "stop_campaign",
        money=-sum(row["profit"] for row in losing),
        case="one" if len(losing) == 1 else "several",
        campaigns={row["campaign_id"]: -row["profit"] for row in losing},
    )


def _untested(found: CampaignProgramme) -> Finding | None:
    untested = found.table[found.table["outcome"] == "untested"]
    if untested.empty:
        return None
    facts = _group(found, "untested", "campaigns", "cost")
    case = "free"
    if untested["cost"].sum() > 0:
        case = "one" if len(untested) == 1 else "several"
        facts |= _group(found, "untested", "cost_share")
    dearest = untested.sort_values("cost", ascending=False, kind="stable").iloc[0]
    facts["dearest"] = Fact(dearest["campaign_id"])
    if dearest["reason"] == "not_evaluable":
        facts.pop("cost_share", None)
        unnamed = untested.loc[untested["reason"] == "not_evaluable", "campaign_id"]
        return Finding(
            "campaigns.untested", "warning", facts, "data_fix", case="arms", campaigns=dict.fromkeys(unnamed)
        )
    facts["reason"] = Fact(dearest["reason"])
    advised = {
        each.plan.campaign_id: _advice(each)
        for each in found.evaluations
        if each.plan.campaign_id in set(untested["campaign_id"])
    }
    advice, measure = advised[dearest["campaign_id"]]
    facts["advice"] = Fact(advice)
    # Their cost is no profit or loss: no money is said to be at stake. The advice is for those it mends.
    mended = [name for name in untested["campaign_id"] if advised.get(name) == (advice, measure)]
    return Finding(
        "campaigns.untested", "warning", facts, measure, case=case, campaigns=dict.fromkeys(mended)
    )


def _advice(each: Evaluation) -> tuple[str, Measure]:
    """What makes the next sending of a campaign one that can be judged."""
    if each.judged.reason == "no_profit_known":
        return "margin", "data_fix"
    if each.judged.reason in _BROKEN:
        return "repair", "fix_assignment"
    if each.plan.area is not None:
        return "places", "retest_places"
    return "more" if too_few(each) else "hold_out", "retest_campaign"


def _carried(found: CampaignProgramme) -> Finding | None:
    carried = found.table[found.table["status"].isin(CARRIED)]
    if carried.empty:
        return None
    told = {row["status"]: row for row in statuses(found).to_dict("records")}
    facts = {
        name: Fact(told["next"][name], Cell(STATUSES, ("next",), name)) for name in ("campaigns", "cost")
    }
    case = "new"
    if "carried" in told:
        case = "older"
        facts["older"] = Fact(told["carried"]["campaigns"], Cell(STATUSES, ("carried",), "campaigns"))
    rows = carried.to_dict("records")
    return Finding(
        "campaigns.carried",
        "opportunity",
        facts,
        "retest_places" if _all_of_places(found, rows) else "retest_campaign",
        case=case,
        campaigns=dict.fromkeys(carried["campaign_id"]),
    )


def _all_of_places(found: CampaignProgramme, rows: Sequence[Mapping[Any, Any]]) -> bool:
    areas = {each.plan.campaign_id for each in found.evaluations if each.plan.area is not None}
    return all(row["campaign_id"] in areas for row in rows)
