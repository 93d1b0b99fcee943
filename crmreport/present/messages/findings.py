"""Chapter messages, findings: unsubscribes that rose, steps that lose readers, carts still waiting."""

from __future__ import annotations

from collections.abc import Sequence

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.messages.cart import CartAbandonment
from crmreport.analysis.messages.open_carts import OpenCarts
from crmreport.analysis.messages.response_changes import ResponseChanges
from crmreport.analysis.messages.step_funnel import StepFunnel, clear_drops
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.messages.carts import CARTS, OPEN, recovery
from crmreport.present.messages.channels import CHANGES, changes_table
from crmreport.present.messages.steps import STEPS

_FEW = 5


def findings(
    changes: ResponseChanges,
    funnel: StepFunnel,
    carts: CartAbandonment | None = None,
    waiting: OpenCarts | None = None,
    *,
    campaigns: Sequence[CampaignPlan] = (),
) -> list[Finding]:
    """What is worth doing about messages and carts.

    Args:
        changes: Rates of the period beside those before.
        funnel: Step mails.
        carts: Carts left, by month; None without a web log.
        waiting: Carts that wait at the as-of date; None without a web log.
        campaigns: Campaigns as planned: one for carts that ran in these months is named, not proposed anew.
    """
    return [*_leavers(changes), *_steps(funnel), *_carts(carts, waiting, campaigns)]


def _leavers(changes: ResponseChanges) -> list[Finding]:
    table = changes_table(changes).frame
    rose = table[(table["rate"] == "unsubscribe_rate") & (table["verdict"] == "higher")]
    if rose.empty:
        return []
    row = rose.sort_values(["difference", "channel"], ascending=[False, True]).iloc[0]
    key = (row["channel"], row["rate"])

    def fact(column: str) -> Fact:
        return Fact(row[column], Cell(CHANGES, key, column))

    facts = {name: fact(name) for name in ("now", "before", "count", "out_of")}
    return [
        Finding(
            "messages.unsubscribe_rise",
            "warning",
            {"channel": Fact(row["channel"]), **facts},
            "message_review",
        )
    ]


def _steps(funnel: StepFunnel) -> list[Finding]:
    drops = clear_drops(funnel)
    if drops.empty:
        return []
    row = drops.iloc[0]
    key = (row["campaign_id"], row["step"])

    def fact(column: str) -> Fact:
        return Fact(row[column], Cell(STEPS, key, column))

    facts = {
        "campaign": Fact(row["campaign_id"]),
        "step": Fact(int(row["step"]), Cell(STEPS, key, "step")),
        "both": fact("both"),
        "before": fact("same_before_rate"),
        "rate": fact("same_rate"),
        "gap": fact("same_difference"),
    }
    return [Finding("messages.step_drop", "warning", facts, "message_review")]


def _carts(
    carts: CartAbandonment | None, waiting: OpenCarts | None, campaigns: Sequence[CampaignPlan]
) -> list[Finding]:
    if carts is None or waiting is None or len(waiting.customers) < _FEW:
        return []
    back = recovery(carts.table)
    if back is None:
        return []
    facts = {
        name: Fact(back[name], Cell(CARTS, (back["month"],), name))
        for name in ("month", "abandoned", "abandonment_rate", "recovery_rate")
    }
    facts["customers"] = Fact(len(waiting.customers), Cell(OPEN, ("all",), "customers"))
    if waiting.value is not None:
        facts["value"] = Fact(waiting.value, Cell(OPEN, ("all",), "value"))
    facts["days"] = Fact(carts.recovery_days)
    case = "plain" if waiting.value is None else "priced"
    runs = _cart_campaign(carts, campaigns)
    if runs is not None:
        facts["campaign"] = Fact(runs.campaign_id)
        case = f"known.{case}"
    listed = waiting.customers.copy()
    listed.insert(1, "reason", "open_cart")
    return [
        Finding(
            "messages.cart_recovery",
            "opportunity",
            facts,
            "cart_reminder" if runs is None else "message_review",
            # What a campaign that runs already brings is told by its own evaluation.
            money=waiting.value if runs is None else None,
            case=case,
            campaigns={} if runs is None else {runs.campaign_id: None},
            customers=ActionList(listed.drop(columns="value") if waiting.value is None else listed),
        )
    ]


def _cart_campaign(carts: CartAbandonment, campaigns: Sequence[CampaignPlan]) -> CampaignPlan | None:
    """The latest campaign sent after carts were left in these months; None where there is none."""
    first = carts.table["month"].min().date()
    ran = [one for one in campaigns if one.kind == "cart" and one.start <= carts.as_of and one.end >= first]
    return max(ran, key=lambda one: (one.start, one.campaign_id), default=None)
