"""Tables: the page is rounded and short, the CSV is whole and exact."""

import pandas as pd
import pytest

from crmreport.present import Column, Table, Words

MONTHS = pd.DataFrame(
    {
        "month": ["2026-08", "2026-09", "2026-10"],
        "revenue": [12_345_678.9, 3_000_000.0, None],
        "share": [0.8049, 0.1951, None],
        "change": [None, -0.03, 0.0],
    }
)


def months(**changes) -> Table:
    given = {
        "id": "sales.monthly",
        "frame": MONTHS,
        "columns": (
            Column("month", "month"),
            Column("revenue", "money", bar=True),
            Column("share", "pct"),
            Column("change", "pt"),
        ),
        "title": "月別 <売上>",
        "note": "注",
    }
    return Table(**(given | changes))


def test_one_unit_for_a_money_column_and_it_stands_in_the_head():
    html = months().html(Words("ja"))
    assert "（千円）" in html
    assert ">12,346<" in html
    assert ">3,000<" in html


def test_the_unit_of_a_rate_is_in_the_head_not_in_the_cells():
    html = months().html(Words("ja"))
    assert ">80.5<" in html
    assert "80.5%" not in html
    assert ">−3.0<" in html
    assert ">±0.0<" in html


def test_what_was_not_observed_is_a_dash():
    assert html_cells(months().html(Words("en")))[-3:] == ["–", "–", "±0.0"]


def html_cells(html: str) -> list[str]:
    import re

    return re.findall(r"<td[^>]*>(.*?)</td>", html)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        pytest.param("vs year ago", "vs\u00a0year\u00a0ago", id="a short head is one line"),
        pytest.param("Revenue per customer", "Revenue\u00a0per customer", id="a long one is two"),
        pytest.param("Customers", "Customers", id="a word is left alone"),
        pytest.param(
            "Effect on revenue & margin", "Effect\u00a0on\u00a0revenue &amp;\u00a0margin", id="escaped"
        ),
    ],
)
def test_an_english_head_is_never_a_column_of_words(name, head):
    table = months(columns=(Column("month", "month"), Column("share", "num1", label="sales.head")))
    assert f">{head}</th>" in table.html(Words("en", own={"sales.head": name}))


def test_heads_have_scope_and_the_table_has_a_caption():
    html = months().html(Words("ja"))
    assert html.count('scope="col"') == 4
    assert html.count('scope="row"') == 3
    assert "<caption>月別 &lt;売上&gt;</caption>" in html


def test_the_csv_is_unrounded_with_english_names():
    assert months().csv().splitlines()[:2] == ["month,revenue,share,change", "2026-08,12345678.9,0.8049,"]


def test_twelve_rows_on_the_page_all_in_the_csv():
    frame = pd.DataFrame({"month": [f"2026-{m:02d}" for m in range(1, 13)] + ["2027-01"], "revenue": 1.0})
    table = months(frame=frame, columns=(Column("month", "month"), Column("revenue", "money")))
    assert table.html(Words("en")).count('scope="row"') == 12
    assert "12 of 13 rows" in table.html(Words("en"))
    assert len(table.csv().splitlines()) == 14


def test_totals_are_ruled_off_and_named():
    html = months(totals={"revenue": 15_345_678.9, "share": 1.0}).html(Words("ja"))
    assert '<tfoot><tr><th scope="row">合計</th>' in html
    assert ">100.0<" in html


def test_bars_are_scaled_to_the_largest_value():
    assert 'style="--w:100.0%"' in months().html(Words("ja"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"columns": (Column("months"),)}, "no column 'months'", id="a column that is not there"),
        pytest.param(
            {"frame": pd.concat([MONTHS, MONTHS])}, "stands in two rows", id="a row that cannot be named"
        ),
    ],
)
def test_a_table_that_cannot_be_traced_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        months(**changes)


def test_text_from_the_client_is_escaped():
    frame = MONTHS.assign(month=["<script>alert(1)</script>", "=1+1", "a&b"])
    html = months(frame=frame, columns=(Column("month"), Column("revenue", "money"))).html(Words("en"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_numbers_of_small_groups_are_withheld_on_the_page_and_in_the_csv():
    frame = pd.DataFrame({"month": ["2026-09", "2026-10"], "customers": [4, 5], "revenue": [900.0, 1200.0]})
    columns = (Column("month", "month"), Column("customers", "count"), Column("revenue", "money"))
    table = months(frame=frame, columns=columns).masked()
    assert table.csv().splitlines() == ["month,customers,revenue", "2026-09,,", "2026-10,5,1200.0"]
    assert html_cells(table.html(Words("en"))) == ["–", "–", "5", "1,200"]
    assert "1 row with fewer than 5 customers" in table.html(Words("en"))


def test_a_group_of_nobody_tells_on_nobody():
    frame = pd.DataFrame({"month": ["2026-10"], "customers": [0], "revenue": [0.0]})
    columns = (Column("month", "month"), Column("customers", "count"))
    assert months(frame=frame, columns=columns).masked().masked_rows == 0


def test_a_value_and_its_bounds_share_a_unit():
    frame = pd.DataFrame({"month": ["2026-10"], "profit": [4e5], "upper": [1.2e6], "cost": [98_160.0]})
    columns = (
        Column("month", "month"),
        Column("profit", "smoney", label="column.revenue", scale="profit"),
        Column("upper", "smoney", label="column.revenue", scale="profit", bare=True),
        Column("cost", "money", label="column.revenue"),
    )
    html = months(frame=frame, columns=columns, totals=None).html(Words("ja"))
    assert all(f">{said}<" in html for said in ("+400", "+1,200", "98,160"))
    assert html.count("千円") == 1, "the bound's head does not repeat the unit"
