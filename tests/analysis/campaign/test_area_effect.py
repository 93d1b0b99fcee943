"""Campaigns that ran in some places: what they did is found, and nothing is said where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.area_effect import AreaEffect, area_effect
from crmreport.analysis.campaign.area_series import AREA
from crmreport.analysis.campaign.plan import CampaignPlan
from tests.analysis.campaign.places import AS_OF, START, lines_of, plan, sold


@cache
def found_in(seed: int = 1, effect: float = 0.0, **given: float) -> tuple[AreaEffect, float]:
    table, truth = sold(seed, effect=effect, **given)
    return area_effect(lines_of(table), plan=plan(), as_of=AS_OF), truth


def test_intervals_hold_what_the_campaign_did_and_what_it_did_not():
    # Seeds 0–29 each, of which some are withheld.
    held, told, pays, rolls = [], 0, [], []
    for effect in (0.0, 0.25):
        for seed in range(30):
            found, truth = found_in(seed, effect)
            if found.revenue is None:
                continue
            told += 1
            held.append(found.revenue.lower <= truth <= found.revenue.upper)
            rolls.append(found.judged.verdict == "roll_out")
            if effect:
                pays.append(found.lift.lower > 0)
    assert told >= 50
    assert np.mean(held) > 0.88
    assert np.mean(pays) > 0.8
    assert not any(rolls), "nobody drew lots"


def test_the_same_on_every_engine(engine):
    table, _ = sold(2, n=8)
    found = area_effect(engine(lines_of(table)), plan=plan(), as_of=AS_OF)
    assert found.lift.difference == pytest.approx(found_of_pandas().lift.difference, rel=1e-12)
    assert found.judged == found_of_pandas().judged


@cache
def found_of_pandas() -> AreaEffect:
    table, _ = sold(2, n=8)
    return area_effect(lines_of(table), plan=plan(), as_of=AS_OF)


def twins(**columns: float) -> pd.DataFrame:
    """Six stores that each go their own way, and ``s00``, twice the mean of two of them."""
    rng = np.random.default_rng(4)
    days = pd.date_range(START - timedelta(days=210), date(2026, 8, 30))
    walks = 100 + rng.normal(0, 1, (len(days), 6)).cumsum(axis=0)
    table = pd.DataFrame(walks, index=days.rename("order_date"), columns=[f"s{i:02d}" for i in range(1, 7)])
    table["s00"] = table["s01"] + table["s02"]
    return table.assign(**columns)


def test_worked_by_hand():
    # s00 is made of two donors of about its own course: what is added after the start is found to the yen.
    table = twins()
    table.loc[str(START) :, "s00"] += 10
    found = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    assert found.control.weights["donor"].tolist()[:2] == ["s01", "s02"]
    assert found.revenue.difference == pytest.approx(28 * 10, rel=0.01)
    assert found.level == pytest.approx(float(table.loc[:"2026-08-02", "s00"].mean()))
    assert found.profit.profit == pytest.approx(0.5 * found.revenue.difference - 100)
    assert (found.profit.cost, found.profit.n_treatment) == (100, 1)
    assert found.periods.period_days == 7
    assert found.last_day == date(2026, 8, 30)


def test_places_of_different_size_are_compared_by_their_course():
    table, _ = sold(6, effect=0.25)
    small = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    large = area_effect(lines_of(table.assign(s00=table["s00"] * 50)), plan=plan(), as_of=AS_OF)
    assert large.lift.difference == pytest.approx(small.lift.difference)
    assert large.revenue.difference == pytest.approx(50 * small.revenue.difference)


def test_the_places_of_a_campaign_are_one():
    table, _ = sold(7)
    found = area_effect(lines_of(table), plan=plan("s00", "s02"), as_of=AS_OF)
    assert not {"s00", "s02"} & set(found.control.weights["donor"])
    both = table.assign(s00=table["s00"] + table["s02"]).drop(columns="s02")
    one = area_effect(lines_of(both), plan=plan(), as_of=AS_OF)
    assert found.lift.difference == pytest.approx(one.lift.difference)


def test_four_weeks_where_weeks_are_too_noisy():
    found, _ = found_in(1, size=6.0, days=728)
    assert found.periods.period_days == 28
    assert found.periods.n_before == 26
    assert found_in(1)[0].periods.period_days == 7


def test_profit_is_as_unsure_as_donors_are_few():
    found, _ = found_in(3, 0.25)
    profit = found.profit
    assert found.lift.n_control == 11
    assert profit.lower < profit.profit < profit.upper
    assert profit.upper - profit.profit > 2.1 * profit.standard_error, (
        "Student's t with 11 degrees of freedom"
    )
    assert 0 < profit.p_positive < 1


def test_a_margin_nobody_knows_leaves_the_effect():
    table, _ = sold(3, effect=0.25)
    found = area_effect(lines_of(table), plan=plan(margin_rate=None), as_of=AS_OF)
    assert (found.judged.verdict, found.judged.reason) == ("cannot_say", "no_profit_known")
    assert found.revenue.lower > 0
    assert found.profit is None


VERDICTS = {
    "it paid": (0.5, 0.0, "keep_testing", "profit_likely_but_not_randomised"),
    "it sold more and cost more": (0.5, 50_000.0, "stop", "profit_unlikely"),
    "nobody knows": (0.0, 0.0, "keep_testing", "too_uncertain"),
}


@pytest.mark.parametrize(("effect", "fixed", "verdict", "reason"), VERDICTS.values(), ids=VERDICTS)
def test_verdicts(effect, fixed, verdict, reason):
    table, _ = sold(3, effect=effect)
    costs = replace(plan().costs, fixed=fixed)
    found = area_effect(lines_of(table), plan=plan(costs=costs), as_of=AS_OF)
    assert (found.judged.verdict, found.judged.reason, found.judged.grade) == (verdict, reason, "adjusted")


def grown() -> pd.DataFrame:
    """One store grows threefold, as no other does."""
    table, _ = sold(2)
    return table.assign(s00=table["s00"] * np.linspace(1, 3, len(table)))


def leapt() -> pd.DataFrame:
    """Sales doubled three weeks before the campaign."""
    table, _ = sold(2)
    table.loc[str(START - timedelta(days=21)) :, "s00"] *= 1.6
    return table


def silent() -> pd.DataFrame:
    """The store's last two weeks were never delivered."""
    table, _ = sold(2)
    table.loc["2026-08-17":, "s00"] = 0.0
    return table


def till_stopped() -> pd.DataFrame:
    """Four-week periods, and the store's till data stop on the tenth day of 28."""
    table, _ = sold(1, size=6.0, days=728)
    table.loc["2026-08-13":, "s00"] = 0.0
    return table


WITHHELD = {
    "grows as no other store does": (grown, {}, ("poor_fit_before",)),
    "had moved before the start": (leapt, {}, ("moved_before_start",)),
    "three donors": (lambda: sold(2, n=4)[0], {}, ("few_donors",)),
    "one donor": (lambda: sold(2)[0], {"donors": ("s03",)}, ("few_donors",)),
    "five weeks before": (lambda: sold(2, days=38)[0], {}, ("short_history",)),
    "opened with the campaign": (lambda: sold(2, days=3)[0], {}, ("short_history",)),
    "sales of the store are missing": (silent, {}, ("no_sales_after",)),
    "they end within the only period": (till_stopped, {}, ("no_sales_after",)),
}


@pytest.mark.parametrize(("table", "given", "reasons"), WITHHELD.values(), ids=WITHHELD)
def test_withheld(table, given, reasons):
    found = area_effect(lines_of(table()), plan=plan(**given), as_of=AS_OF)
    assert set(reasons) <= set(found.reasons)
    assert (found.lift, found.revenue, found.profit) == (None, None, None)
    assert (found.judged.verdict, found.judged.reason) == ("cannot_say", "diagnostic_failed")
    assert found.judged.details == found.reasons


def test_a_large_store_of_several_is_missed_and_a_tiny_one_is_not():
    table, _ = sold(2)
    for share, missed in ((1.0, True), (0.02, False)):
        both = table.assign(s01=(table["s00"] * share).where(table.index < "2026-08-13", 0.0))
        found = area_effect(lines_of(both, other="s02"), plan=plan("s00", "s01"), as_of=AS_OF)
        assert ("no_sales_after" in found.reasons) == missed


def test_a_store_whose_sales_end_is_no_donor():
    table, _ = sold(1, size=6.0, days=728)
    whole = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    assert whole.periods.period_days == 28
    table.loc["2026-08-13":, "s05"] = 0.0
    found = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    assert "s05" in set(whole.control.weights["donor"])
    assert (found.periods.left_out, found.reasons) == (("s05",), ())


def other(*places: str, start: date, days: int = 1, window: int = 15) -> CampaignPlan:
    """Another campaign of the client in some stores."""
    end = start + timedelta(days=days - 1)
    return replace(plan(*places), campaign_id="other", start=start, end=end, window_days=window)


MEET = {
    "the same days": ((START,), True),
    "its window reaches into the start": ((START - timedelta(days=14),), True),
    "its window ends on the day before": ((START - timedelta(days=15),), False),
    "it begins on the last day counted": ((date(2026, 8, 30),), True),
    "it begins after that": ((date(2026, 8, 31),), False),
}


@pytest.mark.parametrize(("days", "meets"), MEET.values(), ids=MEET)
def test_two_campaigns_in_one_place_in_the_same_days_are_not_told_apart(days, meets):
    table, _ = sold(3, effect=0.25)
    beside = [plan("s00", "s01"), other("s01", start=days[0])]
    found = area_effect(lines_of(table), plan=beside[0], as_of=AS_OF, plans=beside)
    assert (found.reasons[:1] == ("other_campaign",)) == meets
    assert (found.revenue is None) == meets
    if meets:
        assert (found.judged.verdict, found.judged.reason) == ("cannot_say", "diagnostic_failed")


def test_where_another_campaign_ran_is_no_donor_unless_named():
    table, _ = sold(3, effect=0.25)
    lines = lines_of(table)
    for start, left_out in ((START, ("s04",)), (START - timedelta(days=200), ())):
        beside = [plan(), other("s04", start=start)]
        found = area_effect(lines, plan=plan(), as_of=AS_OF, plans=beside)
        assert (found.periods.left_out, found.reasons) == (left_out, ())
    named = plan(donors=tuple(f"s{i:02d}" for i in range(1, 9)))
    found = area_effect(lines, plan=named, as_of=AS_OF, plans=[named, other("s04", start=START)])
    assert found.periods.left_out == ()


def test_campaigns_of_other_places_and_those_that_were_sent_change_nothing():
    table, _ = sold(3, effect=0.25)
    prefecture = replace(other("s00", start=START), area=replace(plan().area, column="prefecture"))
    sent = CampaignPlan("m", "mail", START, START)
    alone = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    found = area_effect(lines_of(table), plan=plan(), as_of=AS_OF, plans=[plan(), prefecture, sent])
    assert found.revenue == alone.revenue


def test_what_an_earlier_campaign_sold_in_the_area_is_no_usual_level():
    table, _ = sold(2)
    first = START - timedelta(days=28)
    table.loc[str(first) : str(first + timedelta(days=13)), "s00"] *= 1.8
    alone = area_effect(lines_of(table), plan=plan(), as_of=AS_OF)
    assert alone.reasons
    earlier = other("s00", start=first, window=14)
    found = area_effect(lines_of(table), plan=plan(), as_of=AS_OF, plans=[plan(), earlier])
    assert found.reasons == ()
    assert found.periods.n_before == 50
    untouched, _ = sold(2)
    level = area_effect(lines_of(untouched), plan=plan(), as_of=AS_OF).level
    assert found.level == pytest.approx(level, rel=0.02)


RUNNING = {
    "the window is not over": (date(2026, 8, 29), AS_OF),
    "the orders on file end before it is": (AS_OF, date(2026, 8, 20)),
}


@pytest.mark.parametrize(("as_of", "until"), RUNNING.values(), ids=RUNNING)
def test_nothing_is_told_before_the_window_is_over(as_of, until):
    table, _ = sold(1, effect=3.0)
    rows = lines_of(table, until=until)
    rows = rows[rows["order_date"] <= pd.Timestamp(until)]
    found = area_effect(rows, plan=plan(), as_of=as_of)
    assert found.running
    assert (found.judged.verdict, found.judged.reason) == ("keep_testing", "still_running")
    assert (found.control, found.lift, found.placebo, found.profit) == (None, None, None, None)


def test_a_future_order_changes_nothing():
    table, _ = sold(1)
    rows = lines_of(table)
    late = rows.assign(order_date=rows["order_date"] + timedelta(days=900), revenue=1e6)
    left, right = (area_effect(each, plan=plan(), as_of=AS_OF) for each in (rows, pd.concat([rows, late])))
    assert left.revenue == right.revenue


def test_what_is_shown_adds_up():
    found, _ = found_in(3, 0.25)
    after = found.control.series[found.control.series["after"]]
    days = found.periods.days.iloc[found.periods.n_before :].to_numpy()
    assert found.revenue.difference == pytest.approx(float((after["gap"] * days).sum()) * found.level)
    assert days.sum() == 28
    assert found.control.gaps.columns[0] == AREA
    assert found.lift.p_value == found.control.p_value


def test_a_campaign_that_was_sent_is_evaluated_otherwise():
    sent = CampaignPlan("m", "mail", START, START)
    with pytest.raises(ValueError, match="'m' is of no area"):
        area_effect(lines_of(sold(1)[0]), plan=sent, as_of=AS_OF)
