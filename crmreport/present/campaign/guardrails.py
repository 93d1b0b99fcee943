"""Metrics that had to be protected: whether harm beyond the margin is ruled out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.harm_seen import HarmSeen
from crmreport.present.campaign.reading import arm_spec, difference_spec, value_spec
from crmreport.present.message import Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

GUARDRAILS = "campaign.guardrails"
_MARGIN = {"revenue": "smoney", "orders": "snum2"}


def guardrails(evaluation: Evaluation | None) -> list[Table | Note]:
    """Table of the guardrails and what they say together; nothing where none was planned.

    Where no control drawn by lot tells harm: what was seen among those sent to.
    """
    if evaluation is None:
        return []
    if evaluation.harm_seen:
        return [_seen_said(evaluation.harm_seen), seen_table(evaluation.harm_seen)]
    rows = [
        {
            "metric": metric,
            "arm": arm.arm,
            "value_treatment": arm.effects[metric].value_treatment,
            "value_control": arm.effects[metric].value_control,
            "difference": found.difference,
            "worst": found.worst,
            "margin": found.margin,
            "outcome": found.outcome,
            "spec": value_spec(arm.effects[metric]),
            "difference_spec": difference_spec(arm.effects[metric]),
        }
        for arm in evaluation.arms
        for metric, found in arm.guardrails.items()
        if metric in arm.effects
    ]
    if not rows:
        return []
    outcomes = [row["outcome"] for row in rows]
    case = next((c for c in ("broken", "not_shown") if c in outcomes), "held")
    metrics = ",".join(dict.fromkeys(r["metric"] for r in rows if r["outcome"] == case))
    several = len({row["arm"] for row in rows}) > 1
    table = Table(
        GUARDRAILS,
        pd.DataFrame(rows),
        (
            Column("metric", "label:campaign_terms.metric"),
            *([Column("arm", arm_spec(evaluation))] if several else []),
            Column("value_treatment", "row:spec"),
            Column("value_control", "row:spec"),
            Column("difference", "row:difference_spec"),
            Column("worst", "row:difference_spec"),
            Column("margin", "row:difference_spec"),
            Column("outcome", "label:campaign_terms.guardrail"),
        ),
        title=Text("campaign.guardrails.title"),
        note=Text("campaign.guardrails.note"),
        key=("arm", "metric"),
    )
    return [Note(Text(f"campaign.guardrails_said.{case}", metrics=metrics)), table]


def _seen_said(seen: Sequence[HarmSeen]) -> Note:
    """The worst of what was seen, and that it decides nothing."""
    outcomes = [each.outcome for each in seen]
    order = ("beyond", "open", "unmeasured", "not_comparable", "within")
    case = next(outcome for outcome in order if outcome in outcomes)
    metrics = ",".join(each.metric for each in seen if each.outcome == case)
    return Note(Text(f"campaign.harm_seen_said.{case}", metrics=metrics))


def seen_table(seen: Sequence[HarmSeen]) -> Table:
    """Share of those sent to beside the margin, one row per guardrail."""
    return Table(
        "campaign.harm_seen",
        pd.DataFrame([{**asdict(each), "spec": _MARGIN.get(each.metric, "pt")} for each in seen]),
        (
            Column("metric", "label:campaign_terms.metric"),
            Column("n", "count", label="campaign.column.sent_n"),
            Column("rate", "pct"),
            Column("lower", "pct"),
            Column("upper", "pct"),
            # Of money or orders a margin is no share.
            Column("margin", "row:spec"),
            Column("outcome", "label:campaign_terms.harm_seen"),
        ),
        title=Text("campaign.harm_seen.title"),
        note=Text("campaign.harm_seen.note"),
        key=("metric",),
    )
