from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.decile import decile_table
from crmreport.present import Chart, Finding, Style, Table, Words
from crmreport.present import decile as page
from tests.analysis.shops import shop

AS_OF = date(2026, 10, 31)
LANGUAGES = ("ja", "en")


def spenders(amounts: list[float], *, lapsed: int = 0):
    ids = [f"c{i:03d}" for i in range(len(amounts))]
    days = ["2026-01-05" if i < lapsed else "2026-10-01" for i in range(len(ids))]
    frame = pd.DataFrame(
        {"customer_id": ids, "order_id": ids, "order_date": pd.to_datetime(days), "revenue": amounts}
    )
    return decile_table(frame.astype({"revenue": float}), as_of=AS_OF)


STEEP = [1000.0] * 30 + [10.0] * 270
MESSAGES = {
    "1 in 6 has lapsed": (STEEP, 5, "その6人に1人が180日以上購入していない", "1 in 6 of them"),
    "40 % have lapsed": (
        STEEP,
        12,
        "その40.0%が180日以上購入していない",
        "40.0% of them have not bought",
    ),
    "hardly any has lapsed": (
        STEEP,
        1,
        "そのほとんどが今も買い続けている",
        "nearly all of them are still buying",
    ),
    "5 of 6 still buy": (
        [1000.0] * 6 + [10.0] * 54,
        1,
        "その6人のうち5人が今も買い続けている",
        "5 of these 6 are still buying",
    ),
    "9 of 10 are nearly all": (
        [1000.0] * 10 + [10.0] * 90,
        1,
        "そのほとんどが今も買い続けている",
        "nearly all of them are still buying",
    ),
    "spread evenly": ([10.0] * 300, 30, "上位10%の割合は10.0%にとどまる", "bring only 10.0%"),
}


@pytest.mark.parametrize(("amounts", "lapsed", "ja", "en"), MESSAGES.values(), ids=MESSAGES.keys())
def test_message(amounts, lapsed, ja, en):
    message = page.message(spenders(amounts, lapsed=lapsed))
    assert ja in Words("ja").say(message.text)
    assert en in Words("en").say(message.text)


def test_change_against_a_year_ago():
    steep, even = spenders(STEEP), spenders([10.0] * 300)

    def first(now, before):
        return Words("en").say(page.notes(now, before)[0].text)

    assert "a change of +" in first(steep, even)
    assert "a change of −" in first(even, steep)
    assert "about the same" in first(steep, steep)
    assert "nothing is compared" in first(steep, None)


def test_findings_name_their_cells_and_customers():
    result = spenders(STEEP, lapsed=6)
    found = {finding.id: finding for finding in page.findings(result)}
    tables = {table.id: table for table in (page.table(result), page.status_table(result))}
    assert set(found) == {"decile.lapsed_top", "decile.concentration"}
    for finding in found.values():
        assert_facts_stand_in_their_cells(finding, tables)
    assert found["decile.lapsed_top"].money == 6000
    listed = found["decile.lapsed_top"].customers.customers
    assert listed["customer_id"].tolist() == [f"c{i:03d}" for i in range(6)]
    assert set(listed["reason"]) == {"lapsed_top"}


def assert_facts_stand_in_their_cells(finding: Finding, tables: dict[str, Table]) -> None:
    for fact in finding.facts.values():
        if fact.cell is None:
            continue
        table = tables[fact.cell.table]
        keys = table.frame[list(table.row_key)].apply(tuple, axis=1)
        assert table.frame.loc[keys == fact.cell.row, fact.cell.column].iloc[0] == fact.value
        assert fact.cell.column in {column.name for column in table.columns}


def test_few_lapsed_give_no_finding():
    assert page.findings(spenders([10.0] * 300, lapsed=2)) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_can_be_said_and_drawn(lang):
    result = decile_table(shop(), as_of=AS_OF, lapsed_days=60)
    things = [
        page.message(result),
        page.table(result),
        page.status_table(result),
        *page.notes(result, result),
        *page.findings(result),
    ]
    words = Words(lang)
    assert all("{" not in thing.html(words) for thing in things)
    for chart in (page.concentration_chart(result), page.lorenz_chart(result)):
        assert isinstance(chart, Chart)
        assert "{" not in words.say(chart.title) + words.say(chart.alt) + words.say(chart.note)
        assert chart.picture(words, Style()) == chart.picture(words, Style())
