from __future__ import annotations

import json
from datetime import date

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.ctb import ctb_profiles, ctb_shares
from crmreport.errors import DataError
from crmreport.period import Period

OCTOBER = Period.parse("2026-10")


def order_lines(*rows):
    columns = ["customer_id", "order_id", "order_date", "revenue", "product_id", "is_return"]
    full = [(*row, False)[:6] if len(row) == 5 else row for row in rows]
    lines = pd.DataFrame(full, columns=columns)
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


PRODUCTS = pd.DataFrame(
    {
        "product_id": ["rose-h", "rose-o", "mint-h", "plain"],
        "category": ["mask", "mask", "soap", "soap"],
        "scent": ["rose", "rose", "mint", ""],
        "brand": ["House", "Other", "House", None],
    }
)
AXES = {"category": ["category"], "taste": ["scent"], "brand": ["brand"]}
LINES = order_lines(
    ("a", "0", "2026-09-02", 50.0, "rose-h"),
    ("a", "1", "2026-10-01", 100.0, "rose-h"),
    ("a", "2", "2026-10-05", 100.0, "rose-h"),
    ("a", "3", "2026-10-07", 100.0, "mint-h"),
    ("b", "4", "2026-10-08", 60.0, "rose-o"),
    ("b", "4", "2026-10-08", 20.0, "plain"),
    (None, "5", "2026-10-09", 30.0, "rose-h"),
    ("b", "6", "2026-10-10", 10.0, "gone"),
    ("a", "7", "2026-10-11", -20.0, "mint-h", True),
)


def test_shares_by_hand(engine):
    shares = ctb_shares(engine(LINES), engine(PRODUCTS), axes=AXES, period=OCTOBER)
    brand = shares.table[shares.table["attribute"] == "brand"].set_index("value")
    assert brand["revenue"].to_dict() == pytest.approx({"House": 310, "Other": 60, "(unknown)": 30})
    assert brand["customers"].to_dict() == {"House": 1, "Other": 1, "(unknown)": 1}
    assert brand["purchases"].to_dict() == {"House": 3, "Other": 1, "(unknown)": 2}
    assert brand.loc["House", "growth"] == pytest.approx(310 / 50 - 1)
    assert shares.coverage.set_index("axis")["coverage"].to_dict() == pytest.approx(
        {"category": 390 / 400, "taste": 370 / 400, "brand": 370 / 400}
    )


def test_shares_of_each_attribute_sum_to_one(engine):
    table = ctb_shares(engine(LINES), engine(PRODUCTS), axes=AXES, period=OCTOBER).table
    assert table.groupby("attribute")["revenue_share"].sum().tolist() == pytest.approx([1, 1, 1])


def test_no_growth_where_the_data_do_not_reach_back():
    later = LINES[LINES["order_date"] >= "2026-10-01"]
    shares = ctb_shares(later, PRODUCTS, axes=AXES, period=OCTOBER)
    assert not shares.previous_observed
    assert shares.table["growth"].isna().all()


@pytest.mark.parametrize(
    ("spends", "profile"),
    [
        pytest.param({"rose-h": [60, 60], "mint-h": [80]}, "mask", id="60 % on three lines: dominant"),
        pytest.param({"rose-h": [50, 50], "mint-h": [100]}, "(mixed)", id="half and half: nobody dominates"),
        pytest.param({"rose-h": [50, 10], "mint-h": [60, 0.01]}, "soap", id="a hair above half: dominant"),
        pytest.param({"rose-h": [100, 100]}, "(too few)", id="two lines: too few"),
        pytest.param({"rose-h": [100], "gone": [5, 5]}, "(too few)", id="unknown products are no lines"),
    ],
)
def test_profile_cases(engine, spends, profile):
    rows = [
        ("a", f"{product}{i}", "2026-10-03", float(money), product)
        for product, moneys in spends.items()
        for i, money in enumerate(moneys)
    ]
    profiles = ctb_profiles(
        engine(order_lines(*rows)), engine(PRODUCTS), axes={"category": ["category"]}, period=OCTOBER
    )
    assert profiles.table["value"].tolist() == [profile]
    people = profiles.customers.collect("pandas").to_native()
    assert people["profile"].tolist() == [profile]


def test_customer_shares_of_each_attribute_sum_to_one(engine):
    table = ctb_profiles(engine(LINES), engine(PRODUCTS), axes=AXES, period=OCTOBER).table
    assert table.groupby("attribute")["customer_share"].sum().tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("axes", "products", "message"),
    [
        pytest.param({}, PRODUCTS, "no CTB axis has a product column", id="nothing mapped"),
        pytest.param({"taste": ["colour"]}, PRODUCTS, "products have no column 'colour'", id="not there"),
        pytest.param(
            {"taste": ["brand"], "brand": ["brand"]}, PRODUCTS, "'brand' stands on two CTB axes", id="twice"
        ),
        pytest.param(
            AXES,
            pd.concat([PRODUCTS, PRODUCTS.head(1)]),
            "1 product ids stand in several rows of products; first: 'rose-h'",
            id="a product twice would double its sales",
        ),
    ],
)
def test_refusals(axes, products, message):
    with pytest.raises(DataError, match=message):
        ctb_shares(LINES, products, axes=axes, period=OCTOBER)


def test_a_profile_below_one_half_is_refused():
    with pytest.raises(ValueError, match=r"dominant_share is 0\.4"):
        ctb_profiles(LINES, PRODUCTS, axes=AXES, period=OCTOBER, dominant_share=0.4)


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(LINES))), st.sampled_from([0.01, 3.0, 1000.0]))
def test_row_order_and_scale_change_no_profile(order, scale):
    moved = LINES.iloc[order].reset_index(drop=True)
    moved = moved.assign(revenue=moved["revenue"] * scale)
    left = ctb_profiles(LINES, PRODUCTS, axes=AXES, period=OCTOBER).table
    right = ctb_profiles(moved, PRODUCTS, axes=AXES, period=OCTOBER).table
    same = ["axis", "attribute", "value", "kind", "customers", "customer_share"]
    pd.testing.assert_frame_equal(left[same], right[same])


@pytest.fixture(scope="module")
def completejourney(request):
    root = request.config.rootpath.parent / "shared"
    if not root.is_dir():
        pytest.skip("the public data sets are not beside this repository")
    with duckdb.connect() as connection:
        folder = root / "data/completejourney"
        lines = connection.sql(
            f"""select household_id::varchar customer_id, basket_id::varchar order_id, sales_value revenue,
            (transaction_timestamp at time zone 'UTC' at time zone 'America/New_York')::date order_date,
            false is_return, product_id::varchar product_id from '{folder}/transactions.parquet'"""
        )
        products = connection.sql(
            f"""select product_id::varchar product_id, department, product_category, product_type, brand
            from '{folder}/products.parquet'"""
        )
        facts = json.loads((root / "golden/customers.json").read_text())["completejourney"]["facts"]
        yield lines, products, {fact["id"]: fact["result"] for fact in facts}


@pytest.mark.real
def test_private_brand_share_of_the_real_grocer(completejourney):
    lines, products, golden = completejourney
    axes = {"category": ["department"], "brand": ["brand"]}
    table = ctb_shares(
        lines, products, axes=axes, period=Period.parse("FY2017"), zero_value_counts=True
    ).table.set_index(["attribute", "value"])
    for row in golden["brand_mix"]:
        value = {"(orphan)": "(unknown)"}.get(row["brand"], row["brand"])
        cell = table.loc[("brand", value)]
        assert round(cell["revenue"], 2) == row["sales"]
        assert round(cell["revenue_share"], 6) == row["share"]
        assert cell["customers"] == row["households"]
    assert round(table.loc[("brand", "Private"), "revenue_share"] * 100, 4) == 28.2541
    top = table.loc["department"].head(10)
    assert top.index.tolist() == [row["department"] for row in golden["department_top10"]]
    assert top["revenue"].round(2).tolist() == [row["sales"] for row in golden["department_top10"]]
    assert top["customers"].tolist() == [row["households"] for row in golden["department_top10"]]


@pytest.mark.real
def test_category_and_brand_cells_of_the_real_grocer(completejourney):
    from crmreport.analysis.ctb_cells import ctb_cells

    lines, products, golden = completejourney
    cells = ctb_cells(
        lines,
        products,
        by={"category": "product_category", "brand": "brand"},
        period=Period.parse("FY2017"),
        zero_value_counts=True,
    )
    top = cells.table.head(10)
    assert top[["category", "brand"]].values.tolist() == [
        [row["category"], row["brand"]] for row in golden["ctb_top10"]
    ]
    assert top["revenue"].round(2).tolist() == [row["sales"] for row in golden["ctb_top10"]]
    assert top["customers"].tolist() == [row["households"] for row in golden["ctb_top10"]]
    assert cells.period.as_of == date(2017, 12, 31)
