"""A planned test put together: the draw, what it can show, and the two files that keep it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from crmreport.analysis.campaign.assign import Draw, draw_arms
from crmreport.analysis.campaign.comparison import FEW_CUSTOMERS
from crmreport.analysis.campaign.evidence import FEW_BUYERS
from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.planned_test import (
    ALPHA,
    POWER,
    ArmPower,
    Baseline,
    PastWindow,
    baseline,
    past_window,
    power_of,
)
from crmreport.config_campaigns import Campaign
from crmreport.errors import DataError, TooFewError
from crmreport.plan_file import COLUMNS, FOLDER, CustomerList, Past, PlannedTest, Power, Recipe, Seen
from crmreport.plan_test.eligible import Eligible, eligible
from crmreport.report import Report

_FORMULA = r"^(?:[=@＝＠]|[+\-＋－](?!\d+$))"
_WINDOWS = 6
"""Past windows looked at, back to back; fewer where the history is shorter."""


@dataclass(frozen=True)
class Draft:
    """A planned test before it is written.

    Args:
        planned: What its file will hold.
        rows: The list of customers, as bytes.
        people: Who was eligible.
        arms: Power of each treated arm.
    """

    planned: PlannedTest
    rows: bytes
    people: Eligible
    arms: tuple[ArmPower, ...]
    fewest: int = FEW_CUSTOMERS
    """Customers an arm needs to be judged at all."""
    fewest_buyers: int = FEW_BUYERS
    """Buyers to be expected in an arm for a profit to be told."""

    @property
    def too_small(self) -> dict[str, int]:
        """Arms of fewer customers."""
        return {name: n for name, n in self.planned.arms.items() if n < self.fewest}

    @property
    def too_few_buyers(self) -> dict[str, float]:
        """Arms that make fewer buyers than a profit is told of, at the rate of the past windows."""
        rate = self.planned.power.conversion
        return {name: n * rate for name, n in self.planned.arms.items() if n * rate < self.fewest_buyers}


def draft_test(report: Report, recipe: Recipe, campaign: Campaign) -> Draft:
    """Draw a test and say what it will be able to see.

    Args:
        report: The client's data, open on ``recipe.as_of``.
        recipe: Who is drawn.
        campaign: The campaign as far as it is described.

    Raises:
        ConfigError: A segment, stratum or arm is not usable.
        DataError: Nobody is eligible, or the history is too short or without purchases.
    """
    people, drawn, rows = _drawn(report, recipe)
    base = baseline(list(_past(report, recipe, campaign.window_days)))
    margin = report.policies.gross_margin_rate if campaign.margin_rate is None else campaign.margin_rate
    arms = power_of(
        base,
        sizes=drawn.sizes,
        control=recipe.control,
        primary=campaign.primary,
        costs=Costs(send=campaign.cost.send, fixed=campaign.cost.fixed),
        margin_rate=margin,
    )
    n = len(drawn.rows)
    told = campaign.model_copy(update={"planned_customers": n, "plan": f"{FOLDER}/{recipe.campaign_id}.yml"})
    planned = PlannedTest(
        client=report.client.client,
        recipe=recipe,
        customers=n,
        arms=dict(drawn.sizes),
        strata=[{str(k): v for k, v in row.items()} for row in drawn.strata.to_dict("records")],
        assignment=CustomerList(file=f"{recipe.campaign_id}.csv", sha256=hashlib.sha256(rows).hexdigest()),
        inputs={each.name: each.sha256 for each in report.intake.inputs},
        power=_power(base, arms),
        campaigns=[told],
    )
    return Draft(planned, rows, people, arms)


def redraw(report: Report, recipe: Recipe) -> bytes:
    """The list of customers drawn once more."""
    return _drawn(report, recipe)[2]


def _drawn(report: Report, recipe: Recipe) -> tuple[Eligible, Draw, bytes]:
    people = eligible(report, recipe, day=recipe.as_of)
    drawn = draw_arms(
        people.customers,
        shares=recipe.shares,
        campaign_id=recipe.campaign_id,
        seed=recipe.seed,
        strata=recipe.stratify,
    )
    refuse_formulas(drawn.rows["customer_id"])
    text = drawn.rows[list(COLUMNS)].to_csv(index=False, lineterminator="\n")
    return people, drawn, text.encode("utf-8")


def refuse_formulas(customers: pd.Series) -> None:
    """Raise when an id would be run by the spreadsheet the list may be opened with.

    Raises:
        DataError: Some ids begin like a formula; numbers with a sign do not.

    Examples:
        >>> refuse_formulas(pd.Series(["0012", "+819012345678", "-5"]))
    """
    if n := int(customers.str.contains(_FORMULA).sum()):
        raise DataError(
            f"{n} customer ids begin like a formula of a spreadsheet (=, @, +, -); "
            "leave them out by a rule in client.yml, or have them mended"
        )


def _past(report: Report, recipe: Recipe, window_days: int) -> Iterator[PastWindow]:
    first = report.intake.first_day
    unsplit = recipe.model_copy(update={"stratify": []})
    end = recipe.as_of
    for _ in range(_WINDOWS):
        start = end - timedelta(days=window_days - 1)
        if first is None or start <= first:
            break
        try:
            people = eligible(report, unsplit, day=_before(start)).customers
        except TooFewError:
            # So early that there were no segments yet.
            break
        yield past_window(
            report.order_lines,
            people["customer_id"].tolist(),
            start=start,
            window_days=window_days,
            unit=report.policies.purchase_unit,
            zero_value_counts=report.policies.zero_value_lines_count,
        )
        end = _before(start)
    if end == recipe.as_of:
        raise DataError(
            f"the order lines begin on {first}: there is no whole window of {window_days} days before "
            f"{recipe.as_of}; choose a shorter one with --window-days"
        )


def _before(day: date) -> date:
    return day - timedelta(days=1)


def _power(base: Baseline, arms: tuple[ArmPower, ...]) -> Power:
    return Power(
        power=POWER,
        alpha=ALPHA,
        conversion=base.conversion,
        mean=base.mean,
        standard_deviation=base.standard_deviation,
        variance_reduction=base.variance_reduction,
        windows=[
            Past(start=w.start, end=w.end, customers=w.customers, conversion=w.conversion, mean=w.mean)
            for w in base.windows
        ],
        arms={
            arm.arm: Seen(
                mde=_number(arm.mde),
                mde_adjusted=_number(arm.mde_adjusted),
                pays=_number(arm.pays),
                needed=arm.needed.total if arm.needed else None,
            )
            for arm in arms
        },
    )


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
