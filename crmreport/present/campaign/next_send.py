"""Whom to send to next time: the segments expected to pay, where the verdict asks to send at all."""

from __future__ import annotations

import pandas as pd

from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.next_send import NextSend
from crmreport.present.campaign.reading import deciding
from crmreport.present.campaign.segments import deciding_attribute
from crmreport.present.message import Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

NEXT_SEND = "campaign.next_send"


def planned_send(evaluation: Evaluation, arm: ArmEvaluation) -> NextSend | None:
    """The next sending where it follows from the verdict.

    Segments that differ by no more than chance are no ground to leave one out, and a campaign that is
    stopped or tested again is sent to nobody yet.
    """
    found = arm.next_send
    if found is None or evaluation.running or not found.segments["send"].any():
        return None
    verdict = evaluation.judged.verdict
    everybody = verdict == "roll_out" and bool(found.segments["send"].all())
    return found if everybody or verdict == "roll_out_to_segments" else None


def next_send(evaluation: Evaluation | None) -> list[Table | Note]:
    """Whom to send to next time; nothing where the verdict does not ask to send to anybody."""
    arm = None if evaluation is None else deciding(evaluation)
    found = None if evaluation is None or arm is None else planned_send(evaluation, arm)
    if evaluation is None or arm is None or found is None:
        return []
    chosen = found.segments[found.segments["send"]]
    case = "all" if len(chosen) == len(found.segments) else "some"
    said = Text(
        f"campaign.next_send_said.{case}",
        n=int(chosen["customers"].sum()),
        profit=found.profit,
        everybody=found.profit_of_all,
        segments=len(chosen),
    )
    return [Note(said), next_send_table(evaluation, arm, found)]


def next_send_table(evaluation: Evaluation, arm: ArmEvaluation, found: NextSend) -> Table:
    """Every segment with its expected profit, and whether to send to it; the chosen ones added up."""
    frame = found.segments.assign(decision=["send" if send else "leave" for send in found.segments["send"]])
    chosen = found.segments[found.segments["send"]]
    summed = {
        "segment": "(chosen)",
        "customers": int(chosen["customers"].sum()),
        "profit": found.profit,
        "send": True,
        "decision": None,
    }
    return Table(
        NEXT_SEND,
        pd.concat([frame, pd.DataFrame([summed])], ignore_index=True),
        (
            Column("segment", "name:segment"),
            Column("customers", "count", label="campaign.column.candidates"),
            Column("effect", "money"),
            Column("profit_per_customer", "money"),
            Column("p_positive", "prob"),
            Column("profit", "money", label="campaign.column.expected_profit"),
            Column("decision", "label:decision"),
        ),
        title=Text("campaign.next_send.title", attribute=deciding_attribute(arm)),
        note=Text(
            "campaign.next_send.note",
            send=evaluation.plan.costs.send,
            rate=evaluation.plan.margin_rate,
            fixed=evaluation.plan.costs.fixed,
            unknown=found.n_unknown,
        ),
        max_rows=14,
    )
