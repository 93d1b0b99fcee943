"""Customer profile: groups add up, changes are split exactly, and only real slips are called so."""

from datetime import date, timedelta
from statistics import NormalDist

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings

from crmreport.analysis.attributes import customer_groups, main_channel
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.observed import ObservedDays
from crmreport.analysis.profile import customer_profile
from crmreport.analysis.profiles import customer_profiles
from crmreport.errors import DataError
from tests.analysis.shops import shop as two_years

NOW = {"start": date(2026, 1, 1), "as_of": date(2026, 12, 31)}
BEFORE = (date(2025, 1, 1), date(2025, 12, 31))


def lines(*rows: tuple[str | None, str, float]) -> pd.DataFrame:
    """Order lines from (customer, day, revenue)."""
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [f"o{number}" for number in range(len(rows))],
            "order_date": pd.to_datetime([row[1] for row in rows]),
            "revenue": [float(row[2]) for row in rows],
            "is_return": [row[2] < 0 for row in rows],
        }
    )


def groups(**group_of: str | None) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": list(group_of), "group": list(group_of.values())})
    return frame.astype({"group": "str"})


BOUGHT = lines(
    ("a", "2026-03-01", 100), ("a", "2026-04-01", 200), ("b", "2026-03-01", 50), ("c", "2026-05-01", 150),
    ("x", "2026-05-01", 40), (None, "2026-05-01", 999), ("a", "2025-03-01", 500), ("c", "2025-03-01", 100),
    ("c", "2027-01-01", 777), ("b", "2026-06-01", -10),
)  # fmt: skip
PEOPLE = groups(a="east", b="east", c="west", d="west")


def test_table_by_hand(engine):
    table = customer_profile(
        engine(BOUGHT), engine(PEOPLE), by="area", **NOW, before=BEFORE, support=1
    ).table.set_index("group")
    assert table.index.tolist() == ["east", "west", "unknown"]
    assert table["customers"].tolist() == [2, 1, 1]
    assert table["purchases"].tolist() == [3, 1, 1]
    assert table["revenue"].tolist() == [340.0, 150.0, 40.0]
    assert table["revenue_before"].tolist() == [500.0, 100.0, 0.0]
    assert table["revenue_share"].tolist() == pytest.approx([340 / 530, 150 / 530, 40 / 530])
    assert table["revenue_per_customer"].tolist() == [170.0, 150.0, 40.0]
    assert table.loc["east", "revenue_change_rate"] == pytest.approx(-0.32)
    # East: one customer more at the mean of 170 and 500, the rest is less per customer.
    assert table.loc["east", ["change_from_customers", "change_from_spend"]].tolist() == [335.0, -495.0]
    assert table.loc["unknown", "change_from_customers"] == 40.0
    assert pd.isna(table.loc["unknown", "revenue_change_rate"])


def test_groups_add_up_to_the_attributable_revenue():
    profile = customer_profile(BOUGHT, PEOPLE, by="area", **NOW, before=BEFORE, support=1)
    assert profile.totals["revenue"] == 530.0
    split = profile.table[["change_from_customers", "change_from_spend"]].sum(axis=1)
    assert split.tolist() == pytest.approx(profile.table["revenue_change"].tolist())


def test_small_groups_are_pooled_and_counted():
    people = groups(a="east", b="north", c="west")
    profile = customer_profile(BOUGHT, people, by="area", **NOW, before=BEFORE, support=2)
    assert profile.n_pooled == 3
    assert profile.table["kind"].tolist() == ["other", "unknown"]
    assert profile.table["revenue"].tolist() == [490.0, 40.0]


def test_without_an_earlier_window_nothing_is_compared():
    table = customer_profile(BOUGHT, PEOPLE, by="area", **NOW, support=1).table
    assert set(table["verdict"]) == {"not_compared"}
    assert "revenue_change" not in table


def shop(
    *, now_factor: dict[str, float], customers: int = 200, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every group buys alike in 2025; in 2026 with its factor. Gamma amounts, Poisson purchases."""
    random = np.random.default_rng(seed)
    rows, people = [], {}
    for group, factor in now_factor.items():
        for number in range(customers):
            customer = f"{group}{number:03}"
            people[customer] = group
            for start, rate in ((date(2025, 1, 1), 4.0), (date(2026, 1, 1), 4.0 * factor)):
                for _ in range(random.poisson(rate)):
                    day = start + timedelta(days=int(random.integers(365)))
                    rows.append((customer, day.isoformat(), round(random.gamma(2, 2500))))
    return lines(*rows), groups(**people)


VERDICTS = {
    "all move alike": ({"east": 1.0, "west": 1.0, "north": 1.0}, "as_others"),
    "one falls by a third": ({"east": 0.67, "west": 1.0, "north": 1.0}, "slips"),
    "all fall alike: nobody slips": ({"east": 0.67, "west": 0.67, "north": 0.67}, "as_others"),
    "one grows, the rest doubles": ({"east": 1.3, "west": 2.0, "north": 2.0}, "lags"),
    "one grows by half": ({"east": 1.5, "west": 1.0, "north": 1.0}, "gains"),
    "one falls, the rest halves": ({"east": 0.85, "west": 0.5, "north": 0.5}, "holds"),
}


@pytest.mark.parametrize(("factors", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(factors, verdict):
    bought, people = shop(now_factor=factors)
    table = customer_profile(bought, people, by="area", **NOW, before=BEFORE).table
    assert table.set_index("group").loc["east", "verdict"] == verdict


def test_few_customers_are_not_judged():
    bought, people = shop(now_factor={"east": 0.2, "west": 1.0}, customers=25)
    few = customer_profile(bought, people, by="area", **NOW, before=BEFORE, support=40).table
    assert set(few["verdict"]) == {"too_few"}


def test_the_level_is_shared_among_the_groups():
    orders, people = shop(now_factor={"east": 1.0, "west": 1.0, "north": 1.0})

    def reach(confidence: float) -> float:
        profile = customer_profile(orders, people, by="area", **NOW, before=BEFORE, confidence=confidence)
        assert profile.n_groups_tested == 3
        return float((profile.table["excess_high"] - profile.table["excess"]).iloc[0])

    # Bonferroni: of 5 % (60 %) each of three groups has a third, half of it on either side.
    quantile = NormalDist().inv_cdf
    assert reach(0.95) / reach(0.4) == pytest.approx(quantile(1 - 0.05 / 6) / quantile(1 - 0.6 / 6))


def test_noise_is_called_a_slip_at_most_as_often_as_promised():
    # 60 shops in which nothing happened, three groups each: 5 % of shops may raise a false alarm.
    alarms = 0
    known = {"observed": ObservedDays(NOW["as_of"], BEFORE[0], NOW["as_of"], 3)}
    for seed in range(60):
        shops = shop(now_factor={"east": 1.0, "west": 1.0, "north": 1.0}, customers=60, seed=seed)
        # Polars takes a third of the time pandas does.
        bought, people = (pl.from_pandas(frame) for frame in shops)
        table = customer_profile(bought, people, by="area", **NOW, before=BEFORE, **known).table
        alarms += bool(table["verdict"].ne("as_others").any())
    assert alarms <= 7  # P(more than 7 of 60 at 5 %) < 1 %


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(["2025-05-05", "2026-05-05"]), st.integers(1, 99)
        ),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_rows_in_any_order_give_the_same_table(rows, random):
    frame = lines(*rows)
    shuffled = list(range(len(frame)))
    random.shuffle(shuffled)
    other = frame.iloc[shuffled].reset_index(drop=True)
    first, second = (
        customer_profile(f, PEOPLE, by="area", **NOW, before=BEFORE, support=1).table for f in (frame, other)
    )
    pd.testing.assert_frame_equal(first, second)
    assert first["customers"].sum() == frame.loc[frame["order_date"] >= "2026", "customer_id"].nunique()


def test_a_customer_in_two_groups_is_refused():
    twice = pd.DataFrame({"customer_id": ["a", "a"], "group": ["x", "y"]})
    with pytest.raises(DataError, match="1 customers stand in more than one group; first: 'a'"):
        customer_profile(BOUGHT, twice, by="area", **NOW)


def test_an_empty_window_is_refused():
    with pytest.raises(ValueError, match="is empty; give the earlier day first"):
        customer_profile(BOUGHT, PEOPLE, by="area", start=date(2026, 2, 1), as_of=date(2026, 1, 1))


PERSONS = pd.DataFrame(
    {
        "customer_id": list("abcdefg"),
        "birth_date": pd.to_datetime(
            ["2006-12-31", "2007-01-01", "1956-12-31", None, "2027-01-01", "1900-01-01", "1996-12-31"]
        ),
        "prefecture": ["東京都", "沖縄県", "三重県", None, "Wien", "", "北海道"],
        "joined_date": pd.to_datetime(["2025-04-01"] * 7),
        "rank": ["gold", " ", "", None, "gold", "silver", "silver"],
    }
)
ATTRIBUTES = {
    "age_band": ["20s", "under_20", "70_over", None, None, None, "30s"],
    "region": ["kanto", "kyushu", "kinki", None, None, None, "hokkaido"],
    "rank": ["gold", None, None, None, "gold", "silver", "silver"],
}


@pytest.mark.parametrize("by", ATTRIBUTES)
def test_attribute(engine, by):
    people = PERSONS.astype({"prefecture": "str", "rank": "str"})
    found = to_pandas(customer_groups(engine(people), by=by, as_of=NOW["as_of"]), sort_by="customer_id")
    assert [None if pd.isna(g) else g for g in found["group"]] == ATTRIBUTES[by]


def test_join_year():
    people = PERSONS.rename(columns={"joined_date": "joined_at"})
    found = to_pandas(customer_groups(people, by="join_year", as_of=NOW["as_of"]))
    assert set(found["group"]) == {"2025"}


def test_dates_as_python_objects_are_read():
    people = PERSONS.assign(birth_date=[None if pd.isna(d) else d.date() for d in PERSONS["birth_date"]])
    found = to_pandas(customer_groups(people, by="age_band", as_of=NOW["as_of"]), sort_by="customer_id")
    assert found["group"].iloc[0] == "20s"


def test_a_column_of_dates_without_any_value_makes_nobody_known():
    # As pandas reads such a column from a store.
    nobody = pd.Series([None] * len(PERSONS), dtype=object)
    people = PERSONS.assign(birth_date=nobody, joined_at=nobody)
    for by in ("age_band", "join_year"):
        assert to_pandas(customer_groups(people, by=by, as_of=NOW["as_of"]))["group"].isna().all()


def test_an_unknown_attribute_is_refused():
    with pytest.raises(DataError, match="customers have no club to group by 'club'"):
        customer_groups(PERSONS, by="club", as_of=NOW["as_of"])


def test_main_channel_is_where_the_money_went(engine):
    frame = BOUGHT.assign(channel=["ec", "store", "ec", "ec", "store", "ec", "ec", "store", "phone", "ec"])
    found = to_pandas(
        main_channel(engine(frame), as_of=NOW["as_of"], since=NOW["start"]), sort_by="customer_id"
    )
    assert dict(zip(found["customer_id"], found["group"], strict=True)) == {
        "a": "store",
        "b": "ec",
        "c": "ec",
        "x": "store",
    }


def test_main_channels_are_grouped_on_the_engine_the_lines_live_on(engine):
    lines = two_years().assign(channel="store")
    window = {"start": date(2025, 11, 1), "as_of": date(2026, 10, 31)}
    found = customer_profiles(engine(lines), None, by=["channel"], **window)["channel"]
    assert found.table.loc[found.table["kind"] != "unknown", "customers"].sum() > 0
