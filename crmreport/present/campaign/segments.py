"""For whom the campaign worked: effects by segment, raw and with the luck taken out."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.heterogeneity import UNKNOWN, SegmentEffects
from crmreport.present.campaign.intervals import Row, draw_intervals, height
from crmreport.present.campaign.reading import amount, deciding, interval
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import FEWEST, Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

# Below this Cochran's Q calls the segments different.
_ALPHA = 0.05
_DRAWN = 12


def segments(evaluation: Evaluation | None) -> list[Chart | Table | Note]:
    """Forest plot of the attribute that decides, tables of all, and what they say; nothing before the end."""
    arm = None if evaluation is None else deciding(evaluation)
    if evaluation is None or arm is None or evaluation.running or not arm.segments:
        return []
    shown: list[Chart | Table | Note] = []
    first = deciding_attribute(arm)
    for name in sorted(arm.segments, key=lambda name: name != first):
        found = arm.segments[name]
        shown.append(Note(Text(f"campaign.segments_said.{_case(found)}", **_said(name, found))))
        if found.simpson != "none":
            shown.append(Note(Text(f"campaign.simpson.{found.simpson}", attribute=name)))
        if name == first and len(_drawn(found)):
            shown.append(forest(evaluation, arm, name))
        shown.append(segments_table(evaluation, name, found))
    return shown


def deciding_attribute(arm: ArmEvaluation) -> str:
    """The attribute the next sending is planned by; the first one where none is."""
    if arm.next_send is not None:
        planned = set(arm.next_send.segments["segment"])
        for name, found in arm.segments.items():
            if planned <= set(found.table["segment"]):
                return name
    return next(iter(arm.segments))


def _case(found: SegmentEffects) -> str:
    if not math.isfinite(found.q_p_value):
        return "unknown"
    return "differ" if found.q_p_value < _ALPHA else "alike"


def _said(name: str, found: SegmentEffects) -> dict[str, Any]:
    return {
        "attribute": name,
        "n": len(found.table) - found.n_blank,
        "q": found.q,
        "p": found.q_p_value,
        "i_squared": found.i_squared,
    }


def _spec(found: SegmentEffects) -> str:
    return "smoney" if found.kind == "mean" else "pt"


def _drawn(found: SegmentEffects) -> pd.DataFrame:
    """Segments the chart shows, the largest effect first: a handful of customers is nobody's segment."""
    known = found.table.dropna(subset="shrunk")
    enough = known[known[["n_treatment", "n_control"]].min(axis=1) >= FEWEST]
    return enough.sort_values("shrunk", ascending=False).head(_DRAWN)


def forest(evaluation: Evaluation, arm: ArmEvaluation, name: str) -> Chart:
    """Shrunk effects with their intervals, raw ones lightly, and the effect at which a sending pays."""
    found = arm.segments[name]
    table = _drawn(found)
    pays = _pays(evaluation, found)
    # Segments that differ by no more than chance are not to be read one by one.
    differ = _case(found) == "differ"

    def draw(ax: Any, words: Words, style: Style) -> None:
        rows = []
        for row in table.to_dict("records"):
            size = int(row["n_treatment"] + row["n_control"])
            said = Text(
                "campaign.difference_between",
                difference=amount(row["shrunk"], _spec(found)),
                interval=interval(row["shrunk_lower"], row["shrunk_upper"], _spec(found)),
            )
            rows.append(
                Row(
                    words.say(Text("campaign.segment_size", segment=row["segment"], n=size)),
                    row["shrunk"],
                    row["shrunk_lower"],
                    row["shrunk_upper"],
                    words.say(said),
                    strong=differ and row["shrunk_lower"] > (pays if math.isfinite(pays) else 0.0),
                    beside=row["difference"],
                )
            )
        draw_intervals(ax, rows, style, marks=[pays] if math.isfinite(pays) else [])
        if math.isfinite(pays):
            ax.axvline(pays, color=style.greys[0], linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
            ax.annotate(
                words.say(Text("campaign.forest.pays", effect=amount(pays, _spec(found)))), (pays, -0.5),
                xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", color=style.greys[0],
            )  # fmt: skip
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)

    said = _said(name, found) | {"best": table["segment"].iloc[0]}
    return Chart(
        "campaign.forest",
        draw,
        title=Text(f"campaign.forest.title.{_case(found)}", **said),
        subtitle=Text("campaign.forest.subtitle", **said),
        note=Text(
            "campaign.forest.note",
            tau=amount(found.tau, _spec(found)),
            fewest=FEWEST,
            as_of=evaluation.as_of,
        ),
        alt=Text("campaign.forest.alt", **said),
        height=height(len(table)) + (0.2 if math.isfinite(pays) else 0),
    )


def _pays(evaluation: Evaluation, found: SegmentEffects) -> float:
    """Effect on revenue per customer that covers the cost of one sending; nan without a margin."""
    plan = evaluation.plan
    if found.kind != "mean" or not plan.margin_rate or not plan.costs.send:
        return math.nan
    return plan.costs.send / plan.margin_rate


def segments_table(evaluation: Evaluation, name: str, found: SegmentEffects) -> Table:
    """Every segment: values, raw and shrunk effect."""
    spec = "money" if found.kind == "mean" else "pct"
    moved = _spec(found)
    # The sum is not printed; a client who has small groups masked gets them masked by it.
    frame = found.table.assign(customers=found.table["n_treatment"] + found.table["n_control"])
    spec_of_values = "name:segment"
    if name != "segment":
        frame["segment"] = frame["segment"].replace(UNKNOWN, "unknown")
        spec_of_values = f"name:customers.{name}"
    return Table(
        f"campaign.by_{name}",
        frame,
        (
            Column("segment", spec_of_values),
            Column("n_treatment", "count"),
            Column("n_control", "count"),
            Column("mean_treatment", spec),
            Column("mean_control", spec),
            Column("difference", moved),
            Column("shrunk", moved),
            Column("shrunk_lower", moved),
            Column("shrunk_upper", moved),
            Column("p_adjusted", "p"),
        ),
        title=Text("campaign.segments.title", attribute=name),
        note=Text(
            "campaign.segments.note",
            days=evaluation.plan.window_days,
            as_of=evaluation.as_of,
            blank=found.n_blank,
            **_said(name, found),
        ),
    )
