from __future__ import annotations

import pandas as pd
import pytest

from crmreport.analysis.revenue_tree import split_change
from crmreport.analysis.sales import kpi_table, sales_totals
from crmreport.analysis.sales_lines import sales_lines
from crmreport.errors import DataError
from tests.analysis.october import AS_OF, LINES, OCTOBER, UNFINISHED, order_lines


def test_totals_by_hand(engine):
    (t,) = sales_totals(sales_lines(engine(LINES), as_of=AS_OF), periods=[OCTOBER])
    assert t.revenue == pytest.approx(140)
    assert t.guest_revenue == pytest.approx(15)
    assert (t.orders, t.purchases, t.buyers, t.items, t.new_customers) == (5, 3, 2, 5, 1)
    assert t.first_revenue == pytest.approx(60)
    assert t.repeat_revenue == pytest.approx(65)
    assert t.revenue_per_buyer == pytest.approx(125 / 2)
    assert t.repeat_share == pytest.approx(65 / 125)


def test_orders_as_the_unit_count_each_order():
    (t,) = sales_totals(sales_lines(LINES, as_of=AS_OF, unit="order"), periods=[OCTOBER])
    assert t.purchases == 4


def test_quantities_are_summed_only_when_asked():
    lines = LINES.assign(quantity=2.5)
    (by_lines,) = sales_totals(sales_lines(lines, as_of=AS_OF), periods=[OCTOBER])
    (by_quantity,) = sales_totals(sales_lines(lines, as_of=AS_OF, items="quantity"), periods=[OCTOBER])
    assert by_lines.items == 5
    assert by_quantity.items == pytest.approx(12.5)


def test_a_fully_returned_order_is_no_order():
    back = order_lines(("a", "3", "2026-10-09", -50.0, "store", True))
    (t,) = sales_totals(sales_lines(pd.concat([LINES, back]), as_of=AS_OF), periods=[OCTOBER])
    assert t.orders == 4
    assert t.revenue == pytest.approx(90)


def test_a_guests_order_that_came_back_in_full_is_no_order(engine):
    returned = order_lines(
        (None, "7", "2026-10-21", 15.0, "store", False),
        (None, "8", "2026-10-22", 20.0, "store", False),
        (None, "r", "2026-10-25", -20.0, "store", True),
        ("a", "9", "2026-10-25", 30.0, "store", False),
    ).assign(returned_order_id=[None, None, "8", None])
    (t,) = sales_totals(sales_lines(engine(returned), as_of=AS_OF), periods=[OCTOBER])
    assert (t.orders, t.guest_revenue, t.revenue) == (2, 15, 45)


def test_kpis_compare_with_before_and_year_ago(engine):
    table = kpi_table(sales_lines(engine(LINES), as_of=AS_OF), period=OCTOBER).table.set_index("kpi")
    assert table.loc["revenue"].tolist() == pytest.approx([140, 80, 100, 0.75, 0.4])
    assert table.loc["buyers"].tolist() == pytest.approx([2, 1, 1, 1.0, 1.0])
    assert table.loc["repeat_share", "change_year_ago"] == pytest.approx(65 / 125)


def test_what_lies_before_the_data_is_blank_not_zero():
    opening = order_lines(("b", "0", "2026-09-03", 20.0, "ec", False))
    lines = pd.concat([opening, LINES[LINES["order_date"] >= "2026-09-01"]], ignore_index=True)
    table = kpi_table(sales_lines(lines, as_of=AS_OF), period=OCTOBER).table
    assert table["year_ago"].isna().all()
    assert table["change_year_ago"].isna().all()
    assert table["previous"].notna().all()


def test_a_period_the_data_do_not_finish_is_compared_with_nothing():
    kpis = kpi_table(sales_lines(UNFINISHED, as_of=AS_OF), period=OCTOBER)
    assert kpis.now.is_preliminary
    revenue = kpis.table.set_index("kpi").loc["revenue"]
    assert revenue[["value", "previous", "year_ago"]].tolist() == [15, 30, 31]
    assert kpis.table[["change_previous", "change_year_ago"]].isna().all(axis=None)
    assert split_change(kpis.year_ago, kpis.now).reason == "preliminary"


def test_quantities_that_are_not_there_cannot_be_summed():
    with pytest.raises(DataError, match="no quantity; count lines instead"):
        sales_totals(sales_lines(LINES, as_of=AS_OF, items="quantity"), periods=[OCTOBER])
