"""Member ranks in the customers chapter: the table, the chart and the finding of a silent high rank."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmreport.analysis.rank_silence import RankSilence, rank_silence
from crmreport.present import ranks as page
from crmreport.present.style import Style
from crmreport.present.words import Words

AS_OF = date(2026, 12, 31)
JA, EN = Words("ja"), Words("en")


def club(*, silent: int, order: tuple[str, ...] = ("シルバー", "ゴールド"), begin: int = 900) -> RankSilence:
    """40 gold members who buy every 10 days, some of them until half a year ago; 40 silver buy rarely."""
    rows, ranks = [("s0", begin, 1.0)], {}
    for i in range(40):
        last = 180 if i < silent else 0
        rows += [(f"g{i}", last + 10 * k, 100.0 + i) for k in range(5)]
        rows += [(f"s{i}", day, 1.0) for day in (150, 60)]
        ranks |= {f"g{i}": "ゴールド", f"s{i}": "シルバー"}
    rows = [(customer, day, money) for customer, day, money in rows if day <= begin]
    lines = pd.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in rows],
            "order_id": [str(number) for number in range(len(rows))],
            "order_date": pd.to_datetime([AS_OF - timedelta(days=day) for _, day, _ in rows]),
            "revenue": [money for *_, money in rows],
            "is_return": False,
        }
    )
    members = pd.DataFrame({"customer_id": list(ranks), "rank": list(ranks.values())})
    return rank_silence(
        lines, members, as_of=AS_OF, since=date(2026, 1, 1), silent_days=100, order=list(order)
    )


def test_the_finding_names_rank_numbers_and_customers():
    (finding,) = page.findings(club(silent=12))
    assert (finding.id, finding.severity, finding.measure) == (
        "customers.rank_silent",
        "warning",
        "return_offer",
    )
    assert finding.money == sum(5 * (100.0 + i) for i in range(12))
    assert "「ゴールド」の顧客40人のうち12人（30.0%）が、100日以上" in finding.text(JA)["what"]
    assert "12 of 40 “ゴールド” customers (30.0%)" in finding.text(EN)["what"]
    assert finding.customers is not None
    listed = finding.customers.customers
    assert listed["customer_id"].tolist() == [f"g{i}" for i in reversed(range(12))]
    assert set(listed["reason"]) == {"rank_silent"}


def test_every_number_of_the_finding_stands_in_the_table():
    result = club(silent=12)
    table = page.silence_table(result)
    frame = table.frame.set_index(list(table.row_key))
    for name, fact in page.findings(result)[0].facts.items():
        if fact.cell is None:
            assert name in ("rank", "days")
            continue
        assert fact.cell.table == table.id
        assert frame.loc[fact.cell.row, fact.cell.column].item() == fact.value, name


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(club(silent=0), id="nobody silent"),
        pytest.param(club(silent=12, begin=99), id="a history too short to see it"),
        pytest.param(None, id="no ranks"),
    ],
)
def test_no_finding(result):
    assert page.findings(result) == []


def test_without_ranks_nothing_is_shown():
    assert page.silence(None) == []


def test_the_chart_is_drawn_only_where_a_high_rank_stands_out():
    assert [type(thing).__name__ for thing in page.silence(club(silent=12))] == ["Chart", "Table"]
    assert [type(thing).__name__ for thing in page.silence(club(silent=0))] == ["Table"]


@pytest.mark.parametrize(
    ("order", "ja"),
    [
        pytest.param(("シルバー", "ゴールド"), "貴社の定義", id="the client's order"),
        pytest.param((), "1人あたり購入金額の高い順", id="an order read from revenue is said to be one"),
    ],
)
def test_the_note_says_where_the_order_comes_from(order, ja):
    assert ja in JA.say(page.silence_table(club(silent=12, order=order)).note)


def test_a_history_too_short_to_be_silent_in_is_said_so():
    (note,) = page.silence(club(silent=12, begin=99))
    assert "基準日までの100日分" in JA.say(note.text)
    assert "do not cover the 100 days" in EN.say(note.text)


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words):
    result = club(silent=12)
    assert "ゴールド" in page.silence_table(result).html(words)
    assert "<img" in page.silence_chart(result, "ゴールド").html(words, Style())
