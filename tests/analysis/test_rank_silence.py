"""Silent members per rank, beside what their own rhythm would give."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.rank_silence import rank_silence
from crmreport.errors import DataError
from tests.analysis.shops import shop

AS_OF = date(2026, 12, 31)
WINDOW = {"as_of": AS_OF, "since": date(2026, 1, 1), "silent_days": 100}


def bought(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Order lines from (customer, days before as_of, revenue)."""
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in rows],
            "order_id": [str(number) for number in range(len(rows))],
            "order_date": pd.to_datetime([AS_OF - timedelta(days=day) for _, day, _ in rows]),
            "revenue": [money for *_, money in rows],
            "is_return": False,
        }
    )


def people(**ranks: str | None) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": list(ranks), "rank": list(ranks.values())}).astype("str")


LINES = bought(
    ("a", 340, 10.0), ("a", 140, 20.0), ("a", 100, 30.0),  # gaps 200 and 40; silent on day 100
    ("b", 99, 50.0), ("b", 39, 5.0),  # gap 60; not silent
    ("c", 400, 70.0),  # silent, and spent before the window
    ("e", 1, 9.0),  # without a rank
)  # fmt: skip
MEMBERS = people(a="gold", b="gold", c="silver", d="silver", e=None)


def test_by_hand(engine):
    found = rank_silence(engine(LINES), engine(MEMBERS), **WINDOW, order=["silver", "gold"])
    gold, silver = found.table.set_index("rank").loc[["gold", "silver"]].to_dict("records")
    assert (gold["members"], gold["customers"], gold["silent_customers"]) == (2, 2, 1)
    assert (gold["silent_share"], gold["usual_gap_days"]) == (0.5, 60)
    # Gaps 200, 40, 60: of their 300 days, the last 100 of the longest are silence.
    assert gold["expected_share"] == pytest.approx(100 / 300)
    assert (gold["revenue"], gold["silent_revenue"]) == (115, 60)
    assert (silver["members"], silver["customers"], silver["never_bought"]) == (2, 1, 1)
    assert (silver["silent_customers"], silver["silent_revenue"]) == (1, 0)
    assert np.isnan(silver["usual_gap_days"])
    assert found.n_without_rank == 1
    listed = found.silent.collect("pandas").to_native().sort_values("customer_id")
    assert listed[["customer_id", "recency_days"]].values.tolist() == [["a", 100], ["c", 400]]


@pytest.mark.parametrize(
    ("order", "expected", "by"),
    [
        pytest.param(["silver", "gold"], ["gold", "silver"], "client", id="the client's order"),
        pytest.param(
            ["gold", "silver"], ["silver", "gold"], "client", id="the client's, whatever they spend"
        ),
        pytest.param([], ["gold", "silver"], "revenue", id="none given: by revenue per customer"),
        pytest.param(["silver"], ["silver", "gold"], "client", id="a rank the client does not name: last"),
    ],
)
def test_order_of_the_ranks(order, expected, by):
    found = rank_silence(LINES, MEMBERS, **WINDOW, order=order)
    assert found.table["rank"].tolist() == expected
    assert found.ordered_by == by


def club(*, silent: int, of: int = 40, gap: int = 10) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gold members who buy every ``gap`` days, some of them until half a year ago; bronze buy rarely."""
    rows, ranks = [("old", 900, 1.0)], {"old": "bronze"}
    for i in range(of):
        last = 180 if i < silent else 0
        rows += [(f"g{i}", last + gap * k, 100.0) for k in range(5)]
        rows += [(f"b{i}", day, 1.0) for day in (300, 290)]
        ranks |= {f"g{i}": "gold", f"b{i}": "bronze"}
    return bought(*rows), people(**ranks)


@pytest.mark.parametrize(
    ("silent", "of", "gap", "highest"),
    [
        pytest.param(12, 40, 10, "gold", id="a third silent among weekly buyers"),
        pytest.param(0, 40, 10, None, id="nobody silent"),
        pytest.param(4, 10, 10, None, id="too few members to judge"),
        pytest.param(16, 40, 200, None, id="a rank that always buys twice a year"),
    ],
)
def test_the_highest_rank_that_stands_out(silent, of, gap, highest):
    lines, members = club(silent=silent, of=of, gap=gap)
    found = rank_silence(lines, members, **WINDOW, order=["bronze", "gold"])
    # All of bronze is silent, and the lowest rank is never the news.
    assert found.highest == highest


def test_one_rank_only_has_no_upper_half():
    lines, members = club(silent=12)
    assert rank_silence(lines, members.assign(rank="member"), **WINDOW).highest is None


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((99, 60, 20), id="a history shorter than the silence"),
        pytest.param((400, 399, 360, 310), id="data that stop long before as_of"),
    ],
)
def test_a_silence_nobody_can_have_seen_is_blank(days):
    found = rank_silence(bought(*(("a", day, 10.0) for day in days)), people(a="gold"), **WINDOW)
    assert not found.is_observed
    assert found.table[["silent_customers", "silent_share", "expected_share"]].isna().all().all()
    assert not found.table["stands_out"].any()
    assert found.table["usual_gap_days"].notna().all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), silent_days=st.integers(1, 400))
def test_ranks_add_up_and_row_order_never_matters(seed, silent_days):
    lines = shop(seed=seed)
    known = sorted(set(lines["customer_id"].dropna()))
    members = pd.DataFrame({"customer_id": known, "rank": [f"r{i % 3}" for i in range(len(known))]})
    options = {"as_of": date(2026, 10, 31), "since": date(2025, 11, 1), "silent_days": silent_days}
    found = rank_silence(lines, members, **options).table
    assert found["members"].sum() == len(known)
    assert found["silent_share"].dropna().between(0, 1).all()
    assert found["expected_share"].dropna().between(0, 1).all()
    assert (found["silent_revenue"] <= found["revenue"] + 1e-6).all() or (lines["revenue"] < 0).any()
    shuffled = rank_silence(lines.sample(frac=1, random_state=seed), members[::-1], **options).table
    pd.testing.assert_frame_equal(found, shuffled)


def test_regular_buyers_who_never_leave_are_as_silent_as_their_gaps_say():
    random = np.random.default_rng(3)
    rows = []
    for i in range(800):
        days = 2400 - np.cumsum(random.gamma(2.0, 40.0, 90))
        rows += [(f"c{i}", int(day), 10.0) for day in days if day >= 0]
    found = rank_silence(bought(*rows), people(**{f"c{i}": "gold" for i in range(800)}), **WINDOW).table
    row = found.iloc[0]
    assert row["silent_low"] < row["expected_share"] < row["silent_high"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"silent_days": 0}, ValueError, "silent_days is 0; give 1 or more", id="no silence"),
        pytest.param({"customers": MEMBERS[["customer_id"]]}, DataError, "have no rank", id="no rank"),
    ],
)
def test_refusals(options, error, message):
    customers = options.pop("customers", MEMBERS)
    with pytest.raises(error, match=message):
        rank_silence(LINES, customers, **(WINDOW | options))
