"""What to do about the programme: losses to end, spending nobody can judge, questions left open."""

from __future__ import annotations

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
        "stop_campaign",
        money=-sum(row["profit"] for row in losing),
        case="one" if len(losing) == 1 else "several",
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
        return Finding("campaigns.untested", "warning", facts, "data_fix", case="arms")
    facts["reason"] = Fact(dearest["reason"])
    # Their cost is no profit or loss: no money is said to be at stake.
    each = next(e for e in found.evaluations if e.plan.campaign_id == dearest["campaign_id"])
    advice, measure = _advice(each)
    facts["advice"] = Fact(advice)
    return Finding("campaigns.untested", "warning", facts, measure, case=case)


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
    rows = {row["status"]: row for row in statuses(found).to_dict("records")}
    facts = {
        name: Fact(rows["next"][name], Cell(STATUSES, ("next",), name)) for name in ("campaigns", "cost")
    }
    case = "new"
    if "carried" in rows:
        case = "older"
        facts["older"] = Fact(rows["carried"]["campaigns"], Cell(STATUSES, ("carried",), "campaigns"))
    return Finding("campaigns.carried", "opportunity", facts, "retest_campaign", case=case)
