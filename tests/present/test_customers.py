"""The customers chapter: sentences by case, and findings whose numbers stand in the tables."""

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.ledger import LeftOut
from crmreport.analysis.profile import CustomerProfile, customer_profile
from crmreport.present import customers as page
from crmreport.present.style import Style
from crmreport.present.words import Words

NOW = {"start": date(2026, 1, 1), "as_of": date(2026, 12, 31)}
BEFORE = (date(2025, 1, 1), date(2025, 12, 31))
NOBODY = LeftOut(n_guest_lines=0, guest_revenue=0.0, n_future_lines=0, n_earlier_lines=0)
JA, EN = Words("ja"), Words("en")


def profile(*, now: dict[str, float], by: str = "region", compared: bool = True) -> CustomerProfile:
    """Each group: 40 customers who spent 1,000 in 2025 and 1,000 × factor in 2026."""
    rows, people = [], []
    for group, factor in now.items():
        for number in range(40):
            customer = f"{group}{number}"
            people.append((customer, group))
            rows.append((customer, "2025-06-01", 1000.0 + number))
            rows.append((customer, "2026-06-01", (1000.0 + number) * factor))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_date", "revenue"])
    lines = lines.assign(
        order_id=[str(n) for n in range(len(lines))],
        order_date=pd.to_datetime(lines["order_date"]),
        is_return=False,
    )
    groups = pd.DataFrame(people, columns=["customer_id", "group"])
    return customer_profile(lines, groups, by=by, **NOW, before=BEFORE if compared else None)


MESSAGES = {
    "a region slips": (
        {"region": profile(now={"tohoku": 0.5, "kanto": 1.0, "kinki": 1.0})},
        "東北の売上が前年同期より50.0%減少し",
        "Tohoku lost 50.0% of its revenue",
    ),
    "an age gains": (
        {"age_band": profile(now={"20s": 2.0, "30s": 1.0, "40s": 1.0}, by="age_band")},
        "20代の売上が前年同期より100.0%増え",
        "Customers 20–29 spent 100.0% more",
    ),
    "all move alike": (
        {"region": profile(now={"tohoku": 1.0, "kanto": 1.0, "kinki": 1.0})},
        "地域ごとの増減に目立った差はない",
        "no region moved away from the others",
    ),
    "first year": (
        {"region": profile(now={"kanto": 3.0, "kinki": 1.0}, compared=False)},
        "売上の75.0%を関東が支えている",
        "Kanto carries 75.0% of revenue",
    ),
    "a client's own column": (
        {"club": profile(now={"レッド会": 0.4, "ブルー会": 1.0}, by="club")},
        "「レッド会」の売上が前年同期より60.0%減少し",
        "“レッド会” lost 60.0%",
    ),
    "no attribute": ({}, "属性を集計できるデータがない", "No customer attribute"),
}


@pytest.mark.parametrize(("profiles", "ja", "en"), MESSAGES.values(), ids=MESSAGES)
def test_message(profiles, ja, en):
    text = page.message(profiles).text
    assert ja in JA.say(text)
    assert en in EN.say(text)


def test_attributes_without_a_known_group_are_not_shown_and_said_so():
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "order_id": ["1", "2"],
            "order_date": pd.to_datetime(["2026-06-01", "2026-06-02"]),
            "revenue": [100.0, 50.0],
            "is_return": False,
        }
    )
    groups = pd.DataFrame({"customer_id": ["a"], "group": ["kanto"]})
    small = {"region": customer_profile(lines, groups, by="region", **NOW, before=None)}
    assert set(small["region"].table["kind"]) == {"other", "unknown"}
    assert EN.say(page.message(small).text) == "No customer attribute has a known group large enough to show"
    assert "空欄か" in JA.say(page.note(small).text)
    shown = page.change_charts(small), page.tables(small, left_out=NOBODY), page.split_tables(small)
    assert shown == ([], [], [])
    known = {"age_band": profile(now={"20s": 1.0, "30s": 1.0}, by="age_band")}
    assert page.message(small | known) == page.message(known)
    assert [t.id for t in page.tables(small | known, left_out=NOBODY)] == ["customers.by_age_band"]


def test_the_regions_slip_is_a_finding_with_its_lost_revenue():
    profiles = {"region": profile(now={"tohoku": 0.5, "kanto": 1.0, "kinki": 1.0})}
    (finding,) = page.findings(profiles)
    assert (finding.id, finding.measure, finding.case) == (
        "customers.region_slip",
        "region_check",
        "less_spend",
    )
    lost = sum(1000.0 + number for number in range(40)) / 2
    assert finding.money == pytest.approx(lost)
    assert "東北" in finding.text(JA)["what"]


def test_every_number_of_a_finding_stands_in_its_table():
    profiles = {"region": profile(now={"tohoku": 0.5, "kanto": 1.0, "kinki": 1.0})}
    tables = {table.id: table for table in page.tables(profiles, left_out=NOBODY)}
    for finding in page.findings(profiles):
        for name, fact in finding.facts.items():
            if fact.cell is None:
                assert isinstance(fact.value, str), name
                continue
            table = tables[fact.cell.table]
            frame = table.frame.set_index(list(table.row_key))
            assert frame.loc[fact.cell.row, fact.cell.column].item() == fact.value, name


def test_no_slip_no_finding():
    assert page.findings({"region": profile(now={"tohoku": 1.0, "kanto": 1.0})}) == []


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words):
    profiles = {
        "region": profile(now={"tohoku": 0.5, "kanto": 1.0, "kinki": 1.0}),
        "rank": profile(now={"gold": 1.0, "silver": 2.0}, by="rank", compared=False),
    }
    shown = [*page.tables(profiles, left_out=NOBODY, ranks=["silver", "gold"]), *page.split_tables(profiles)]
    for table in shown:
        assert "<table>" in table.html(words)
    for chart in page.change_charts(profiles):
        assert "<img" in chart.html(words, Style())
    assert words.say(page.note(profiles).text)


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_what_the_tables_count_stands_once_and_the_others_refer_to_it(words):
    profiles = {
        "region": profile(now={"tohoku": 0.5, "kanto": 1.0, "kinki": 1.0}),
        "age_band": profile(now={"30s": 1.0, "40s": 1.0}, by="age_band"),
        "rank": profile(now={"gold": 1.0, "silver": 2.0}, by="rank", compared=False),
    }
    first, second, third = page.tables(profiles, left_out=NOBODY)
    assert words.say(first.title) in words.say(second.note)
    assert words.say(first.title) in words.say(third.note)
    assert len(words.say(second.note)) < len(words.say(first.note)) / 2


def test_a_table_that_is_not_compared_says_so_with_nothing_to_refer_to():
    (table,) = page.tables({"rank": profile(now={"gold": 1.0}, by="rank", compared=False)}, left_out=NOBODY)
    assert "購入の結果で決まる属性" in JA.say(table.note)
    assert "顧客数＝" in JA.say(table.note)


def test_without_an_attribute_the_note_says_what_would_help():
    said = JA.say(page.note({}).text)
    assert "顧客マスタに" in said
    assert "前年同期" not in said


def test_ranks_stand_highest_first():
    profiles = {"rank": profile(now={"gold": 1.0, "silver": 2.0}, by="rank", compared=False)}
    (table,) = page.tables(profiles, left_out=NOBODY, ranks=["silver", "gold"])
    assert table.frame["group"].tolist() == ["gold", "silver"]


def test_nothing_is_split_or_drawn_without_a_comparison():
    assert page.split_tables({"rank": profile(now={"gold": 1.0}, by="rank", compared=False)}) == []
    assert page.change_charts({}) == []
