from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.ctb_cells import cell_prospects, cell_sets, ctb_cells, lead_cells
from crmreport.errors import DataError
from crmreport.period import Period

OCTOBER = Period.parse("2026-10")
BY = {"category": "category", "brand": "brand"}
PRODUCTS = pd.DataFrame(
    {
        "product_id": ["mh", "mo", "sh", "so", "?"],
        "category": ["mask", "mask", "soap", "soap", "soap"],
        "brand": ["House", "Other", "House", "Other", None],
        "scent": ["rose", "mint", "rose", "mint", "rose"],
    }
)


def order_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue", "product_id"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


LINES = order_lines(
    ("a", "0", "2026-09-02", 100.0, "mh"),
    ("b", "00", "2026-09-03", 10.0, "so"),
    ("a", "1", "2026-10-01", 60.0, "mh"),
    ("a", "2", "2026-10-08", 60.0, "mh"),
    ("b", "3", "2026-10-02", 30.0, "mh"),
    ("b", "3", "2026-10-02", 10.0, "so"),
    ("c", "4", "2026-10-03", 20.0, "so"),
    ("c", "4", "2026-10-03", 20.0, "so"),
    ("c", "5", "2026-10-04", 5.0, "?"),
    ("d", "6", "2026-10-05", 8.0, "mo"),
)


def test_cells_by_hand(engine):
    cells = ctb_cells(engine(LINES), engine(PRODUCTS), by=BY, period=OCTOBER, minimum_support=2)
    table = cells.table.set_index(["category", "brand"])
    assert table.index.tolist() == [("mask", "House"), ("soap", "Other"), ("(other)", "(other)")]
    mask = table.loc[("mask", "House")]
    assert (mask["customers"], mask["purchases"], mask["lines"]) == (2, 3, 3)
    assert mask["revenue"] == 150
    assert mask["repeat_rate"] == 0.5  # a came twice, b once
    assert mask["mean_ltv_to_date"] == pytest.approx((220 + 50) / 2)
    # 3 of 4 mask lines are House; 3 of 7 known lines are.
    assert mask["lift"] == pytest.approx((3 / 4) / (3 / 7))
    assert mask["growth"] == pytest.approx(150 / 100 - 1)
    other = table.loc[("(other)", "(other)")]
    assert (other["customers"], other["kind"]) == (1, "other")
    assert np.isnan(other["lift"])
    assert cells.cells_pooled == 1
    # Of the 2 + 2 + 1 customers of the three cells, one came twice: b and c bought once, c two lines at once.
    assert cells.mean_repeat_rate == pytest.approx(1 / 5)
    assert cells.coverage == pytest.approx(208 / 213)
    assert table["revenue"].sum() == pytest.approx(cells.known_revenue)


def test_every_engine_gives_the_same_table(engine):
    expected = ctb_cells(*random_shop(seed=5), by=BY, period=OCTOBER).table
    lines, products = random_shop(seed=5)
    found = ctb_cells(engine(lines), engine(products), by=BY, period=OCTOBER).table
    pd.testing.assert_frame_equal(found, expected)


def test_row_order_never_matters():
    lines, products = random_shop(seed=6)
    shuffled = lines.sample(frac=1, random_state=1).reset_index(drop=True)
    left = ctb_cells(lines, products, by=BY, period=OCTOBER).table
    pd.testing.assert_frame_equal(left, ctb_cells(shuffled, products, by=BY, period=OCTOBER).table)


def test_random_labels_have_a_lift_of_about_one():
    cells = ctb_cells(*random_shop(seed=7), by=BY, period=OCTOBER)
    lifts = cells.table.loc[cells.table["kind"] == "cell", "lift"]
    assert lifts.between(0.85, 1.15).all()
    assert cells.push().empty


def test_a_planted_cell_is_pushed_and_a_leaky_one_fixed():
    cells = ctb_cells(*planted_shop(), by=BY, period=OCTOBER)
    assert cells.push()[["category", "brand"]].values.tolist() == [["mask", "House"]]
    fix = cells.fix()
    assert fix[["category", "brand"]].values.tolist() == [["soap", "Other"]]
    assert fix["missing_repeaters"].iloc[0] == pytest.approx(
        0.25 * 600  # 200 of the 800 soap customers came twice, of these 600 nobody
    )


def test_nothing_is_fixed_while_the_period_is_preliminary():
    cells = ctb_cells(*planted_shop(), by=BY, period=OCTOBER)
    cut = replace(cells, observed=replace(cells.observed, last_day=date(2026, 10, 20), pause_days=3))
    assert len(cells.fix()) == 1
    assert cut.fix().empty


def test_nothing_is_pushed_without_a_previous_period():
    lines, products = planted_shop()
    lines = lines[lines["order_date"] >= "2026-10-01"]
    cells = ctb_cells(lines, products, by=BY, period=OCTOBER)
    assert np.isnan(cells.total_growth)
    assert cells.push().empty


def test_three_axes_and_their_sets():
    axes = {"category": ["category", "scent"], "taste": ["scent"], "brand": ["brand"]}
    assert cell_sets(axes)[-1] == {"category": "category", "taste": "scent", "brand": "brand"}
    cells = ctb_cells(LINES, PRODUCTS, by=cell_sets(axes)[-1], period=OCTOBER, minimum_support=1)
    assert cells.table["revenue"].sum() == pytest.approx(208)
    assert cells.table.columns[:4].tolist() == ["category", "taste", "brand", "kind"]


def test_prospects_like_the_value_but_not_yet_in_the_cell(engine):
    found = cell_prospects(
        engine(LINES), engine(PRODUCTS), by=BY, cell={"category": "mask", "brand": "Other"}, period=OCTOBER
    )
    # b and c bought Other soap; d bought the Other mask itself.
    assert found["customer_id"].tolist() == ["c", "b"]
    assert found["revenue"].tolist() == [40, 10]
    assert found["purchases"].tolist() == [1, 1]


def test_a_taste_that_only_renames_the_category_does_not_lead():
    products = PRODUCTS.assign(scent=PRODUCTS["category"] + " scent")
    axes = {"category": ["category"], "taste": ["scent"], "brand": ["brand"]}
    results = [ctb_cells(LINES, products, by=by, period=OCTOBER, minimum_support=1) for by in cell_sets(axes)]
    lead = lead_cells(results)
    assert lead is not None
    assert list(lead.axes) == ["category", "brand"]
    assert lead_cells(results[:1]) is results[0]
    assert lead_cells([]) is None


def test_one_axis_makes_no_cell():
    with pytest.raises(DataError, match="a cell needs two axes or more, got brand"):
        ctb_cells(LINES, PRODUCTS, by={"brand": "brand"}, period=OCTOBER)


def test_support_below_one_is_refused():
    with pytest.raises(ValueError, match="minimum_support is 0"):
        ctb_cells(LINES, PRODUCTS, by=BY, period=OCTOBER, minimum_support=0)


def random_shop(*, seed: int, n: int = 6000):
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2026-09-01") + pd.to_timedelta(rng.integers(0, 61, n), unit="D")
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, 900, n)],
            "order_id": [f"o{i}" for i in range(n)],
            "order_date": days,
            "revenue": rng.integers(1, 50, n) * 100.0,
            "product_id": rng.choice(["mh", "mo", "sh", "so"], n),
        }
    )
    return lines, PRODUCTS


def planted_shop():
    """House masks are liked and doubled; those who buy Other soap come once."""
    rows = []
    for i in range(200):
        rows.append((f"m{i}", f"m{i}-0", "2026-09-03", 100.0, "mh"))
        rows.extend((f"m{i}", f"m{i}-{k}", f"2026-10-{k:02d}", 100.0, "mh") for k in (3, 13))
        rows.append((f"h{i}", f"h{i}-0", "2026-09-04", 100.0, "sh"))
        rows.extend((f"h{i}", f"h{i}-{k}", f"2026-10-{k:02d}", 50.0, "sh") for k in (4, 14))
        rows.append((f"x{i}", f"x{i}-0", "2026-09-05", 100.0, "mo"))
        rows.extend((f"x{i}", f"x{i}-{k}", f"2026-10-{k:02d}", 50.0, "mo") for k in (5, 15))
        rows.append((f"s{i}", f"s{i}-0", "2026-09-06", 300.0, "so"))
        rows.extend((f"s{i}{j}", f"s{i}-1{j}", "2026-10-06", 80.0, "so") for j in range(3))
    return order_lines(*rows), PRODUCTS
