"""The chapter's heading and the verdict in words: what to do, why, and how sure it is."""

from __future__ import annotations

import math

import pandas as pd

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.verdict import likely
from crmreport.present.campaign.area import area_message, area_verdict
from crmreport.present.campaign.reading import (
    arm_spec,
    deciding,
    direction,
    profit_of,
    revenue_effect,
    sizes,
    too_few,
)
from crmreport.present.message import Message, Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

_METHOD = Text("campaign.method")
# More names than this make no heading.
_NAMED = 3


def message(evaluation: Evaluation | None) -> Message:
    """The verdict as a sentence with its money; says so where there is no campaign to judge."""
    if evaluation is None:
        return Message("campaign.message", Text("campaign.message.no_campaign"), _METHOD, "sent")
    if evaluation.area is not None:
        return Message("campaign.message", area_message(evaluation, evaluation.area), _METHOD, "area")
    values: dict[str, object] = {"campaign": evaluation.plan.campaign_id}
    case = str(evaluation.judged.reason)
    profit = profit_of(evaluation)
    if profit is not None:
        values |= {
            "profit": profit.profit,
            "loss": -profit.profit,
            "each": profit.profit / profit.n_treatment,
        }
        values |= {"lower": profit.lower, "upper": profit.upper}
    if case in ("profit_unlikely", "no_profit_known"):
        effect = revenue_effect(evaluation)
        case += "." + direction(effect)
        values["effect"] = None if effect is None else effect.difference
    if case == "diagnostic_failed":
        case += ".few" if too_few(evaluation) else ".chosen"
    if case in ("segments_pay", "profit_unlikely_but_segments_pay"):
        case, values = _to_segments(evaluation, case, values)
    if case in ("guardrail_harmed", "guardrail_open"):
        values["metrics"] = _guardrails(evaluation, "broken" if case == "guardrail_harmed" else "not_shown")
    return Message("campaign.message", Text(f"campaign.message.{case}", **values), _METHOD, "sent")


def _to_segments(
    evaluation: Evaluation, case: str, values: dict[str, object]
) -> tuple[str, dict[str, object]]:
    names = evaluation.judged.segments
    values |= {"n": len(names), "segments": _joined(names)}
    arm = deciding(evaluation)
    if arm is None or arm.next_send is None:
        return f"{case}.alone", values
    values["expected"] = arm.next_send.profit
    return f"{case}.{'named' if len(names) <= _NAMED else 'many'}", values


def _joined(names: tuple[str, ...]) -> Text:
    """Several segments in one phrase, each by its own name."""
    said = Text("campaign.segment_named", segment=names[0])
    for name in names[1:]:
        said = Text("campaign.segments_and", before=said, segment=name)
    return said


def _guardrails(evaluation: Evaluation, outcome: str) -> str:
    arm = deciding(evaluation)
    found = [] if arm is None else [m for m, g in arm.guardrails.items() if g.outcome == outcome]
    return ",".join(found) or ",".join(evaluation.plan.guardrails)


def verdict(evaluation: Evaluation | None) -> list[Note | Table]:
    """Verdict, reason and grade of the evidence in words; whom was compared with whom; several arms."""
    if evaluation is None:
        return [Note(Text("campaign.no_campaign"))]
    if evaluation.area is not None:
        return [*area_verdict(evaluation, evaluation.area)]
    judged = evaluation.judged
    case = "cannot_say" if judged.verdict == "cannot_say" else "judged"
    said = Text(
        f"campaign.verdict.{case}",
        verdict=judged.verdict,
        why=Text(f"campaign_terms.reason_said.{judged.reason}{'_few' if too_few(evaluation) else ''}"),
        grade=Text(f"campaign_terms.grade_said.{judged.grade}"),
    )
    shown: list[Note | Table] = [Note(said), Note(_compared(evaluation))]
    if judged.details and judged.reason == "diagnostic_failed":
        shown.append(Note(Text("campaign.cannot_say", reasons=",".join(judged.details))))
    if judged.details and judged.reason == "conditioned_on_response":
        shown.append(Note(Text("campaign.conditioned", response=judged.details[0])))
    if len(evaluation.arms) > 1:
        shown.append(arms_table(evaluation))
    return shown


def _compared(evaluation: Evaluation) -> Text:
    plan = evaluation.plan
    sent, held_out = sizes(evaluation)
    case = ("randomised" if plan.randomised else "chosen") if held_out else "nobody_held_out"
    first, last = evaluation.outcomes.first_sent, plan.end
    if (chosen := evaluation.not_randomised) is not None:
        sent, held_out = chosen.adjusted.naive.n_treatment, chosen.adjusted.naive.n_control
        first, last, case = chosen.first_day, chosen.last_day, "chosen"
    said = {"n": sent, "control": held_out, "days": plan.window_days}
    return Text(f"campaign.compared.{case}", **said, start=first, end=last)


def arms_table(evaluation: Evaluation) -> Table:
    """Every treated arm with its profit and verdict."""
    told = [None if evaluation.running else arm.profit for arm in evaluation.arms]
    frame = pd.DataFrame(
        {
            "arm": [arm.arm for arm in evaluation.arms],
            "customers": [evaluation.outcomes.sizes[arm.arm] for arm in evaluation.arms],
            "profit": [math.nan if p is None else p.profit for p in told],
            "lower": [math.nan if p is None else p.lower for p in told],
            "upper": [math.nan if p is None else p.upper for p in told],
            "p_positive": [math.nan if p is None else p.p_positive for p in told],
            "verdict": [arm.judged.verdict for arm in evaluation.arms],
            "reason": [arm.judged.reason for arm in evaluation.arms],
        }
    )
    return Table(
        "campaign.arms",
        frame,
        (
            Column("arm", arm_spec(evaluation)),
            Column("customers", "count"),
            Column("profit", "money", scale="profit"),
            Column("lower", "money", scale="profit"),
            Column("upper", "money", scale="profit"),
            Column("p_positive", "prob"),
            Column("verdict", "label:campaign_terms.verdict"),
            Column("reason", "label:campaign_terms.reason"),
        ),
        title=Text("campaign.arms.title"),
        note=Text("campaign.arms.note", likely=likely(len(evaluation.arms))),
    )
