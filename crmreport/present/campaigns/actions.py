"""What to do about the programme: losses to end, spending nobody can judge, questions left open."""

from __future__ import annotations

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.present import Cell, Fact, Finding
from crmreport.present.campaigns.log import CARRIED, STATUSES, statuses
from crmreport.present.campaigns.overview import EVERY, GROUPS

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
    broken = dearest["reason"] in _BROKEN
    facts["advice"] = Fact("repair" if broken else "hold_out")
    measure = "fix_assignment" if broken else "retest_campaign"
    return Finding("campaigns.untested", "warning", facts, measure, case=case)


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
