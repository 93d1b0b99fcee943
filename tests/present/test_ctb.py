from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.ctb import ctb_profiles, ctb_shares
from crmreport.analysis.ctb_cells import cell_prospects, ctb_cells
from crmreport.analysis.entry_products import entry_products
from crmreport.period import Period
from crmreport.present import Chart, Note, Style, Words
from crmreport.present import ctb as page
from tests.analysis.test_ctb_cells import BY, PRODUCTS, planted_shop, random_shop

OCTOBER = Period.parse("2026-10")
AXES = {"category": ["category"], "brand": ["brand"]}
LANGUAGES = ("ja", "en")


def entry_shop():
    rows = []
    for i in range(600):
        product = ("mh", "so", "sh")[i % 3]
        rows.append((f"c{i:03d}", f"{i}-1", "2026-02-01", 10.0, product))
        if i % 10 < (6 if product == "so" else 3):
            rows.append((f"c{i:03d}", f"{i}-2", "2026-03-01", 10.0, "sh"))
    rows.append(("late", "late", "2026-10-20", 10.0, "mh"))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue", "product_id"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


def chapter(lines, *, entry_lines=None):
    shares = ctb_shares(lines, PRODUCTS, axes=AXES, period=OCTOBER)
    cells = ctb_cells(lines, PRODUCTS, by=BY, period=OCTOBER)
    cell = page.push_cell(cells)
    prospects = cell_prospects(lines, PRODUCTS, by=BY, cell=cell, period=OCTOBER) if cell else None
    entry = entry_products(
        lines if entry_lines is None else entry_lines, PRODUCTS, columns=["brand"], as_of=date(2026, 10, 31)
    )
    return shares, cells, entry, prospects


CASES = {
    "a cell to push and one to fix": (
        planted_shop()[0],
        "mask×Houseが前期比+100.0%と伸び、soap×Otherは買い直しが0.0%にとどまる",
        "mask × House grew +100.0%, while only 0.0% buy soap × Other again",
    ),
    "nothing stands out": (random_shop(seed=7)[0], "の柱は", "carries"),
}


@pytest.mark.parametrize(("lines", "ja", "en"), CASES.values(), ids=CASES.keys())
def test_message(lines, ja, en):
    shares, cells, _, _ = chapter(lines)
    message = page.message(shares, cells)
    assert ja in Words("ja").say(message.text)
    assert en in Words("en").say(message.text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lines", [case[0] for case in CASES.values()], ids=CASES.keys())
def test_everything_can_be_said_and_drawn(lines, lang):
    shares, cells, entry, prospects = chapter(lines, entry_lines=entry_shop())
    profiles = ctb_profiles(lines, PRODUCTS, axes=AXES, period=OCTOBER)
    things = [
        page.message(shares, cells), page.shares_chart(shares), page.shares(shares), page.coverage(shares),
        page.profiles(profiles), page.lift_map(cells), page.cells(cells), page.push(cells), page.fix(cells),
        page.entry_chart(entry), page.entry(entry), page.lists(entry, prospects),
        *page.findings(cells, entry, prospects),
    ]  # fmt: skip
    words = Words(lang)
    for thing in things:
        html = thing.html(words, Style()) if isinstance(thing, Chart) else thing.html(words)
        assert ">nan" not in html


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_the_columns_of_cells_mean_stands_under_the_first_table(lang):
    _, cells, _, _ = chapter(planted_shop()[0])
    words = Words(lang)
    first, second = page.cell_tables([cells, cells])
    assert words.say(first.note) == words.say(page.cells(cells).note)
    assert words.say(first.title) in words.say(second.note)


def test_findings_and_their_cells():
    _, cells, entry, prospects = chapter(planted_shop()[0], entry_lines=entry_shop())
    found = {finding.id: finding for finding in page.findings(cells, entry, prospects)}
    assert list(found) == ["ctb.push", "ctb.fix", "ctb.entry_product"]
    assert found["ctb.entry_product"].facts["value"].value == "Other"
    assert found["ctb.entry_product"].customers.customers["customer_id"].tolist() == ["late"]
    assert found["ctb.push"].customers.customers["reason"].unique().tolist() == ["likes_value"]
    shown = (page.push(cells), page.fix(cells), page.entry(entry), page.lists(entry, prospects))
    tables = {table.id: table for table in shown}
    for finding in found.values():
        for fact in finding.facts.values():
            if fact.cell is not None:
                table = tables[fact.cell.table]
                rows = {tuple(row[k] for k in table.row_key): row for row in table.frame.to_dict("records")}
                assert rows[fact.cell.row][fact.cell.column] == pytest.approx(fact.value)


def test_the_same_customers_under_another_name_are_one_line_of_the_chart():
    _, _, entry, _ = chapter(planted_shop()[0], entry_lines=entry_shop())
    twin = entry.table.assign(attribute="kind", value=entry.table["value"] + " kind")
    double = replace(entry, table=pd.concat([entry.table, twin], ignore_index=True))
    assert page.entry_chart(double).height == page.entry_chart(entry).height
    assert len(page.entry(double).frame) == 2 * len(page.entry(entry).frame)


def test_two_values_of_one_attribute_with_equal_counts_are_two_lines_of_the_chart():
    _, _, entry, _ = chapter(planted_shop()[0], entry_lines=entry_shop())
    named = entry.table["value"] + " too"
    double = replace(entry, table=pd.concat([entry.table, entry.table.assign(value=named)]))
    n_clear = int((entry.table["p_holm"] < 0.05).sum())
    grown = page.entry_chart(double).height - page.entry_chart(entry).height
    assert grown == pytest.approx(0.3 * n_clear)


def test_without_anything_to_say_there_are_sentences_and_no_findings():
    _, cells, entry, prospects = chapter(random_shop(seed=7)[0])
    assert page.findings(cells, entry, prospects) == []
    for thing in (page.push(cells), page.fix(cells), page.lists(entry, prospects)):
        assert isinstance(thing, Note)


def test_one_axis_has_no_cells_and_still_a_message():
    lines = planted_shop()[0]
    shares = ctb_shares(lines, PRODUCTS, axes={"brand": ["brand"]}, period=OCTOBER)
    assert "の柱は" in Words("ja").say(page.message(shares, None).text)
    assert page.findings(None, None) == []


def test_the_page_shows_each_axis_before_the_rest():
    shares, *_ = chapter(random_shop(seed=7)[0])
    assert page.shares(shares).frame["axis"].head(4).tolist() == ["category", "category", "brand", "brand"]


UNITS = {
    "customer_day": ("同じ日の注文は1回と数える", "orders on one day count once"),
    "order": ("注文ごとに1回と数える", "each order counts"),
}


@pytest.mark.parametrize("unit", UNITS)
def test_every_note_says_what_one_purchase_is(unit):
    lines = entry_shop()
    year = Period.parse("2026-02-01..2026-10-31")
    tables = [
        page.shares(ctb_shares(lines, PRODUCTS, axes=AXES, period=year, unit=unit)),
        page.cells(ctb_cells(lines, PRODUCTS, by=BY, period=year, unit=unit)),
        page.entry(entry_products(lines, PRODUCTS, columns=["brand"], as_of=year.as_of, unit=unit)),
    ]
    for words, said in zip((Words("ja"), Words("en")), UNITS[unit], strict=True):
        other = next(pair for name, pair in UNITS.items() if name != unit)[words.lang == "en"]
        for table in tables:
            assert said in words.say(table.note)
            assert other not in words.say(table.note)
