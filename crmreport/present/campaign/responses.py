"""What customers did after the sending, by arm, as observed: no effect is claimed here."""

from __future__ import annotations

import math

import pandas as pd

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.present.campaign.reading import RESPONSES, arm_spec
from crmreport.present.message import Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

_STAGES = ("delivered", "opened", "clicked", "converted", "unsubscribed")


def responses(evaluation: Evaluation | None) -> list[Note | Table]:
    """From sent to bought, per customer assigned, with the sentence that opening is no effect."""
    if evaluation is None or evaluation.responses.empty:
        return []
    return [responses_table(evaluation), Note(Text(f"campaign.responses_said.{_case(evaluation)}"))]


def _case(evaluation: Evaluation) -> str:
    return "control" if evaluation.plan.randomised else "no_control"


def responses_table(evaluation: Evaluation) -> Table:
    """One row per arm: customers, and the share of them at each stage."""
    plan, rows = evaluation.plan, evaluation.responses
    frame = pd.DataFrame({"arm": rows["arm"], "customers": rows["customers"]})
    size = rows["customers"].where(rows["customers"] > 0).astype("float64")
    for stage in _STAGES:
        frame[stage] = rows[stage].astype("float64") / size if stage in rows else math.nan
    held_out = frame["arm"] == plan.control
    # Nothing was sent to them: unobserved, not 0.
    frame.loc[held_out, [*RESPONSES, "unsubscribed"]] = math.nan
    frame["revenue_per_customer"] = rows["revenue"].astype("float64") / size
    shown = [stage for stage in _STAGES if frame[stage].notna().any()]
    machines = evaluation.design.machine_open_share if evaluation.design is not None else math.nan
    return Table(
        "campaign.responses",
        frame,
        (
            Column("arm", arm_spec(evaluation)),
            Column("customers", "count"),
            *(Column(stage, "pct", label=f"campaign.column.{stage}") for stage in shown),
            Column("revenue_per_customer", "money"),
        ),
        title=Text("campaign.responses.title"),
        note=Text(
            f"campaign.responses.note.{'machines' if math.isfinite(machines) else 'plain'}",
            machines=machines,
            days=plan.window_days,
            start=plan.start,
            as_of=evaluation.as_of,
            unfinished=_unfinished(evaluation),
        ),
    )


def _unfinished(evaluation: Evaluation) -> Text:
    """How many customers' windows are not over, as a sentence; empty when all are."""
    if not evaluation.outcomes.n_incomplete:
        return Text("campaign.unfinished.none")
    return Text("campaign.unfinished.some", n=evaluation.outcomes.n_incomplete)
