"""What to do with the campaign: one finding per verdict, its numbers standing in the tables above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.money import Profit
from crmreport.analysis.campaign.next_send import NextSend
from crmreport.analysis.ledger import to_pandas
from crmreport.present.campaign.area import area_findings
from crmreport.present.campaign.design import DEPARTURES
from crmreport.present.campaign.guardrails import GUARDRAILS
from crmreport.present.campaign.money import MONEY, PAYS
from crmreport.present.campaign.next_send import NEXT_SEND, planned_send
from crmreport.present.campaign.reading import deciding, difference_spec, profit_of, too_few
from crmreport.present.finding import ActionList, Cell, Fact, Finding, Measure, Severity

_ID = "campaign.verdict"
_BROKEN = ("assignment_broken", "duplicate_customers")
_FEW = 5


def findings(evaluation: Evaluation | None) -> list[Finding]:
    """The verdict as a finding; none while the test simply runs on."""
    if evaluation is None or evaluation.judged.reason == "still_running":
        return []
    about = evaluation.plan.campaign_id
    return [replace(each, campaigns={about: each.money}) for each in _verdict(evaluation)]


def _verdict(evaluation: Evaluation) -> list[Finding]:
    if evaluation.area is not None:
        return area_findings(evaluation, evaluation.area)
    judged, arm, profit = evaluation.judged, deciding(evaluation), profit_of(evaluation)
    if judged.verdict == "cannot_say":
        return [_cannot_say(evaluation)]
    if judged.reason in ("guardrail_harmed", "guardrail_open") and arm is not None:
        return _guardrail(evaluation, arm)
    if evaluation.running:
        return [_early(evaluation)]
    if profit is None:
        return []
    if judged.verdict == "roll_out_to_segments":
        return _to_segments(evaluation, arm)
    return [_by_profit(evaluation, arm, profit)]


def _facts(evaluation: Evaluation, **more: Fact) -> dict[str, Fact]:
    return {"campaign": Fact(evaluation.plan.campaign_id), **more}


def _money(item: str, value: float, column: str = "value") -> Fact:
    return Fact(value, Cell(MONEY, (item,), column))


def _by_profit(evaluation: Evaluation, arm: ArmEvaluation | None, profit: Profit) -> Finding:
    """Roll out, stop, or test again, by the profit."""
    judged = evaluation.judged
    severity: Severity = "warning" if judged.verdict == "stop" else "opportunity"
    measures: dict[str, Measure] = {
        "roll_out": "roll_out_campaign",
        "stop": "stop_campaign",
        "keep_testing": "retest_campaign",
    }
    facts = _facts(
        evaluation,
        profit=_money("profit", profit.profit),
        each=Fact(profit.profit / max(profit.n_treatment, 1), Cell(PAYS, ("profit_each",), "value")),
        lower=_money("profit", profit.lower, "lower"),
        upper=_money("profit", profit.upper, "upper"),
        revenue=_money("revenue", profit.revenue),
    )
    case = str(judged.reason)
    if case == "too_uncertain":
        case += ".drawn" if evaluation.not_randomised is None else ".chosen"
    listed = None
    if judged.verdict == "roll_out" and arm is not None:
        listed = _listed(planned_send(evaluation, arm))
    return Finding(
        _ID,
        severity,
        facts,
        measures.get(judged.verdict, "retest_campaign"),
        money=abs(profit.profit),
        case=case,
        customers=listed,
    )


def _to_segments(evaluation: Evaluation, arm: ArmEvaluation | None) -> list[Finding]:
    planned = None if arm is None else planned_send(evaluation, arm)
    listed = _listed(planned)
    if arm is None or planned is None or listed is None:
        return []
    chosen = planned.segments[planned.segments["send"]]
    facts = _facts(
        evaluation,
        customers=Fact(int(chosen["customers"].sum()), Cell(NEXT_SEND, ("(chosen)",), "customers")),
        profit=Fact(planned.profit, Cell(NEXT_SEND, ("(chosen)",), "profit")),
        whole=_money("profit", arm.profit.profit if arm.profit else float("nan")),
    )
    return [
        Finding(
            _ID,
            "opportunity",
            facts,
            "send_to_segments",
            money=planned.profit,
            case="to_segments",
            customers=listed,
        )
    ]


def _listed(planned: NextSend | None) -> ActionList | None:
    """Customers of segments that pay, with their expected profit; None where there are next to none."""
    if planned is None:
        return None
    rows = to_pandas(planned.customers)
    if len(rows) < _FEW:
        return None
    rows.insert(1, "reason", "expected_to_pay")
    return ActionList(rows)


def _guardrail(evaluation: Evaluation, arm: ArmEvaluation) -> list[Finding]:
    harmed = evaluation.judged.reason == "guardrail_harmed"
    outcome = "broken" if harmed else "not_shown"
    failed = [m for m, g in arm.guardrails.items() if g.outcome == outcome]
    # One that was stated and could not be measured is open too, and has no numbers.
    unmeasured = [m for m in evaluation.plan.guardrails if m not in arm.guardrails]
    metric = next(iter(failed + unmeasured), None)
    if metric is None:
        return []
    facts: dict[str, Any] = {"metric": Fact(metric)}
    for name in ("difference", "worst", "margin") if failed else ():
        cell = Cell(GUARDRAILS, (arm.arm, metric), name)
        facts[name] = Fact(getattr(arm.guardrails[metric], name), cell)
    kind = "rate" if failed and difference_spec(arm.effects[metric]) == "pt" else "other"
    return [
        Finding(
            _ID,
            "critical" if harmed else "opportunity",
            _facts(evaluation, **facts),
            "stop_campaign" if harmed else "retest_campaign",
            case=f"{evaluation.judged.reason}.{kind}",
        )
    ]


def _early(evaluation: Evaluation) -> Finding:
    """A running test already settled: nothing about its profit is told before its end."""
    measures: dict[str, Measure] = {"stop": "stop_campaign", "keep_testing": "retest_campaign"}
    measure = measures.get(evaluation.judged.verdict, "roll_out_campaign")
    return Finding(_ID, "info", _facts(evaluation), measure, case="early")


def _cannot_say(evaluation: Evaluation) -> Finding:
    reason = evaluation.judged.reason
    facts = _facts(evaluation)
    beside = None if evaluation.design is None else evaluation.design.as_planned
    if reason == "sent_otherwise" and beside is not None:
        facts |= {
            name: Fact(value, Cell(DEPARTURES, (item,), column))
            for name, value, item, column in (
                ("otherwise", beside.n_otherwise, "all", "customers"),
                ("share", beside.share, "all", "share"),
                ("moved", beside.n_moved, "moved", "customers"),
                ("uninvited", beside.n_uninvited, "uninvited", "customers"),
                ("absent", beside.n_absent, "absent", "customers"),
            )
        }
        return Finding(_ID, "critical", facts, "fix_assignment", case=str(reason))
    if reason in _BROKEN:
        code = "several_arms" if reason == "duplicate_customers" else "sample_ratio"
        if evaluation.design is not None and evaluation.design.blocks:
            code = evaluation.design.reasons[0].code
        facts["check"] = Fact(code)
        return Finding(_ID, "critical", facts, "fix_assignment", case=str(reason))
    if reason == "diagnostic_failed":
        facts["reasons"] = Fact(",".join(evaluation.judged.details))
        case = "few" if too_few(evaluation) else "chosen"
        return Finding(_ID, "warning", facts, "retest_campaign", case=f"{reason}.{case}")
    measure: Measure = "data_fix" if reason == "no_profit_known" else "retest_campaign"
    return Finding(_ID, "warning", facts, measure, case=str(reason))
