"""A campaign whose customers were chosen, over time: changes of both groups, and who came back anyway."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.did import DifferenceInDifferences
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.regression_to_mean import WonBack
from crmreport.present.campaign.not_randomised import SENT_AGAINST_NOT
from crmreport.present.campaign.reading import direction
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.numbers import MoneyUnit
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words


def over_time(evaluation: Evaluation | None) -> list[Chart | Table | Note]:
    """Difference in differences with its placebo, and the won-back beside equal ones not sent to."""
    if evaluation is None or evaluation.not_randomised is None:
        return []
    shown: list[Chart | Table | Note] = []
    did, back = evaluation.not_randomised.did, evaluation.not_randomised.won_back
    if did is not None:
        shown += [_did_said(did), did_chart(did), did_table(did)]
    elif evaluation.not_randomised.no_did:
        shown.append(Note(Text(f"campaign.did_said.{evaluation.not_randomised.no_did}")))
    if back is not None:
        shown += [_back_said(back), back_table(back)]
    return shown


def _did_said(did: DifferenceInDifferences) -> Note:
    if did.effect is None:
        return Note(Text("campaign.did_said.withheld", reasons=",".join(did.reasons)))
    values = {"effect": did.effect.difference, "lower": did.effect.lower, "upper": did.effect.upper}
    return Note(Text(f"campaign.did_said.{direction(did.effect)}", **values))


def did_chart(did: DifferenceInDifferences) -> Chart:
    """Mean revenue of both groups, period by period, the start marked."""
    means = did.means

    def draw(ax: Any, words: Words, style: Style) -> None:
        sides = (("mean_treatment", style.accent, "bold"), ("mean_control", style.greys[0], "normal"))
        unit = MoneyUnit.for_column(
            [*means["mean_treatment"], *means["mean_control"]], currency=words.currency
        )
        places = range(len(means))
        last = means.iloc[-1]
        higher = "mean_treatment" if last["mean_treatment"] >= last["mean_control"] else "mean_control"
        for column, colour, weight in sides:
            ax.plot(places, means[column] / unit.divisor, "o-", color=colour, markersize=4)
            ax.annotate(
                words.label(f"campaign.did.{column}"), (len(means) - 1, last[column] / unit.divisor),
                xytext=(8, 3 if column == higher else -3), textcoords="offset points",
                va="bottom" if column == higher else "top", color=colour, fontweight=weight,
            )  # fmt: skip
        start = int((~means["after"].astype(bool)).sum()) - 0.5
        ax.axvline(start, color=style.greys[0], linewidth=0.9, linestyle=(0, (4, 3)))
        ax.set_ylim(bottom=0)
        top = ax.get_ylim()[1]
        ax.annotate(
            words.label("campaign.did.start"), (start, top), xytext=(-4, 0),
            textcoords="offset points", ha="right", va="top", color=style.greys[0],
        )  # fmt: skip
        ax.set_xticks(list(places), [words.format(n, "num0") for n in means["period"]])
        ax.set_xlabel(words.label("campaign.did.x"))
        ax.set_ylabel(words.say(Text("campaign.did.y", unit=unit.header(words.lang))))

    return Chart(
        "campaign.did_chart",
        draw,
        title=Text(f"campaign.did.title.{'withheld' if did.withheld else direction(did.effect)}"),
        subtitle=Text("campaign.did.subtitle"),
        note=Text("campaign.did.chart_note", before=did.n_before, after=did.n_after),
        alt=Text("campaign.did.alt"),
        height=2.5,
    )


def did_table(did: DifferenceInDifferences) -> Table:
    """Plain difference, difference of the changes, and the placebo from before the start."""
    named = (("naive", did.naive), ("placebo", did.placebo), ("did", did.effect))
    rows = [
        (name, e.difference, e.lower, e.upper, e.n_treatment, e.n_control)
        for name, e in named
        if e is not None
    ]
    columns = ["comparison", "difference", "lower", "upper", "n_treatment", "n_control"]
    return Table(
        "campaign.did",
        pd.DataFrame(rows, columns=columns),
        (
            Column("comparison", "label:did_comparison"),
            *SENT_AGAINST_NOT,
        ),
        title=Text("campaign.did.table"),
        note=Text("campaign.did.note", trend=did.trend_p_value, before=did.n_before, after=did.n_after),
    )


def _back_said(back: WonBack) -> Note:
    if back.difference is None:
        case = "withheld" if math.isfinite(back.untreated) else "withheld_alone"
        return Note(
            Text(
                f"campaign.won_back_said.{case}",
                came_back=back.came_back,
                untreated=back.untreated,
                reasons=",".join(back.reasons),
            )
        )
    return Note(
        Text(
            f"campaign.won_back_said.{direction(back.difference)}",
            n=back.difference.n_treatment,
            came_back=back.matched,
            expected=back.expected,
            difference=back.difference.difference,
            lower=back.difference.lower,
            upper=back.difference.upper,
        )
    )


def back_table(back: WonBack) -> Table:
    """Share of the dormant who came back: sent to, not sent to, equal ones of these, and the difference."""
    d = back.difference
    rows = [("sent", back.n_treated, back.came_back, back.came_back_lower, back.came_back_upper, "pct")]
    if back.n_untreated:
        rows.append(
            (
                *("unsent", back.n_untreated, back.untreated),
                *(back.untreated_lower, back.untreated_upper, "pct"),
            )
        )
    if d is not None:
        if d.n_treatment < back.n_treated:
            rows.append(("sent_equal", d.n_treatment, back.matched, math.nan, math.nan, "pct"))
        rows.append(
            ("equal", d.n_control, back.expected, back.expected_lower, back.expected_upper, "pct"),
        )
        rows.append(("difference", d.n_treatment + d.n_control, d.difference, d.lower, d.upper, "pt"))
    columns = ["group", "customers", "came_back", "lower", "upper", "spec"]
    return Table(
        "campaign.won_back",
        pd.DataFrame(rows, columns=columns),
        (
            Column("group", "label:won_back_group"),
            Column("customers", "count"),
            Column("came_back", "row:spec"),
            Column("lower", "row:spec"),
            Column("upper", "row:spec"),
        ),
        title=Text("campaign.won_back.title"),
        note=Text("campaign.won_back.note", matched=back.matched_share),
    )
