"""What the campaign changed: difference with its interval, metric by metric, arm by arm."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.comparison import FEW_CUSTOMERS, Effect
from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.present.campaign.intervals import Row, draw_intervals, height
from crmreport.present.campaign.reading import (
    amount,
    arm_spec,
    deciding,
    difference_spec,
    direction,
    each,
    interval,
    primary_effect,
    told_arms,
    told_effects,
    value_spec,
)
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

EFFECTS = "campaign.effects"


def effects(evaluation: Evaluation | None) -> list[Chart | Table | Note]:
    """Chart and table of the effects; while the test runs only what holds at every look."""
    arm = None if evaluation is None else deciding(evaluation)
    if evaluation is None or arm is None:
        waits = evaluation is not None and evaluation.running and evaluation.arms
        return [Note(Text("campaign.look_said.nothing", least=FEW_CUSTOMERS))] if waits else []
    if evaluation.running:
        return [*_look_said(evaluation, arm), effects_chart(evaluation, arm), running_table(evaluation)]
    shown: list[Chart | Table | Note] = [effects_chart(evaluation, arm), effects_table(evaluation)]
    if (adjusted := adjusted_table(arm)) is not None:
        shown += [_adjusted_said(arm), adjusted]
    return shown


def _bounds(evaluation: Evaluation, arm: ArmEvaluation, effect: Effect) -> tuple[float, float]:
    """Bounds that may be told: of a running test the always-valid ones, of its deciding metric alone."""
    if not evaluation.running:
        return effect.estimate.lower, effect.estimate.upper
    if arm.look is None or effect.metric.name != evaluation.plan.primary:
        return math.nan, math.nan
    return arm.look.lower, arm.look.upper


def effects_chart(evaluation: Evaluation, arm: ArmEvaluation) -> Chart:
    """Differences around 0, each metric on its own scale."""
    told = told_effects(evaluation, arm)
    # What does not vary has no interval, and a running test tells of what decides it alone.
    told = [e for e in told[: 1 if evaluation.running else None] if math.isfinite(e.estimate.difference)]
    primary = primary_effect(evaluation, arm)
    lower, upper = _bounds(evaluation, arm, primary)
    spec = difference_spec(primary)

    def draw(ax: Any, words: Words, style: Style) -> None:
        rows = []
        for effect in told:
            low, high = _bounds(evaluation, arm, effect)
            unit = difference_spec(effect)
            said = Text("campaign.difference_said", difference=amount(effect.estimate.difference, unit))
            if math.isfinite(low):
                said = Text(
                    "campaign.difference_between",
                    difference=amount(effect.estimate.difference, unit),
                    interval=interval(low, high, unit),
                )
            rows.append(
                Row(
                    words.label(f"campaign_terms.metric.{effect.metric.name}"),
                    effect.estimate.difference,
                    low,
                    high,
                    words.say(said),
                    strong=effect is primary,
                )
            )
        draw_intervals(ax, rows, style, own_scales=True)

    case = f"running.{_look_case(arm)}" if evaluation.running else direction(primary.estimate)
    said = {
        "metric": primary.metric.name,
        "difference": each(primary.estimate.difference, spec),
        "interval": interval(lower, upper, spec),
        "arm": arm.arm,
        "campaign": evaluation.plan.campaign_id,
    }
    kind = "running" if evaluation.running else "done"
    return Chart(
        "campaign.effects_chart",
        draw,
        title=Text(f"campaign.effects_chart.title.{case}", **said),
        subtitle=Text(f"campaign.effects_chart.subtitle.{kind}", **said),
        note=Text(
            f"campaign.effects_chart.note.{kind}",
            n=primary.estimate.n_treatment,
            control=primary.estimate.n_control,
            days=evaluation.plan.window_days,
            as_of=evaluation.as_of,
        ),
        alt=Text("campaign.effects_chart.alt", **said),
        height=height(len(told)),
    )


def _look_case(arm: ArmEvaluation) -> str:
    if arm.look is None or not math.isfinite(arm.look.lower):
        return "unclear"
    return "rise" if arm.look.lower > 0 else "fall" if arm.look.upper < 0 else "unclear"


def effects_table(evaluation: Evaluation) -> Table:
    """Every metric of every arm: values, difference, interval, relative effect, adjusted p-value."""
    told = [effect for arm in told_arms(evaluation) for effect in told_effects(evaluation, arm)]
    rows = []
    for effect in told:
        estimate, relative = effect.estimate, effect.relative
        rows.append(
            {
                "metric": effect.metric.name,
                "arm": effect.arm,
                "value_treatment": effect.value_treatment,
                "value_control": effect.value_control,
                "difference": estimate.difference,
                "lower": estimate.lower,
                "upper": estimate.upper,
                "relative": math.nan if relative is None else relative.value,
                "relative_lower": math.nan if relative is None else relative.lower,
                "relative_upper": math.nan if relative is None else relative.upper,
                "p_adjusted": effect.p_adjusted,
                "p_value": estimate.p_value,
                "method": effect.method,
                "spec": value_spec(effect),
                "difference_spec": difference_spec(effect),
            }
        )
    cautions = dict.fromkeys(code for effect in told for code in effect.cautions)
    return Table(
        EFFECTS,
        pd.DataFrame(rows),
        (
            Column("metric", "label:campaign_terms.metric"),
            *_arm_column(evaluation),
            Column("value_treatment", "row:spec"),
            Column("value_control", "row:spec"),
            Column("difference", "row:difference_spec"),
            Column("lower", "row:difference_spec"),
            Column("upper", "row:difference_spec"),
            Column("relative", "spct"),
            Column("p_adjusted", "p"),
        ),
        title=Text("campaign.effects.title"),
        note=Text(
            "campaign.effects.note",
            methods=",".join(dict.fromkeys(effect.method for effect in told)),
            days=evaluation.plan.window_days,
            n=told[0].estimate.n_treatment,
            control=told[0].estimate.n_control,
            as_of=evaluation.as_of,
            left_out=evaluation.outcomes.n_several_arms,
            cautions=_cautions(cautions),
        ),
        key=("arm", "metric"),
        max_rows=16,
    )


def _arm_column(evaluation: Evaluation) -> list[Column]:
    return [Column("arm", arm_spec(evaluation))] if len(told_arms(evaluation)) > 1 else []


def _cautions(codes: dict[Any, None]) -> Text:
    if not codes:
        return Text("campaign.cautions.none")
    return Text("campaign.cautions.some", codes=",".join(codes))


def running_table(evaluation: Evaluation) -> Table:
    """The deciding metric of every arm so far, with the interval that holds at every look."""
    rows = []
    for arm in told_arms(evaluation):
        effect = primary_effect(evaluation, arm)
        lower, upper = _bounds(evaluation, arm, effect)
        look = arm.look
        rows.append(
            {
                "arm": arm.arm,
                "metric": effect.metric.name,
                "customers": effect.estimate.n_treatment + effect.estimate.n_control,
                "value_treatment": effect.value_treatment,
                "value_control": effect.value_control,
                "difference": effect.estimate.difference,
                "lower": lower,
                "upper": upper,
                "planned_customers": math.nan if look is None else look.planned_customers,
                "spec": value_spec(effect),
                "difference_spec": difference_spec(effect),
            }
        )
    return Table(
        EFFECTS,
        pd.DataFrame(rows),
        (
            Column("metric", "label:campaign_terms.metric"),
            *_arm_column(evaluation),
            Column("customers", "count", label="campaign.column.compared"),
            Column("value_treatment", "row:spec"),
            Column("value_control", "row:spec"),
            Column("difference", "row:difference_spec"),
            Column("lower", "row:difference_spec"),
            Column("upper", "row:difference_spec"),
        ),
        title=Text("campaign.effects.running_title"),
        note=Text(
            "campaign.effects.running_note",
            planned=rows[0]["planned_customers"],
            waiting=evaluation.outcomes.n_incomplete,
            as_of=evaluation.as_of,
        ),
        key=("arm", "metric"),
    )


def _look_said(evaluation: Evaluation, arm: ArmEvaluation) -> list[Note]:
    case = "done" if _look_case(arm) != "unclear" else "waiting"
    return [Note(Text(f"campaign.look_said.{case}", waiting=evaluation.outcomes.n_incomplete))]


def _adjusted_said(arm: ArmEvaluation) -> Note:
    """Whether another way of computing moves a conclusion."""
    differs = [
        effect.metric.name
        for effect in arm.effects.values()
        for other in (effect.cuped, effect.capped)
        if other is not None and direction(other.estimate) != direction(effect.estimate)
    ]
    metrics = ",".join(dict.fromkeys(differs))
    return Note(Text(f"campaign.adjusted_effects.said.{'differs' if differs else 'same'}", metrics=metrics))


def adjusted_table(arm: ArmEvaluation) -> Table | None:
    """The raw result beside CUPED and capped revenue; None where neither was asked for."""
    rows = []
    for effect in arm.effects.values():
        if effect.cuped is None and effect.capped is None:
            continue
        spec = difference_spec(effect)
        variants = [("raw", effect.estimate, math.nan, math.nan)]
        if effect.cuped is not None:
            variants.append(("cuped", effect.cuped.estimate, effect.cuped.variance_reduction, math.nan))
        if effect.capped is not None:
            variants.append(("capped", effect.capped.estimate, math.nan, effect.capped.cap))
        for variant, e, reduction, cap in variants:
            rows.append((effect.metric.name, variant, e.difference, e.lower, e.upper, reduction, cap, spec))
    if not rows:
        return None
    names = ["metric", "variant", "difference", "lower", "upper", "variance_reduction", "cap", "spec"]
    return Table(
        "campaign.adjusted_effects",
        pd.DataFrame(rows, columns=names),
        (
            Column("variant", "label:variant"),
            Column("metric", "label:campaign_terms.metric"),
            Column("difference", "row:spec"),
            Column("lower", "row:spec"),
            Column("upper", "row:spec"),
            Column("variance_reduction", "pct"),
            Column("cap", "money"),
        ),
        title=Text("campaign.adjusted_effects.title"),
        note=Text("campaign.adjusted_effects.note"),
        key=("metric", "variant"),
    )
