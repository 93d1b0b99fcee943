"""The life-cycle chapter: sentences by case, and findings whose numbers stand in the tables."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmreport.analysis.approach import SecondPurchase, second_purchase_window, valuable_at_risk
from crmreport.analysis.lifecycle import Thresholds, lifecycle_flows, lifecycle_states
from crmreport.analysis.purchase_gaps import purchase_gaps
from crmreport.present import lifecycle as page
from crmreport.present.style import Style
from crmreport.present.words import Words

AS_OF = date(2026, 12, 31)
YEAR_AGO = date(2025, 12, 31)
DAYS = Thresholds(30, 60, 90)
JA, EN = Words("ja"), Words("en")


def shop(*rows: tuple[str, int]) -> pd.DataFrame:
    """Order lines worth 100 from (customer, days before as_of)."""
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _ in rows],
            "order_id": [str(number) for number in range(len(rows))],
            "order_date": pd.to_datetime([AS_OF - timedelta(days=day) for _, day in rows]),
            "revenue": 100.0,
            "is_return": False,
        }
    )


def results(*rows: tuple[str, int]):
    lines = shop(*rows)
    states = lifecycle_states(lines, as_of=AS_OF, thresholds=DAYS, value_since=date(2026, 1, 1))
    year = lifecycle_flows(lines, start=YEAR_AGO, states=states)
    month = lifecycle_flows(lines, start=date(2026, 11, 30), states=states)
    return lines, states, year, month


def best_days(lines: pd.DataFrame) -> SecondPurchase:
    found = second_purchase_window(lines, as_of=AS_OF)
    assert found is not None
    return found


OLD = ("old", 900)  # long lapsed; makes the history long enough
ROWS = (
    OLD,
    ("a", 5),
    ("a", 380),
    ("b", 40),
    ("b", 60),
    ("c", 45),
    ("d", 70),
    ("d", 370),
    ("e", 20),
    ("e", 40),
)

MESSAGES = {
    "nobody is late, as a year ago": (
        (OLD, ("a", 5), ("a", 370)),
        "離反予備軍や休眠の状態にある顧客はいない",
        "No customer is slipping or dormant",
    ),
    "nobody is late": ((("a", 5),), "離反予備軍や休眠の状態にある顧客はいない", "No customer is slipping"),
    "nobody has bought": ((), "購入した顧客はまだいない", "No customer has bought yet"),
    "all have lapsed": ((OLD,), "全員が離反している", "Every customer who ever bought has lapsed"),
    "more are late than a year ago": (
        (OLD, ("a", 370), ("a", 5), ("b", 40), ("c", 70)),
        "66.7%が離反予備軍・休眠で、1年前から+66.7ポイントと悪化",
        "+66.7 pts on a year ago",
    ),
    "fewer are late than a year ago": (
        (OLD, ("a", 5), ("a", 400), ("b", 5), ("b", 366)),
        "0.0%が離反予備軍・休眠で、1年前から−50.0ポイントと改善",
        "an improvement of −50.0 pts on a year ago",
    ),
    "as many as a year ago": (
        (OLD, ("a", 5), ("a", 370), ("b", 40), ("c", 405)),
        "1年前とほぼ同じ水準",
        "about the same as a year ago",
    ),
    "the history is too short": (
        (("a", 5), ("b", 40)),
        "50.0%が、離反予備軍か休眠",
        "50.0% of customers not yet lost",
    ),
}


@pytest.mark.parametrize(("rows", "ja", "en"), MESSAGES.values(), ids=MESSAGES)
def test_message(rows, ja, en):
    _, states, year, _ = results(*rows)
    text = page.message(states, year).text
    assert ja in JA.say(text)
    assert en in EN.say(text)


def test_the_messages_share_stands_in_the_rates():
    _, states, year, month = results(*ROWS)
    rates = page.rates_table(states, year, month).frame.set_index(["measure", "end"])
    assert rates.loc[("late", AS_OF), "rate"] == page.message(states, year).text.values["share"]


def test_a_period_of_one_year_is_not_told_twice():
    _, states, year, _ = results(*ROWS)
    rates = page.rates_table(states, year, year).frame
    assert not rates.duplicated(["measure", "start"]).any()


FIVE = tuple((f"{customer}{copy}", day) for copy in range(5) for customer, day in ROWS)


def test_few_customers_make_no_finding():
    lines, states, *_ = results(*ROWS)
    assert page.findings(valuable_at_risk(states), best_days(lines)) == []


def test_every_number_of_a_finding_stands_in_its_table():
    lines, states, *_ = results(*FIVE)
    at_risk, second = valuable_at_risk(states), best_days(lines)
    tables = {t.id: t for t in (page.at_risk_table(at_risk), page.second_table(second))}
    found = page.findings(at_risk, second)
    assert {finding.id for finding in found} == {"lifecycle.slipping_valuable", "lifecycle.one_time"}
    for finding in found:
        for name, fact in finding.facts.items():
            table = tables[fact.cell.table]
            frame = table.frame.set_index(list(table.row_key))
            assert frame.loc[fact.cell.row, fact.cell.column].item() == fact.value, name


def test_lists_name_whom_and_why():
    lines, states, *_ = results(*FIVE)
    at_risk, second = valuable_at_risk(states), best_days(lines)
    late, once = (finding.customers.customers for finding in page.findings(at_risk, second))
    assert dict(zip(late["customer_id"], late["reason"], strict=True)) == {
        f"b{n}": "slipping" for n in range(5)
    }
    assert dict(zip(once["customer_id"], once["reason"], strict=True)) == {
        f"c{n}": "one_time" for n in range(5)
    }
    assert JA.label("lifecycle.reason.slipping") == "離反予備軍の優良顧客"


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words):
    lines, states, year, month = results(*ROWS)
    gaps = purchase_gaps(lines, as_of=AS_OF)
    tables = [
        page.states_table(states, year),
        page.flows_table(year),
        page.rates_table(states, year, month),
        page.thresholds_table(gaps, states),
        page.at_risk_table(valuable_at_risk(states)),
        page.second_table(best_days(lines)),
    ]
    for table in tables:
        assert "<table>" in table.html(words)
    for chart in (page.states_chart(states, year), page.flows_chart(year), page.gaps_chart(gaps, states)):
        assert "<img" in chart.html(words, Style())
    assert words.say(page.note(year, month).text)


def test_nobody_has_bought_twice():
    lines, states, *_ = results(("a", 5), ("b", 40))
    shown = page.gaps(purchase_gaps(lines, as_of=AS_OF), states)
    assert "2回以上購入した顧客がいないため" in JA.say(shown[0].text)
    assert "–" in shown[1].html(JA)
    assert page.second(None) == []
    assert page.findings(valuable_at_risk(states), None) == []


def test_thresholds_below_every_gap_draw_a_chart():
    lines, *_ = results(("a", 5), ("a", 905))
    states = lifecycle_states(lines, as_of=AS_OF, thresholds=DAYS)
    assert "<img" in page.gaps_chart(purchase_gaps(lines, as_of=AS_OF), states).html(EN, Style())


def test_a_short_history_leaves_the_year_ago_blank():
    _, states, year, month = results(("a", 5), ("b", 40))
    assert page.states_table(states, year).frame["customers_before"].isna().all()
    assert set(page.rates_table(states, year, month).frame["end"]) == {AS_OF}
