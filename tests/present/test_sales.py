from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.revenue_tree import split_change
from crmreport.analysis.sales import kpi_table
from crmreport.analysis.sales_lines import sales_lines
from crmreport.analysis.sales_monthly import monthly_sales
from crmreport.analysis.sales_split import new_and_repeat, sales_by
from crmreport.period import Period
from crmreport.present import Chart, Note, Style, Words
from crmreport.present import sales as page

OCTOBER = Period.parse("2026-10")
AS_OF = date(2026, 10, 31)
LANGUAGES = ("ja", "en")


def shop(*, last_year: int, now: int, price: float = 100.0, guests: int = 0) -> pd.DataFrame:
    """Customers who bought in October of both years; new ids this year when there are more."""
    rows = [("old", "o", "2025-10-01", 0.5)]
    rows += [(f"c{i}", f"a{i}", "2025-10-05", 100.0) for i in range(last_year)]
    rows += [(f"c{i}", f"b{i}", "2026-10-05", price) for i in range(now)]
    rows += [(None, f"g{i}", "2026-10-06", 100.0) for i in range(guests)]
    rows.append(("old", "z", "2026-10-31", 0.5))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]), channel="store")


def results(lines: pd.DataFrame):
    kpis = kpi_table(sales_lines(lines, as_of=AS_OF), period=OCTOBER)
    base = kpis.year_ago if kpis.year_ago.observed else kpis.previous
    return kpis, split_change(base, kpis.now), new_and_repeat(sales_lines(lines, as_of=AS_OF), period=OCTOBER)


PAUSES = pd.date_range("2026-09-01", "2026-10-14", freq="2D")
CASES = {
    "more buyers": (
        shop(last_year=100, now=150),
        "前年同月比50.0%増。主因は購入者数の増加",
        "up 50.0% on the same month a year earlier, mainly from more buyers",
    ),
    "the same buyers pay less": (
        shop(last_year=100, now=100, price=80.0),
        "前年同月比20.0%減。主因は商品単価の低下",
        "down 20.0% on the same month a year earlier, mainly from less revenue per item",
    ),
    "half a percent is no change": (
        shop(last_year=200, now=201),
        "前年同月比+0.5%でほぼ横ばい",
        "little changed (+0.5%)",
    ),
    "nothing was sold a year ago": (
        shop(last_year=0, now=50).assign(revenue=lambda f: f["revenue"].where(f["order_date"] > "2026", 0.0)),
        "2026年10月の売上は5,000円、2025年10月は0円",
        "was ¥5,000, against ¥0 in October 2025",
    ),
    "more was returned than sold": (
        shop(last_year=50, now=1, price=-100.0),
        "2026年10月の売上は−100円、2025年10月は5,000円",
        "was −¥100, against ¥5,000 in October 2025",
    ),
    "the data stop before the period ends": (
        shop(last_year=50, now=50)[lambda f: f["order_id"] != "z"].pipe(
            lambda f: pd.concat(
                [f, *(f[f["order_id"] == "b0"].assign(order_date=d, order_id=str(d)) for d in PAUSES)]
            )
        ),
        "期末までのデータがそろっていない速報",
        "the data do not reach the end of the period",
    ),
    "two buyers are no cause": (
        shop(last_year=2, now=1),
        "前年同月比49.9%減",
        "down 49.9% on the same month a year earlier",
    ),
    "first period": (
        shop(last_year=0, now=50).iloc[1:],
        "比較できる過去のデータはなし",
        "there is no earlier period to compare with",
    ),
}


@pytest.mark.parametrize(("lines", "ja", "en"), CASES.values(), ids=CASES.keys())
def test_message(lines, ja, en):
    kpis, tree, _ = results(lines)
    message = page.message(kpis, tree)
    assert ja in Words("ja").say(message.text)
    assert en in Words("en").say(message.text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("lines", [case[0] for case in CASES.values()], ids=CASES.keys())
def test_everything_can_be_said_and_drawn(lines, lang):
    kpis, tree, kinds = results(lines)
    sold = sales_lines(lines, as_of=AS_OF, keep=["channel"])
    months = monthly_sales(sold)
    things = [
        page.kpi(kpis), page.monthly_chart(months), page.monthly(months), page.tree_chart(tree),
        page.tree_table(tree), page.new_customers_note(kpis), page.split_table(kinds),
        page.split_table(sales_by(sold, by="channel", period=OCTOBER)),
        *page.findings(kpis, tree, kinds),
    ]  # fmt: skip
    words = Words(lang)
    for thing in things:
        html = thing.html(words, Style()) if isinstance(thing, Chart) else thing.html(words)
        assert "nan" not in html.lower().split("base64")[0]


def test_facts_of_findings_stand_in_their_tables():
    kpis, tree, kinds = results(shop(last_year=400, now=300, guests=60))
    tables = {t.id: t for t in (page.kpi(kpis), page.tree_table(tree), page.split_table(kinds))}
    found = page.findings(kpis, tree, kinds)
    assert [finding.id for finding in found] == ["sales.driver", "sales.new_customers", "sales.guests"]
    for finding in found:
        for fact in finding.facts.values():
            if fact.cell is not None:
                table = tables[fact.cell.table]
                rows = {tuple(row[k] for k in table.row_key): row for row in table.frame.to_dict("records")}
                assert rows[fact.cell.row][fact.cell.column] == pytest.approx(fact.value)


def test_fewer_new_customers_is_a_finding_only_beyond_chance():
    def with_new(before: int, after: int):
        rows = [("first", "f", "2024-10-01", 1.0)]
        rows += [(f"x{i}", f"x{i}", "2025-10-05", 1.0) for i in range(before)]
        rows += [(f"y{i}", f"y{i}", "2026-10-05", 1.0) for i in range(after)]
        lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue"])
        return results(lines.assign(order_date=pd.to_datetime(lines["order_date"])))

    assert "sales.new_customers" not in [f.id for f in page.findings(*with_new(372, 339))]
    assert "sales.new_customers" in [f.id for f in page.findings(*with_new(372, 250))]
    noise = page.new_customers_note(with_new(372, 339)[0])
    assert "偶然のぶれ" in Words("ja").say(noise.text)


BEGINNINGS = {
    "180 days before the period": (date(2025, 4, 4), True),
    "179 days before the period": (date(2025, 4, 5), False),
    "with the period": (date(2025, 10, 1), False),
}


@pytest.mark.parametrize(("first_day", "compared"), BEGINNINGS.values(), ids=BEGINNINGS)
def test_near_the_beginning_of_the_data_everybody_looks_new(first_day, compared):
    kpis, tree, kinds = results(shop(last_year=400, now=300))
    found = [f.id for f in page.findings(kpis, tree, kinds, first_day=first_day)]
    assert ("sales.new_customers" in found) == compared
    row = page.kpi(kpis, first_day=first_day).frame.set_index("kpi").loc["new_customers"]
    assert row[["year_ago", "change_year_ago"]].notna().tolist() == [compared] * 2
    note = page.new_customers_note(kpis, first_day=first_day)
    assert ("比べていません" in Words("ja").say(note.text)) != compared
    assert ("still look new" in Words("en").say(note.text)) != compared


def test_what_one_or_two_buyers_did_is_no_finding():
    kpis, tree, kinds = results(shop(last_year=2, now=1))
    assert page.findings(kpis, tree, kinds) == []
    assert "主因" not in Words("ja").say(page.message(kpis, tree).text)


@pytest.mark.parametrize(
    ("case", "columns"),
    [
        ("more buyers", ["value", "previous", "change_previous", "year_ago", "change_year_ago"]),
        ("first period", ["value"]),
        ("the data stop before the period ends", ["value", "previous", "year_ago"]),
    ],
)
def test_periods_that_cannot_be_compared_have_no_column(case, columns):
    table = page.kpi(results(CASES[case][0])[0])
    assert [c.name for c in table.columns[1:]] == columns
    assert {"previous", "change_year_ago"} <= set(table.frame)


@pytest.mark.parametrize(("period", "both"), [("2026-10", True), ("FY2026", False)])
def test_a_year_is_compared_once(period, both):
    span = Period.parse(period, fiscal_year_start=4)
    lines = shop(last_year=50, now=60)
    opening = lines.head(1).assign(order_date=pd.Timestamp("2025-04-01"), order_id="first")
    month_before = opening.assign(order_date=pd.Timestamp("2026-09-05"), order_id="before")
    closing = opening.assign(order_date=pd.Timestamp("2027-03-30"), order_id="last")
    lines = pd.concat([lines, opening, month_before, closing], ignore_index=True)
    kpis = kpi_table(sales_lines(lines, as_of=span.as_of), period=span)
    split = page.split_table(new_and_repeat(sales_lines(lines, as_of=span.as_of), period=span))
    printed, cut = ({c.name for c in table.columns} for table in (page.kpi(kpis), split))
    assert {"year_ago"} <= printed
    assert {"change_year_ago"} <= cut
    assert ("previous" in printed) is both
    assert ("change_previous" in cut) is both


def test_new_customers_against_none_a_year_ago():
    lines = shop(last_year=0, now=5)
    note = page.new_customers_note(
        results(
            lines[lines["customer_id"] != "old"].pipe(
                lambda f: pd.concat(
                    [f.assign(order_date=pd.Timestamp("2025-09-01"), order_id="x").tail(1), f]
                )
            )
        )[0]
    )
    assert "比べられるデータはありません" not in Words("ja").say(note.text)


def test_an_unsplit_tree_is_no_table_of_dashes():
    _, tree, _ = results(shop(last_year=0, now=50).iloc[1:])
    assert [type(thing) for thing in page.explained(tree)] == [Note]


UNITS = {
    "customer_day": ("購入回数は同じ日の注文は1回と数える", "purchases: orders on one day count once"),
    "order": ("購入回数は注文ごとに1回と数える", "purchases: each order counts"),
}


@pytest.mark.parametrize("unit", UNITS)
def test_the_tree_says_what_one_purchase_is(unit):
    kpis = kpi_table(sales_lines(shop(last_year=5, now=6), as_of=AS_OF, unit=unit), period=OCTOBER)
    note = page.tree_table(split_change(kpis.year_ago, kpis.now)).note
    for name, (ja, en) in UNITS.items():
        assert (ja in Words("ja").say(note)) == (name == unit)
        assert (en in Words("en").say(note)) == (name == unit)


def test_a_tree_without_a_base_is_a_sentence():
    _, tree, _ = results(shop(last_year=0, now=50).iloc[1:])
    assert isinstance(page.tree_chart(tree), Note)


def test_guests_have_no_head_count():
    _, _, kinds = results(shop(last_year=10, now=10, guests=3))
    frame = page.split_table(kinds).frame.set_index("order_kind")
    assert pd.isna(frame.at["guest", "buyers"])
    assert frame.at["repeat", "buyers"] == 11


def test_a_split_has_no_column_of_dashes():
    lines = shop(last_year=30, now=40)
    begun = lines[lines["order_date"] > "2026"]
    shown = {
        name: {
            column.name
            for column in page.split_table(
                sales_by(sales_lines(frame, as_of=AS_OF, keep=["channel"]), by="channel", period=OCTOBER)
            ).columns
        }
        for name, frame in (("both years", lines), ("this year only", begun))
    }
    assert "change_year_ago" in shown["both years"]
    assert not {"change_previous", "change_year_ago"} & shown["this year only"]
