"""The draw of a test's arms: it can be made again by anybody, and is fair in every stratum."""

from __future__ import annotations

import hashlib
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.campaign.assign import draw_arms
from crmreport.errors import ConfigError, DataError

SHARES = {"mail": 0.6, "dm": 0.3, "holdout": 0.1}


def people(n: int, strata: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": [f"{i:05d}" for i in range(n)], "segment": [f"s{i % strata}" for i in range(n)]}
    )


def arms(frame: pd.DataFrame, **changes) -> dict[str, str]:
    settings = {"shares": SHARES, "campaign_id": "m1", "seed": 1, "strata": ["segment"]} | changes
    rows = draw_arms(frame, **settings).rows
    return dict(zip(rows["customer_id"], rows["arm"], strict=True))


def test_the_order_of_rows_and_arms_decides_nothing():
    frame = people(101)
    turned = dict(reversed(SHARES.items()))
    assert arms(frame) == arms(frame.sample(frac=1, random_state=3)) == arms(frame, shares=turned)


def test_the_engine_decides_nothing(engine):
    frame = people(60)
    assert arms(engine(frame)) == arms(frame)


def test_weights_are_shares():
    assert arms(people(50), shares={"a": 9, "b": 1}) == arms(people(50), shares={"a": 0.9, "b": 0.1})


@pytest.mark.parametrize("changes", [{"seed": 2}, {"campaign_id": "m2"}], ids=["seed", "campaign"])
def test_another_lot_is_independent(changes):
    frame = people(4000)
    one, other = arms(frame), arms(frame, **changes)
    both = sum(one[c] == other[c] == "holdout" for c in one)
    assert 4000 * 0.01 * 0.5 < both < 4000 * 0.01 * 1.6, "of a tenth held out, a tenth is held out again"


def test_what_happens_in_one_stratum_leaves_the_others_as_they_are():
    frame = people(80)
    fewer = frame[frame["customer_id"] != "00000"]
    before, after = arms(frame), arms(fewer)
    rest = frame[frame["segment"] != "s0"]["customer_id"]
    assert all(before[c] == after[c] for c in rest)


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    weights=st.lists(st.sampled_from([0.05, 0.1, 0.3, 0.5, 1, 7]), min_size=2, max_size=4),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_every_stratum_gets_the_shares_to_within_one(sizes, weights, seed):
    frame = people(sum(sizes))
    frame["segment"] = [f"s{i}" for i, n in enumerate(sizes) for _ in range(n)]
    shares = {f"a{i}": w for i, w in enumerate(weights)}
    found = draw_arms(frame, shares=shares, campaign_id="m", seed=seed, strata=["segment"])
    counts = found.strata.set_index("stratum")
    assert counts["customers"].to_dict() == frame["segment"].value_counts().to_dict()
    for arm, weight in shares.items():
        exact = counts["customers"] * weight / sum(weights)
        assert ((counts[arm] - exact).abs() < 1 - 1e-9).all()
    assert found.rows["arm"].value_counts().to_dict() == {a: n for a, n in found.sizes.items() if n}


def test_a_lone_customer_has_the_shares_as_probabilities():
    alone = people(2000, strata=2000)
    drawn = list(arms(alone, shares={"mail": 0.9, "none": 0.1}).values())
    assert abs(drawn.count("none") - 200) < 4 * math.sqrt(2000 * 0.9 * 0.1)


def test_the_list_can_be_drawn_by_hand():
    frame = people(10, strata=1)
    drawn = arms(frame, shares={"a": 0.5, "b": 0.5})
    lots = {c: hashlib.sha256(f"m1\x1f1\x1f{c}".encode()).digest()[:8] for c in frame["customer_id"]}
    line = sorted(lots, key=lambda c: (lots[c], c))
    assert [drawn[c] for c in line] == ["a"] * 5 + ["b"] * 5


def test_a_list_once_drawn_stays_as_it_is():
    rows = draw_arms(people(40), shares=SHARES, campaign_id="m1", seed=1, strata=["segment"]).rows
    digest = hashlib.sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    assert digest.startswith("4f33a966692f4b67"), "plans written before could not be checked any more"


def test_a_blank_is_a_stratum_and_several_columns_make_one():
    frame = pd.DataFrame({"customer_id": ["a", "b"], "x": ["p", None], "y": [None, "q"]})
    found = draw_arms(frame, shares={"m": 1, "n": 1}, campaign_id="c", seed=1, strata=["x", "y"])
    assert found.strata["stratum"].tolist() == [" | q", "p | "]


def test_strata_whose_values_hold_the_separator_stay_apart():
    frame = pd.DataFrame(
        {"customer_id": list("abcd"), "x": ["p | q", "p", "p\\", "p"], "y": ["r", "q | r", "q", "\\ | q"]}
    )
    found = draw_arms(frame, shares={"m": 1, "n": 1}, campaign_id="c", seed=1, strata=["x", "y"])
    assert found.strata["customers"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("frame", "changes", "error", "message"),
    [
        pytest.param(people(0), {}, DataError, "there is no customer to draw", id="nobody"),
        pytest.param(pd.concat([people(2)] * 2), {}, DataError, "2 customers are listed more", id="twice"),
        pytest.param(
            people(3).assign(customer_id=["a", None, "b"]),
            {},
            DataError,
            "1 customers have no id",
            id="no id",
        ),
        pytest.param(people(3), {"shares": {"mail": 1}}, ConfigError, "two arms, not mail", id="one arm"),
        pytest.param(
            people(3), {"shares": {"a": 1, "b": 0}}, ConfigError, "share of arm 'b' is 0", id="no share"
        ),
        *[
            pytest.param(
                people(3), {"shares": {name: 1, "none": 1}}, ConfigError, f"named '{name}'", id=f"arm {name}"
            )
            for name in ("customers", "stratum")
        ],
        pytest.param(
            people(3), {"strata": ["rank"]}, ConfigError, "no column 'rank' to draw by", id="no column"
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(frame, changes, error, message):
    with pytest.raises(error, match=message):
        arms(frame, **changes)
