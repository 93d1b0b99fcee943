"""The Qini curve: what it gains to send to the best-scored customers first."""

from __future__ import annotations

from typing import Any

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.uplift import Qini
from crmreport.present.campaign.reading import deciding
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.numbers import MoneyUnit
from crmreport.present.style import Style
from crmreport.present.text import Text
from crmreport.present.words import Words


def uplift(evaluation: Evaluation | None) -> list[Chart | Note]:
    """The curve and its sentence; nothing without a score."""
    arm = None if evaluation is None else deciding(evaluation)
    if evaluation is None or arm is None or evaluation.running or arm.qini is None:
        return []
    return [qini_chart(evaluation, arm.qini), Note(Text(f"campaign.qini_said.{_case(arm.qini)}"))]


def _case(qini: Qini) -> str:
    return "finds" if qini.lower > 0 else "misleads" if qini.upper < 0 else "unclear"


def qini_chart(evaluation: Evaluation, qini: Qini) -> Chart:
    """Gain by share of customers sent to, best score first, beside a random order."""
    curve = qini.curve

    def draw(ax: Any, words: Words, style: Style) -> None:
        unit = MoneyUnit.for_column(curve["upper"], currency=words.currency)
        x = curve["share"] * 100
        ax.fill_between(
            x, curve["lower"] / unit.divisor, curve["upper"] / unit.divisor, color=style.greys[3], linewidth=0
        )
        ax.plot(x, curve["random"] / unit.divisor, color=style.greys[0], linewidth=1.0, linestyle=(0, (4, 3)))
        ax.plot(x, curve["gain"] / unit.divisor, color=style.accent)
        # Named where they are furthest apart, each on its own side of the other.
        gap = curve["gain"] - curve["random"]
        place = int(gap.iloc[1:-1].abs().to_numpy().argmax()) + 1
        over = "gain" if gap.iloc[place] >= 0 else "random"
        for column, colour, weight in (("gain", style.accent, "bold"), ("random", style.greys[0], "normal")):
            above = column == over
            ax.annotate(
                words.label(f"campaign.qini.{column}"),
                (float(x.iloc[place]), float(curve[column].iloc[place]) / unit.divisor),
                xytext=(0, 6 if above else -6),
                textcoords="offset points",
                ha="center" if 20 < x.iloc[place] < 80 else "left" if x.iloc[place] <= 20 else "right",
                va="bottom" if above else "top",
                color=colour,
                fontweight=weight,
            )
        ax.axhline(0, color=style.ink, linewidth=0.8)
        ax.set_xlim(0, 100)
        ax.set_xticks([0, 25, 50, 75, 100], ["0%", "25%", "50%", "75%", "100%"])
        ax.set_xlabel(words.label("campaign.qini.x"))
        ax.set_ylabel(words.say(Text("campaign.qini.y", unit=unit.header(words.lang))))

    said = {
        "coefficient": qini.coefficient,
        "lower": qini.lower,
        "upper": qini.upper,
        "repeats": qini.repeats,
        "seed": qini.seed,
        "n": qini.n_treatment + qini.n_control,
    }
    return Chart(
        "campaign.qini",
        draw,
        title=Text(f"campaign.qini.title.{_case(qini)}", **said),
        subtitle=Text("campaign.qini.subtitle"),
        note=Text("campaign.qini.note", **said, as_of=evaluation.as_of),
        alt=Text(f"campaign.qini.title.{_case(qini)}", **said),
        height=2.1,
    )
