"""A campaign that ran in some places: the places beside their expected course, donors, placebos, money."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.area_effect import PLACEBO_ALPHA, AreaEffect
from crmreport.analysis.campaign.area_series import AREA, WEEK, AreaSeries
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Profit
from crmreport.analysis.campaign.synthetic import MAX_FIT, SyntheticControl
from crmreport.present.campaign.money import MONEY, MONEY_COLUMNS, money_rows, profit_said
from crmreport.present.campaign.reading import direction
from crmreport.present.chart import Chart
from crmreport.present.finding import Cell, Fact, Finding, Measure, Severity
from crmreport.present.message import Note
from crmreport.present.numbers import MoneyUnit
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

DONORS, PLACEBOS = "campaign.area_donors", "campaign.area_placebos"
# A donor of less has no say in the mix.
_LEAST_WEIGHT = 0.005


def area(evaluation: Evaluation | None) -> list[Chart | Table | Note]:
    """Course before and after, money, donors and placebos; nothing for a campaign that was sent."""
    found = None if evaluation is None else evaluation.area
    if evaluation is None or found is None or found.periods is None or found.control is None:
        return []
    periods, control = found.periods, found.control
    shown: list[Chart | Table | Note] = [
        _fit_said(periods, control),
        series_chart(evaluation, found, periods, control),
    ]
    if found.lift is not None:
        shown.append(Note(Text(f"area.effect_said.{direction(found.lift)}", **_said(found, periods))))
    if found.profit is not None:
        shown += [profit_said(found.profit), money_table(evaluation, periods, found.profit)]
    elif found.lift is not None:
        shown.append(Note(Text("campaign.no_profit")))
    shown += [donors_table(evaluation, periods, control), *_placebo_said(found, periods, control)]
    return [*shown, placebos_table(evaluation, periods, control)]


def places_said(found: AreaEffect) -> Text | str:
    """Where it ran, in one phrase."""
    said: Text | str = found.area.places[0]
    for place in found.area.places[1:]:
        said = Text("area.places_and", before=said, place=place)
    return said


def _grain(periods: AreaSeries) -> str:
    return "week" if periods.period_days == WEEK else "four_weeks"


def _days(periods: AreaSeries) -> int:
    return int(periods.days.iloc[periods.n_before :].sum())


def _said(found: AreaEffect, periods: AreaSeries) -> dict[str, Any]:
    assert found.lift is not None
    assert found.revenue is not None
    return {
        "days": _days(periods),
        "lift": found.lift.difference,
        "size": abs(found.lift.difference),
        "lower": found.lift.lower,
        "upper": found.lift.upper,
        "revenue": found.revenue.difference,
        "revenue_lower": found.revenue.lower,
        "revenue_upper": found.revenue.upper,
    }


def _fit_said(periods: AreaSeries, control: SyntheticControl) -> Note:
    key = f"area.fit_said.{_grain(periods)}"
    return Note(Text(key, n=periods.n_before, fit=control.fit, limit=MAX_FIT))


def series_chart(
    evaluation: Evaluation, found: AreaEffect, periods: AreaSeries, control: SyntheticControl
) -> Chart:
    """Actual and expected revenue per day, the start marked; only before it where no effect is said."""
    told = control.series if found.lift is not None else control.series[~control.series["after"]]
    level = found.level

    def draw(ax: Any, words: Words, style: Style) -> None:
        observed, synthetic = (told[name] * level for name in ("observed", "synthetic"))
        unit = MoneyUnit.for_column([*observed, *synthetic], currency=words.currency)
        # A period's mean stands in its middle: the start is then between two points.
        days = told["period"] + pd.to_timedelta(periods.days.to_numpy()[: len(told)] / 2, unit="D")
        lines = (
            ("synthetic", synthetic, style.greys[1], "normal"),
            ("observed", observed, style.accent, "bold"),
        )
        higher = "observed" if observed.iloc[-1] >= synthetic.iloc[-1] else "synthetic"
        for name, values, colour, weight in lines:
            ax.plot(days, values / unit.divisor, color=colour, linewidth=1.8 if name == "observed" else 1.4)
            ax.annotate(
                words.label(f"area.series.{name}"), (days.iloc[-1], values.iloc[-1] / unit.divisor),
                xytext=(6, 4 if name == higher else -4), textcoords="offset points",
                va="bottom" if name == higher else "top", color=colour, fontweight=weight,
            )  # fmt: skip
        # Room for the names at the end of the lines.
        ax.set_xlim(days.iloc[0], days.iloc[-1] + (days.iloc[-1] - days.iloc[0]) * 0.1)
        ax.set_ylim(0, ax.get_ylim()[1] * 1.05)
        if told["after"].any():
            start = pd.Timestamp(evaluation.plan.start)
            ax.axvline(start, color=style.greys[0], linewidth=0.9, linestyle=(0, (4, 3)))
            ax.annotate(
                words.label("area.series.start"), (start, ax.get_ylim()[1]), xytext=(-4, 0),
                textcoords="offset points", ha="right", va="top", color=style.greys[0],
            )  # fmt: skip
        ax.yaxis.set_major_formatter(lambda value, _: words.format(value, "count"))
        marked = told["period"].iloc[:: max(1, len(told) // 6)]
        ax.set_xticks(list(marked), [words.format(day, "date") for day in marked])
        ax.set_ylabel(words.say(Text("area.series.y", unit=unit.header(words.lang))))

    case = "withheld" if found.lift is None else direction(found.lift)
    said = _said(found, periods) if found.lift is not None else {}
    places = places_said(found)
    return Chart(
        "campaign.area_series",
        draw,
        title=Text(f"area.series.title.{case}", **said),
        subtitle=Text(f"area.series.subtitle.{_grain(periods)}", places=places),
        note=Text(
            "area.series.note",
            n=len(control.weights),
            first=periods.revenue.index[0],
            last=found.last_day,
            as_of=evaluation.as_of,
        ),
        alt=Text("area.series.alt", places=places),
        height=2.6,
    )


def donors_table(evaluation: Evaluation, periods: AreaSeries, control: SyntheticControl) -> Table:
    """Places the expected course is mixed from."""
    frame = control.weights[control.weights["weight"] >= _LEAST_WEIGHT].reset_index(drop=True)
    before = periods.revenue.iloc[: periods.n_before].mean()
    frame = frame.assign(level=[float(before[name]) for name in frame["donor"]])
    return Table(
        DONORS,
        frame,
        (
            Column("donor", label="area.column.donor"),
            Column("weight", "pct", label="area.column.weight", bar=True),
            Column("level", "money", label="area.column.level"),
        ),
        title=Text("area.donors.title"),
        note=Text(
            "area.donors.note",
            rest=len(control.weights) - len(frame),
            unused=Text(
                f"area.unused.{'some' if periods.left_out or periods.n_unlike else 'none'}",
                left_out=len(periods.left_out),
                unlike=periods.n_unlike,
            ),
            first=periods.revenue.index[0],
            start=evaluation.plan.start,
            as_of=evaluation.as_of,
        ),
    )


def _placebo_said(found: AreaEffect, periods: AreaSeries, control: SyntheticControl) -> list[Note]:
    """In time, where it is why no effect is said or supports the one that is; in space where one is said."""
    series = len(control.placebos)
    said = []
    if found.lift is not None:
        said.append(
            Note(
                Text(
                    "area.placebo_said.space",
                    n=series - 1,
                    series=series,
                    rank=control.rank,
                    p=control.p_value,
                    least=1 / series,
                )
            )
        )
    placebo = found.placebo
    if found.lift is None and "moved_before_start" not in found.reasons:
        return said
    if placebo is None:
        return [*said, Note(Text("area.placebo_said.time.unknown"))]
    case = "differs" if placebo.p_value < PLACEBO_ALPHA else "passes"
    values = {"lift": placebo.difference, "lower": placebo.lower, "upper": placebo.upper}
    n = len(periods.revenue) - periods.n_before
    return [*said, Note(Text(f"area.placebo_said.time.{case}", n=n, **values))]


def placebos_table(evaluation: Evaluation, periods: AreaSeries, control: SyntheticControl) -> Table:
    """Every place treated in turn as if it had been the one, the one that moved most first."""
    found = control.placebos.rename(columns={"effect": "moved"})
    if evaluation.area is not None and evaluation.area.lift is None:
        # Where nothing may be said of the effect, its row says nothing either.
        found.loc[found["unit"] == AREA, ["moved", "ratio"]] = math.nan
    frame = found.sort_values("ratio", ascending=False, kind="stable", ignore_index=True)
    return Table(
        PLACEBOS,
        frame,
        (
            Column("unit", "name:area.unit", label="area.column.unit"),
            Column("moved", "spct", label="area.column.moved"),
            Column("fit", "pct", label="area.column.fit"),
            Column("ratio", "num2", label="area.column.ratio"),
        ),
        title=Text("area.placebo.title"),
        note=Text(
            "area.placebo.note",
            df=len(control.weights),
            alpha=PLACEBO_ALPHA,
            as_of=evaluation.as_of,
        ),
    )


def money_table(evaluation: Evaluation, periods: AreaSeries, profit: Profit) -> Table:
    """From incremental revenue to profit, with bounds."""
    rows = money_rows(evaluation, profit)
    return Table(
        MONEY,
        pd.DataFrame(rows, columns=["item", "value", "lower", "upper"]),
        MONEY_COLUMNS,
        title=Text("area.money.title"),
        note=Text(
            "area.money.note",
            days=_days(periods),
            rate=evaluation.plan.margin_rate,
            as_of=evaluation.as_of,
        ),
    )


def area_message(evaluation: Evaluation, found: AreaEffect) -> Text:
    """The verdict as a heading."""
    reason = str(found.judged.reason)
    values: dict[str, Any] = {"campaign": evaluation.plan.campaign_id}
    if found.profit is not None:
        values |= {"profit": found.profit.profit, "loss": -found.profit.profit}
        values |= {"lower": found.profit.lower, "upper": found.profit.upper}
    if found.revenue is not None:
        values["revenue"] = found.revenue.difference
    case = f"{reason}.{direction(found.lift)}" if reason in ("no_profit_known", "profit_unlikely") else reason
    own = reason in ("diagnostic_failed", "no_profit_known", "profit_likely_but_not_randomised")
    return Text(f"{'area' if own else 'campaign'}.message.{case}", **values)


def area_verdict(evaluation: Evaluation, found: AreaEffect) -> list[Note]:
    """Verdict, reason and grade in words; what was compared with what."""
    judged = found.judged
    case = "cannot_say" if judged.verdict == "cannot_say" else "judged"
    own = judged.reason in ("diagnostic_failed", "profit_likely_but_not_randomised")
    why = Text(f"{'area.why' if own else 'campaign_terms.reason_said'}.{judged.reason}")
    key = "later" if found.running else "compared"
    shown = [
        Note(Text(f"area.verdict.{case}", verdict=judged.verdict, why=why, grade=Text("area.grade"))),
        Note(
            Text(
                f"area.{key}",
                places=places_said(found),
                kind=found.area.column,
                start=evaluation.plan.start,
                end=found.last_day,
            )
        ),
    ]
    if found.reasons:
        first = Text(f"area.way_out.{found.reasons[0]}")
        shown.append(Note(Text("area.cannot_say", reasons=",".join(found.reasons), way_out=first)))
    return shown


def area_findings(evaluation: Evaluation, found: AreaEffect) -> list[Finding]:
    """The verdict as a finding; none while it runs."""
    judged, profit = found.judged, found.profit
    if judged.reason == "still_running":
        return []
    facts = {"campaign": Fact(evaluation.plan.campaign_id)}
    measure: Measure = "stop_places" if judged.verdict == "stop" else "retest_places"
    severity: Severity = "warning" if judged.verdict in ("stop", "cannot_say") else "opportunity"
    money = None
    if judged.reason == "diagnostic_failed":
        facts["reasons"] = Fact(",".join(found.reasons))
    elif profit is not None:
        for name, value, column in (
            ("profit", profit.profit, "value"),
            ("lower", profit.lower, "lower"),
            ("upper", profit.upper, "upper"),
        ):
            facts[name] = Fact(value, Cell(MONEY, ("profit",), column))
        facts["revenue"] = Fact(profit.revenue, Cell(MONEY, ("revenue",), "value"))
        money = abs(profit.profit)
    else:
        return [Finding("campaign.verdict", severity, facts, "data_fix", case=str(judged.reason))]
    return [Finding("campaign.verdict", severity, facts, measure, money=money, case=f"area.{judged.reason}")]
