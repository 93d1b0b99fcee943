"""Whether the test was carried out so that its result means anything: checks, sizes, balance."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.as_planned import AsPlanned
from crmreport.analysis.campaign.balance import SMD_LIMIT
from crmreport.analysis.campaign.design import (
    MACHINE_LIMIT,
    OVERLAP_BLOCKS,
    OVERLAP_LIMIT,
    SEVERAL_ARMS_LIMIT,
    DesignCheck,
)
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.sample_ratio import SRM_ALPHA
from crmreport.present.campaign.reading import arm_spec
from crmreport.present.message import Note
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

CHECKS, SIZES, BALANCE = "campaign.checks", "campaign.sizes", "campaign.balance"
DEPARTURES = "campaign.departures"
# How a covariate is written; the rest as a number with two decimals.
_SPECS = {"revenue_before": "money", "recency_days": "num0"}


def design(evaluation: Evaluation | None) -> list[Note | Table]:
    """What was checked and what came of it; nothing without a control, where there is nothing to check."""
    if evaluation is None or evaluation.design is None:
        return []
    check = evaluation.design
    shown: list[Note | Table] = [_said(check), checks_table(check), sizes_table(evaluation, check)]
    if check.as_planned is not None and (check.as_planned.n_otherwise or check.as_planned.n_unlisted):
        shown.append(departures_table(check.as_planned))
    if len(check.balance):
        shown.append(balance_table(evaluation, check))
    return shown


def _said(check: DesignCheck) -> Note:
    rows = _rows(check)
    case = "blocked" if check.blocks else "noted" if check.reasons else "fine"
    codes = dict.fromkeys(r.code for r in check.reasons if r.blocks or not check.blocks)
    return Note(Text(f"campaign.design_said.{case}", n=len(rows), codes=",".join(codes)))


def checks_table(check: DesignCheck) -> Table:
    """Every check with its value, its rule and its result in words."""
    frame = pd.DataFrame(_rows(check), columns=["check", "value", "spec", "rule", "result", "where"])
    return Table(
        CHECKS,
        frame,
        (
            Column("check", "label:campaign_terms.design"),
            Column("value", "row:spec", label="campaign.column.check_value"),
            Column("rule", "label:check_rule"),
            Column("result", "label:check_result"),
        ),
        title=Text("campaign.checks.title"),
        note=Text(
            "campaign.checks.note",
            alpha=SRM_ALPHA,
            smd=SMD_LIMIT,
            several=SEVERAL_ARMS_LIMIT,
            overlap=OVERLAP_LIMIT,
            blocking=OVERLAP_BLOCKS,
            machines=MACHINE_LIMIT,
            test=Text(f"campaign.size_test.{'two' if check.sample_ratio.df == 1 else 'many'}"),
            exact=check.sample_ratio.exact_p_value,
            chi2=check.sample_ratio.chi2,
            df=check.sample_ratio.df,
        ),
    )


def _rows(check: DesignCheck) -> list[tuple[Any, ...]]:
    """check, value, format, rule, result, where."""
    found = {reason.code: reason for reason in check.reasons}
    people = check.assigned

    def row(code: str, value: float, spec: str, *, rule: str = "") -> tuple[Any, ...]:
        reason = found.get(code)  # type: ignore[call-overload]
        result = "passes" if reason is None else "blocks" if reason.blocks else "noted"
        where = "" if reason is None else reason.where
        return code, value, spec, rule or code, f"{code}.{result}", where

    if check.sending:
        rows = [("sample_ratio", math.nan, "p", "sample_ratio", "sample_ratio.noted", "")]
    else:
        rows = [row("sample_ratio", check.sample_ratio.p_value, "p")]
    if len(check.segments) and not check.sending:
        rows.append(row("sample_ratio_segment", float(check.segments["p_adjusted"].min()), "p"))
    if check.as_planned is not None:
        worst = max(check.as_planned.share, check.as_planned.worst_arm[1])
        rows.append(row("not_as_planned", worst, "pct"))
    if check.control_reached > 0:
        rows.append(row("control_reached", check.control_reached, "pct"))
    rows.append(row("several_arms", people.n_several_arms / max(people.n_customers, 1), "pct"))
    if len(check.balance):
        rows.append(row("unbalanced", float(check.balance["smd"].abs().max()), "num2"))
    rows.append(row("repeated_rows", people.n_repeated_rows / max(people.n_rows, 1), "pct"))
    if len(check.overlap):
        rows.append(row("overlap", _overlap(check), "pt"))
    if "days_apart" in found:
        rows.append(row("days_apart", abs(check.days_apart), "pct"))
    if check.window is not None:
        reason = check.window.reason
        code = "window" if reason is None else reason.code
        rows.append(row(code, float(check.window.days), "days", rule="window"))
    if math.isfinite(check.machine_open_share):
        rows.append(row("machine_opens", check.machine_open_share, "pct"))
    return rows


def _overlap(check: DesignCheck) -> float:
    """Largest difference between two arms' shares of customers met by other campaigns too."""
    shares = check.overlap["share"]
    return float(shares.max() - shares.min())


def sizes_table(evaluation: Evaluation, check: DesignCheck) -> Table:
    """Customers by arm beside the plan."""
    ratio = check.sample_ratio
    total = sum(ratio.observed.values())
    # A list that was drawn has numbers of its own; shares alone are of the customers there are.
    planned = ratio.expected if check.as_planned is None else check.as_planned.sizes
    all_planned = sum(planned.values())
    frame = pd.DataFrame(
        {
            "arm": list(ratio.observed),
            "customers": list(ratio.observed.values()),
            "share": [n / total if total else math.nan for n in ratio.observed.values()],
            "planned_share": [
                planned.get(arm, 0) / all_planned if all_planned else math.nan for arm in ratio.observed
            ],
            "planned": [planned.get(arm, 0) for arm in ratio.observed],
        }
    )
    return Table(
        SIZES,
        frame,
        (
            Column("arm", arm_spec(evaluation)),
            Column("customers", "count"),
            Column("planned", "num0"),
            Column("share", "pct", label="campaign.column.arm_share"),
            Column("planned_share", "pct"),
        ),
        title=Text("campaign.sizes.title"),
        note=Text(
            "campaign.sizes.note",
            several=check.assigned.n_several_arms,
            as_of=evaluation.as_of,
            start=evaluation.plan.start,
            end=evaluation.plan.end,
        ),
    )


def departures_table(beside: AsPlanned) -> Table:
    """Customers who were sent otherwise than drawn, by what happened to them."""
    counts = {"moved": beside.n_moved, "uninvited": beside.n_uninvited, "absent": beside.n_absent}
    counts["all"] = beside.n_otherwise
    looked_at = beside.n_sent + beside.n_absent
    frame = pd.DataFrame({"item": list(counts), "customers": list(counts.values())})
    frame["share"] = [n / looked_at if looked_at else math.nan for n in counts.values()]
    unlisted = {"unlisted": beside.n_unlisted} if beside.n_unlisted else {}
    return Table(
        DEPARTURES,
        frame,
        (
            Column("item", "label:campaign.departure"),
            Column("customers", "count"),
            Column("share", "pct", label="campaign.column.departure_share"),
        ),
        title=Text("campaign.departures.title"),
        note=Text(
            f"campaign.departures.note{'_unlisted' if unlisted else ''}",
            drawn=sum(beside.sizes.values()),
            **unlisted,
        ),
    )


def balance_table(evaluation: Evaluation, check: DesignCheck) -> Table:
    """What the arms were like before the campaign."""
    frame = check.balance.copy()
    frame["spec"] = [_SPECS.get(str(name), "num2") for name in frame["covariate"]]
    several = frame["arm"].nunique() > 1
    return Table(
        BALANCE,
        frame,
        (
            Column("covariate", "name:covariate"),
            *([Column("arm", arm_spec(evaluation))] if several else []),
            Column("mean_treatment", "row:spec"),
            Column("mean_control", "row:spec"),
            Column("smd", "num2"),
        ),
        title=Text("campaign.balance.title"),
        note=Text("campaign.balance.note", limit=SMD_LIMIT, start=evaluation.plan.start),
        key=("arm", "covariate"),
    )
