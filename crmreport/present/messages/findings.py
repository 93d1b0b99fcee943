"""Chapter messages, findings: unsubscribes that rose, steps that lose readers, carts still waiting."""

from __future__ import annotations

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
) -> list[Finding]:
    """What is worth doing about messages and carts."""
    return [*_leavers(changes), *_steps(funnel), *_carts(carts, waiting)]


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


def _carts(carts: CartAbandonment | None, waiting: OpenCarts | None) -> list[Finding]:
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
    listed = waiting.customers.copy()
    listed.insert(1, "reason", "open_cart")
    return [
        Finding(
            "messages.cart_recovery",
            "opportunity",
            facts,
            "cart_reminder",
            money=waiting.value,
            case="plain" if waiting.value is None else "priced",
            customers=ActionList(listed.drop(columns="value") if waiting.value is None else listed),
        )
    ]
