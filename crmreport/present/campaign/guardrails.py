"""Metrics that had to be protected: whether harm beyond the margin is ruled out."""

from __future__ import annotations

import pandas as pd

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.present.campaign.reading import arm_spec, difference_spec, value_spec
from crmreport.present.message import Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

GUARDRAILS = "campaign.guardrails"


def guardrails(evaluation: Evaluation | None) -> list[Table | Note]:
    """Table of the guardrails and what they say together; nothing where none was planned."""
    if evaluation is None:
        return []
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
