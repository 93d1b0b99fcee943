"""What the campaign earned: from revenue to profit, how sure that is, and what the holdout cost."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Profit
from crmreport.present.campaign.reading import profit_of, revenue_effect
from crmreport.present.chart import Chart, few_ticks
from crmreport.present.message import Note
from crmreport.present.numbers import MoneyUnit
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

MONEY, PAYS = "campaign.money", "campaign.pays"
MONEY_COLUMNS = (
    Column("item", "label:step"),
    Column("value", "smoney", label="campaign.column.amount", scale="amount"),
    Column("lower", "smoney", scale="amount"),
    Column("upper", "smoney", scale="amount"),
)


def money(evaluation: Evaluation | None, *, programme: bool = False) -> list[Chart | Table | Note]:
    """Steps from revenue to profit with their sentence; why there are none where no profit is known.

    Args:
        evaluation: The campaign; None where there is none.
        programme: The report holds the chapter of all campaigns too, where the profit of a campaign that a
            lot decided has a second figure.
    """
    if evaluation is None or revenue_effect(evaluation) is None:
        return []
    profit = profit_of(evaluation)
    if profit is None:
        return [Note(Text("campaign.no_profit"))] if evaluation.plan.margin_rate is None else []
    if evaluation.running:
        return [Note(Text("campaign.profit_later"))]
    # What a lot did not decide is not shrunk there either.
    two = programme and evaluation.not_randomised is None
    shown: list[Chart | Table | Note] = [
        profit_said(profit),
        *([Note(Text("campaign.two_figures", profit=profit.profit))] if two else []),
        profit_chart(evaluation, profit),
        money_table(evaluation, profit),
        pays_table(evaluation, profit),
    ]
    if evaluation.holdout is not None:
        case = "paid" if evaluation.holdout.forgone > 0 else "saved"
        held = evaluation.holdout
        said = {"n": held.n_control, "forgone": abs(held.forgone)}
        shown.append(Note(Text(f"campaign.holdout.{case}", **said)))
    return shown


def profit_said(profit: Profit) -> Note:
    """How sure the profit is, in one sentence, and the margin it would take."""
    known = math.isfinite(profit.break_even_margin)
    pays = "none" if not known else "never" if profit.break_even_margin > 1 else "margin"
    if profit.revenue_lower <= 0 <= profit.revenue_upper:
        # Whether revenue rose is not known, so no margin is promised to pay or said not to.
        pays = "if_so" if pays == "margin" else "open"
    return Note(
        Text(
            "campaign.profit_said",
            profit=profit.profit,
            lower=profit.lower,
            upper=profit.upper,
            sure=profit.p_positive,
            pays=Text(f"campaign.break_even.{pays}", margin=profit.break_even_margin),
        )
    )


def steps(evaluation: Evaluation, profit: Profit) -> list[tuple[str, float]]:
    """Incremental revenue, what comes off it, and what is left: item and signed amount."""
    costs = evaluation.plan.costs
    parts = [("send", costs.send * profit.n_treatment), ("coupon", costs.coupon), ("fixed", costs.fixed)]
    # Several arms share what is fixed: then the parts are not this arm's, and only their sum is told.
    if not math.isclose(sum(part for _, part in parts), profit.cost, rel_tol=1e-9, abs_tol=1e-6):
        parts = [("cost", profit.cost)]
    found = [("revenue", profit.revenue), ("goods", profit.margin - profit.revenue)]
    return [*found, *((name, -part) for name, part in parts if part), ("profit", profit.profit)]


def profit_chart(evaluation: Evaluation, profit: Profit) -> Chart:
    """A waterfall from incremental revenue to profit, with the interval of the profit."""
    told = steps(evaluation, profit)

    def draw(ax: Any, words: Words, style: Style) -> None:
        bounds = [profit.lower, profit.upper]
        unit = MoneyUnit.for_column([*(v for _, v in told), *bounds], currency=words.currency)
        level, spans = 0.0, []
        for name, value in told[:-1]:
            spans.append((name, level, value))
            level += value
        spans.append(("profit", 0.0, told[-1][1]))
        for place, (name, start, width) in enumerate(spans):
            last = name == "profit"
            colour = style.accent if last else style.greys[0] if name == "revenue" else style.greys[2]
            ax.barh(place, width / unit.divisor, left=start / unit.divisor, height=0.6, color=colour)
            if not last:
                end = (start + width) / unit.divisor
                ax.plot([end, end], [place + 0.3, place + 0.7], color=style.greys[1], linewidth=0.6)
            sign = "+" if width > 0 else ""
            ax.annotate(
                sign + unit.write(width).replace("-", "−"), (1.02, place),
                xycoords=("axes fraction", "data"), va="center", ha="left",
                color=style.accent if last else style.ink, fontweight="bold" if last else "normal",
            )  # fmt: skip
        if all(map(math.isfinite, bounds)):
            low, high = (v / unit.divisor for v in bounds)
            place = len(spans) - 1
            ax.hlines(place, low, high, color=style.ink, linewidth=1.4)
            ax.vlines([low, high], place - 0.12, place + 0.12, color=style.ink, linewidth=1.4)
        ax.axvline(0, color=style.ink, linewidth=0.8)
        ax.set_yticks(range(len(spans)), [words.label(f"campaign.step.{name}") for name, _, _ in spans])
        ax.invert_yaxis()
        ax.set_xlabel(unit.header(words.lang))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "−"))
        ax.xaxis.set_major_locator(few_ticks())
        ax.spines["left"].set_visible(False)

    said = {"profit": abs(profit.profit), "revenue": profit.revenue, "cost": profit.cost}
    case = "gain" if profit.lower > 0 else "loss" if profit.upper < 0 else "open"
    if case == "loss" and profit.revenue <= 0:
        case = "no_revenue"
    chosen = evaluation.not_randomised
    left_out, unborne = (0, 0.0) if chosen is None else (chosen.n_left_out, chosen.left_out_cost)
    compared = "drawn" if chosen is None else "left_out" if left_out else "chosen"
    return Chart(
        "campaign.profit_chart",
        draw,
        title=Text(f"campaign.profit_chart.title.{case}", **said, lower=profit.lower, upper=profit.upper),
        subtitle=Text("campaign.profit_chart.subtitle"),
        note=Text(
            f"campaign.profit_chart.note.{compared}",
            n=profit.n_treatment,
            left_out=left_out,
            cost=unborne,
            whole=profit.profit - unborne,
            as_of=evaluation.as_of,
        ),
        alt=Text("campaign.profit_chart.alt", revenue=profit.revenue, cost=profit.cost, profit=profit.profit),
        height=0.45 + 0.24 * len(told),
    )


def money_rows(evaluation: Evaluation, profit: Profit) -> list[tuple[str, float, float, float]]:
    """From incremental revenue to profit: item, amount, and the bounds where it has some."""
    bounds = {
        "revenue": (profit.revenue_lower, profit.revenue_upper),
        "profit": (profit.lower, profit.upper),
    }
    blank = (math.nan, math.nan)
    return [(name, value, *bounds.get(name, blank)) for name, value in steps(evaluation, profit)]


def money_table(evaluation: Evaluation, profit: Profit) -> Table:
    """The same as numbers, with bounds, and the profit not made on the customers held out."""
    rows = money_rows(evaluation, profit)
    if (held := evaluation.holdout) is not None:
        rows.append(("holdout", held.forgone, held.lower, held.upper))
    return Table(
        MONEY,
        pd.DataFrame(rows, columns=["item", "value", "lower", "upper"]),
        MONEY_COLUMNS,
        title=Text("campaign.money.title"),
        note=Text(
            "campaign.money.note",
            n=profit.n_treatment,
            rate=evaluation.plan.margin_rate,
            days=evaluation.plan.window_days,
            as_of=evaluation.as_of,
        ),
    )


def pays_table(evaluation: Evaluation, profit: Profit) -> Table:
    """Profit per customer, its probability, and what it would take to break even."""
    n = max(profit.n_treatment, 1)
    blank = (math.nan, math.nan)
    rows = [
        ("profit_each", profit.profit / n, profit.lower / n, profit.upper / n, "smoney"),
        ("p_positive", profit.p_positive, *blank, "prob"),
        ("break_even_margin", profit.break_even_margin, *blank, "pct"),
        ("break_even_effect", profit.break_even_effect, *blank, "smoney"),
    ]
    return Table(
        PAYS,
        pd.DataFrame(rows, columns=["item", "value", "lower", "upper", "spec"]),
        (
            Column("item", "label:step"),
            Column("value", "row:spec"),
            Column("lower", "row:spec"),
            Column("upper", "row:spec"),
        ),
        title=Text("campaign.pays.title"),
        note=Text("campaign.pays.note", n=profit.n_treatment, as_of=evaluation.as_of),
    )
