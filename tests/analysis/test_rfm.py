from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmreport.analysis.cuts import fixed_cuts
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.errors import TooFewError
from tests.analysis.shops import shop

AS_OF = date(2026, 10, 31)
SCORES = ["recency_score", "frequency_score", "monetary_score"]


def lines(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "revenue"])
    return frame.assign(
        order_id=[str(i) for i in range(len(rows))], order_date=pd.to_datetime(frame["order_date"])
    ).astype({"revenue": float})


FIVE = lines(
    ("a", "2026-10-31", 100), ("a", "2026-10-01", 50), ("a", "2026-10-01", 25),
    ("b", "2026-10-21", 10), ("b", "2025-01-01", 10),
    ("c", "2026-09-01", 500),
    ("d", "2026-01-01", 20),
    ("e", "2025-10-31", 30), ("e", "2026-11-01", 999),
)  # fmt: skip


def test_a_hand_computed_table(engine):
    table = rfm_table(engine(FIVE), as_of=AS_OF).to_pandas()
    assert table[["customer_id", "recency_days", "frequency", "monetary"]].values.tolist() == [
        ["a", 0, 2, 175.0],
        ["b", 10, 2, 20.0],
        ["c", 60, 1, 500.0],
        ["d", 303, 1, 20.0],
        ["e", 365, 1, 30.0],
    ]


def test_hand_computed_scores(engine):
    scored = score_rfm(rfm_table(engine(FIVE), as_of=AS_OF))
    assert scored.to_pandas()[SCORES].values.tolist() == [
        [5, 4, 4],
        [4, 4, 1],
        [3, 1, 5],
        [2, 1, 1],
        [1, 1, 3],
    ]
    assert scored.cuts.recency.points == (0, 10, 60, 303)
    assert scored.cuts.frequency.points == (1, 1, 1, 2)
    assert scored.cuts.monetary.points == (20, 20, 30, 175)
    assert scored.unreachable == {"recency_days": (), "frequency": (2, 3, 5), "monetary": (2,)}


def test_look_back_unit_and_mean(engine):
    table = rfm_table(
        engine(FIVE), as_of=AS_OF, since=date(2026, 10, 1), unit="order", monetary="per_purchase"
    )
    frame = table.to_pandas()
    assert frame[["customer_id", "frequency", "revenue"]].values.tolist() == [["a", 3, 175.0], ["b", 1, 10.0]]
    assert frame["monetary"].tolist() == pytest.approx([175 / 3, 10])
    assert table.left_out.n_future_lines == 1
    assert table.left_out.n_earlier_lines == 4


def test_thresholds_of_the_client(engine):
    cuts = fixed_cuts(recency_days=[10, 100], frequency=[2, 3], monetary=[30, 200])
    scored = score_rfm(rfm_table(engine(FIVE), as_of=AS_OF), cuts=cuts)
    assert scored.to_pandas()[SCORES].values.tolist() == [
        [3, 2, 2],
        [3, 2, 1],
        [2, 1, 3],
        [1, 1, 1],
        [1, 1, 2],
    ]


def test_frozen_cuts_move_only_who_moved(engine):
    then = score_rfm(rfm_table(engine(FIVE), as_of=date(2026, 10, 1)), bins=3)
    now = score_rfm(rfm_table(engine(FIVE), as_of=AS_OF), cuts=then.cuts)
    assert now.cuts is then.cuts
    before, after = (s.to_pandas().set_index("customer_id") for s in (then, now))
    assert before.loc["c", "monetary_score"] == after.loc["c", "monetary_score"]
    assert after.loc["c", "recency_score"] <= before.loc["c", "recency_score"]


def test_engines_agree(engine):
    reference = score_rfm(rfm_table(shop(), as_of=AS_OF))
    found = score_rfm(rfm_table(engine(shop()), as_of=AS_OF))
    assert found.cuts.recency == reference.cuts.recency
    assert found.cuts.frequency == reference.cuts.frequency
    pd.testing.assert_frame_equal(found.to_pandas(), reference.to_pandas(), check_dtype=False)
    pd.testing.assert_frame_equal(found.cells, reference.cells, check_dtype=False)


def test_parts_add_up():
    scored = score_rfm(rfm_table(shop(), as_of=AS_OF))
    frame = scored.to_pandas()
    assert scored.cells["customers"].sum() == len(frame) == scored.table.n_customers
    assert scored.cells["revenue"].sum() == pytest.approx(frame["revenue"].sum())
    known = shop().dropna(subset="customer_id")
    seen = known[known["order_date"] <= pd.Timestamp(AS_OF)]
    buyers = seen[seen["customer_id"].isin(frame["customer_id"])]
    assert frame["revenue"].sum() == pytest.approx(buyers["revenue"].sum())


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), factor=st.floats(1e-4, 1e5))
def test_row_order_ids_and_the_unit_of_money_change_no_score(seed, factor):
    base = shop(25, 120, seed=seed % 50)
    expected = score_rfm(rfm_table(base, as_of=AS_OF)).to_pandas().set_index("customer_id")[SCORES]
    renamed = {c: f"x{(i * 7919) % 1009}-{i}" for i, c in enumerate(base["customer_id"].dropna().unique())}
    other = base.sample(frac=1, random_state=seed).assign(
        customer_id=lambda f: f["customer_id"].map(renamed).astype("str"),
        revenue=lambda f: f["revenue"] * factor,
    )
    other["customer_id"] = other["customer_id"].where(other["customer_id"] != "nan")
    found = score_rfm(rfm_table(other, as_of=AS_OF)).to_pandas().set_index("customer_id")[SCORES]
    pd.testing.assert_frame_equal(
        found.loc[[renamed[c] for c in expected.index]].reset_index(drop=True),
        expected.reset_index(drop=True),
    )


def test_scores_never_invert():
    frame = score_rfm(rfm_table(shop(200, 1500), as_of=AS_OF)).to_pandas()
    for measure, score, sign in (
        ("recency_days", "recency_score", -1),
        ("frequency", "frequency_score", 1),
        ("monetary", "monetary_score", 1),
    ):
        ordered = frame.sort_values(measure)
        assert (sign * np.diff(ordered[score]) >= 0).all()
        assert (frame.groupby(measure)[score].nunique() == 1).all()


def test_too_few_customers_are_refused(engine):
    with pytest.raises(TooFewError, match="too few customers: 5 found, 6 or more needed"):
        score_rfm(rfm_table(engine(FIVE), as_of=AS_OF), bins=6)


@pytest.mark.real
def test_r_package_rfm(engine, shared_data):
    facts = json.loads((shared_data / "golden" / "customers.json").read_text())["rfm_r"]["facts"]
    golden = next(f["result"] for f in facts if f["id"] == "rfm_scores_2006_12_31")
    orders = pd.read_parquet(shared_data / "data" / "rfm_r" / "rfm_data_orders.parquet")
    orders = orders[["customer_id", "order_date", "revenue"]].assign(
        order_id=[str(i) for i in range(len(orders))]
    )
    orders = orders.astype({"revenue": float}).assign(order_date=pd.to_datetime(orders["order_date"]))
    table = rfm_table(engine(orders), as_of=date(2006, 12, 31), unit="order")
    frame = table.to_pandas()
    # R cuts at type-7 quantiles plus 1 and scores i when lower <= x < upper.
    upper = {
        m: [frame[m].quantile(q) + 1 for q in (0.2, 0.4, 0.6, 0.8)]
        for m in ("recency_days", "frequency", "monetary")
    }
    days = [float(np.ceil(u) - 1) for u in upper["recency_days"]]
    cuts = fixed_cuts(recency_days=days, frequency=upper["frequency"], monetary=upper["monetary"])
    scored = score_rfm(table, cuts=cuts).to_pandas()
    first = scored.set_index("customer_id").loc[[row[0] for row in golden["first5"]]]
    assert [
        [name, *row[:3], "".join(str(int(s)) for s in row[3:])]
        for name, row in zip(
            first.index,
            first[["recency_days", "frequency", "monetary", *SCORES]].values.tolist(),
            strict=True,
        )
    ] == golden["first5"]
    for letter, column in zip("RFM", SCORES, strict=True):
        counts = scored[column].value_counts()
        assert {str(k): int(counts[k]) for k in range(1, 6)} == golden[f"{letter}_counts"]
