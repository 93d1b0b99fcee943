"""A campaign whose customers were chosen: the plain difference beside the adjusted one, if there is one."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.chosen import LOOK_BACK_DAYS
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.observational import MAX_SMD, Observational
from crmreport.present.campaign.intervals import Row, draw_intervals, height
from crmreport.present.campaign.reading import amount, direction, interval
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

COMPARISONS = "campaign.comparisons"
SENT_AGAINST_NOT = (
    Column("n_treatment", "count", label="campaign.column.sent_n"),
    Column("n_control", "count", label="campaign.column.unsent_n"),
    Column("difference", "smoney"),
    Column("lower", "smoney"),
    Column("upper", "smoney"),
)
"""A difference between those sent to and the others, who were chosen and not drawn."""
_SPECS = {"revenue_before": "money", "recency_days": "num0"}


def not_randomised(evaluation: Evaluation | None) -> list[Chart | Table | Note]:
    """Naive beside adjusted with the diagnostics; nothing for a campaign drawn by lot."""
    if evaluation is None or evaluation.not_randomised is None:
        return []
    found = evaluation.not_randomised.adjusted
    shown: list[Chart | Table | Note] = [_said(found)]
    if not found.withheld:
        shown.append(comparisons_chart(evaluation, found))
    shown.append(comparisons_table(evaluation, found))
    if found.balance["smd_after"].notna().any():
        shown.append(balance_chart(evaluation, found))
    shown.append(balance_table(evaluation, found))
    if found.e_value is not None and math.isfinite(found.e_value):
        case = "touches" if found.e_value_bound == 1 else "clear"
        values = {"e_value": found.e_value, "bound": found.e_value_bound}
        shown.append(Note(Text(f"campaign.e_value.{case}", **values)))
    return shown


def _said(found: Observational) -> Note:
    if found.withheld:
        return Note(Text("campaign.not_adjusted", reasons=",".join(found.reasons)))
    robust = found.doubly_robust
    assert robust is not None
    values = {
        "naive": found.naive.difference,
        "adjusted": robust.difference,
        "lower": robust.lower,
        "upper": robust.upper,
        "target": found.target,
    }
    return Note(Text(f"campaign.adjusted_said.{direction(robust)}", **values))


def _estimates(found: Observational) -> list[tuple[str, Estimate]]:
    named = (("naive", found.naive), ("weighted", found.weighted), ("doubly_robust", found.doubly_robust))
    return [(name, estimate) for name, estimate in named if estimate is not None]


def comparisons_chart(evaluation: Evaluation, found: Observational) -> Chart:
    """Plain and adjusted difference on one scale."""

    def draw(ax: Any, words: Words, style: Style) -> None:
        rows = [
            Row(
                words.label(f"campaign.comparison.{name}"),
                e.difference,
                e.lower,
                e.upper,
                words.say(
                    Text(
                        "campaign.difference_between",
                        difference=amount(e.difference, "smoney"),
                        interval=interval(e.lower, e.upper, "smoney"),
                    )
                ),
                strong=name == "doubly_robust",
            )
            for name, e in _estimates(found)
            if name != "weighted"
        ]
        draw_intervals(ax, rows, style)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)

    robust = found.doubly_robust
    assert robust is not None
    said = {"naive": found.naive.difference, "adjusted": robust.difference}
    return Chart(
        "campaign.comparisons_chart",
        draw,
        title=Text(f"campaign.comparisons_chart.title.{direction(robust)}", **said),
        subtitle=Text("campaign.comparisons_chart.subtitle", **_days(evaluation)),
        note=Text(
            "campaign.comparisons_chart.note",
            n=found.naive.n_treatment,
            control=found.naive.n_control,
            no_consent=_no_consent(evaluation),
            as_of=evaluation.as_of,
        ),
        alt=Text("campaign.comparisons_chart.alt", **said),
        height=height(2),
    )


def comparisons_table(evaluation: Evaluation, found: Observational) -> Table:
    """Plain, weighted and doubly robust difference of revenue per customer."""
    rows = [
        (name, e.n_treatment, e.n_control, e.difference, e.lower, e.upper) for name, e in _estimates(found)
    ]
    columns = ["comparison", "n_treatment", "n_control", "difference", "lower", "upper"]
    known = math.isfinite(found.ess_treatment)
    return Table(
        COMPARISONS,
        pd.DataFrame(rows, columns=columns),
        (
            Column("comparison", "label:comparison"),
            *SENT_AGAINST_NOT,
        ),
        title=Text("campaign.comparisons.title"),
        note=Text(
            f"campaign.comparisons.note.{'weighted' if known else 'plain'}",
            treatment=found.ess_treatment,
            control=found.ess_control,
            outside=found.outside_share,
            target=found.target,
            **_days(evaluation),
            no_consent=_no_consent(evaluation),
            as_of=evaluation.as_of,
        ),
    )


def _no_consent(evaluation: Evaluation) -> Text:
    """How many could not have been sent to and are nobody's equals; nothing where there are none."""
    chosen = evaluation.not_randomised
    n = 0 if chosen is None else chosen.n_no_consent
    return Text(f"campaign.no_consent.{'some' if n else 'none'}", n=n)


def _days(evaluation: Evaluation) -> dict[str, Any]:
    """Days counted, and who is in none of the comparisons."""
    chosen = evaluation.not_randomised
    assert chosen is not None
    return {
        "first": chosen.first_day,
        "last": chosen.last_day,
        "left_out": chosen.n_left_out,
        "look_back": LOOK_BACK_DAYS,
    }


def balance_chart(evaluation: Evaluation, found: Observational) -> Chart:
    """How far apart the groups were before the campaign: as they are, and after weighting."""
    table = found.balance.sort_values("smd_before", key=abs, ascending=False, ignore_index=True)

    def draw(ax: Any, words: Words, style: Style) -> None:
        for place, row in table.iterrows():
            before, after = abs(row["smd_before"]), abs(row["smd_after"])
            ax.plot([before, after], [place, place], color=style.greys[2], linewidth=1.2, zorder=1)
            ax.plot(before, place, "o", markersize=5.5, color=style.greys[1])
            ax.plot(after, place, "o", markersize=5.5, color=style.accent)
        ax.axvline(MAX_SMD, color=style.greys[0], linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        first = table.iloc[0]
        for column, colour, weight in (
            ("smd_before", style.greys[0], "normal"),
            ("smd_after", style.accent, "bold"),
        ):
            ax.annotate(
                words.label(f"campaign.smd.{column}"), (abs(first[column]), 0), xytext=(0, 7),
                textcoords="offset points", ha="center", color=colour, fontweight=weight,
            )  # fmt: skip
        ax.annotate(
            words.say(Text("campaign.smd.limit", limit=MAX_SMD)), (MAX_SMD, len(table) - 0.5),
            xytext=(4, 2), textcoords="offset points", va="bottom", color=style.greys[0],
        )  # fmt: skip
        names = [words.format(name, "name:covariate", area="campaign") for name in table["covariate"]]
        ax.set_yticks(range(len(table)), names)
        ax.set_ylim(len(table) - 0.4, -0.8)
        reach = max(float(table[["smd_before", "smd_after"]].abs().max().max()) * 1.15, MAX_SMD * 2)
        # Dots at 0 are whole.
        ax.set_xlim(-0.015 * reach, reach)

    said = {"before": found.max_smd_before, "after": found.max_smd_after, "limit": MAX_SMD}
    return Chart(
        "campaign.smd",
        draw,
        title=Text(f"campaign.smd.title.{'alike' if found.max_smd_after <= MAX_SMD else 'apart'}", **said),
        subtitle=Text("campaign.smd.subtitle"),
        note=Text(
            "campaign.smd.note", treatment=found.ess_treatment, control=found.ess_control, limit=MAX_SMD
        ),
        alt=Text("campaign.smd.alt", **said),
        height=0.9 + 0.3 * len(table),
    )


def balance_table(evaluation: Evaluation, found: Observational) -> Table:
    """What customers sent to and not sent to were like before the campaign."""
    frame = found.balance.copy()
    frame["spec"] = [_SPECS.get(str(name), "num2") for name in frame["covariate"]]
    return Table(
        "campaign.balance",
        frame,
        (
            Column("covariate", "name:covariate"),
            Column("mean_treatment", "row:spec", label="campaign.column.sent_mean"),
            Column("mean_control", "row:spec", label="campaign.column.unsent_mean"),
            Column("smd_before", "num2"),
            Column("smd_after", "num2"),
        ),
        title=Text("campaign.chosen_balance.title"),
        note=Text("campaign.chosen_balance.note", limit=MAX_SMD, start=evaluation.plan.start),
    )
