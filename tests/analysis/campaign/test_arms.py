"""Sufficient statistics of arms: equal to numpy's on every engine, and refusals that say how many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.campaign.arms import arm_statistics, arm_statistics_by, cluster_totals, upper_caps
from crmreport.errors import ConfigError, DataError


@pytest.fixture
def sent() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    arms = rng.choice(["line", "mail", "none"], 600)
    before = rng.gamma(0.5, 4000, 600)
    return pd.DataFrame(
        {
            "arm": arms,
            "rank": rng.choice(["gold", "silver"], 600),
            "bought": rng.random(600) < 0.2,
            "revenue": before * 0.5 + rng.gamma(0.5, 3000, 600),
            "before": before,
            "store": np.where(arms == "mail", rng.integers(0, 9, 600), 10 + rng.integers(0, 9, 600)),
        }
    )


def test_statistics_are_numpys_on_every_engine(engine, sent):
    found = arm_statistics(
        engine(sent), columns=["bought", "revenue"], pairs=[("revenue", "before")], caps={"revenue": 5000.0}
    )
    assert list(found) == ["line", "mail", "none"]
    for arm, rows in sent.groupby("arm"):
        statistics = found[str(arm)]
        assert statistics.n == len(rows)
        assert statistics.total("bought") == pytest.approx(rows["bought"].sum())
        assert statistics.means["revenue"] == pytest.approx(rows["revenue"].mean(), rel=1e-11)
        assert statistics.variances["before"] == pytest.approx(rows["before"].var(), rel=1e-11)
        assert statistics.means["revenue.capped"] == pytest.approx(rows["revenue"].clip(upper=5000).mean())
        together = np.cov(rows["revenue"], rows["before"])[0, 1]
        assert statistics.covariance("before", "revenue") == pytest.approx(together, rel=1e-9)
        assert statistics.covariance("before", "before") == statistics.variances["before"]


def test_segments_are_told_apart_and_their_customers_add_up(engine, sent):
    found = arm_statistics_by(engine(sent), columns=["revenue"], by="rank")
    assert sum(a.n for segment in found.values() for a in segment.values()) == len(sent)
    some = sent[(sent["rank"] == "gold") & (sent["arm"] == "mail")]["revenue"]
    assert found["gold"]["mail"].means["revenue"] == pytest.approx(some.mean())


def test_money_far_from_zero_keeps_its_variance(engine):
    # 1e9 ± 1: the difference of two sums of squares would lose all of it.
    far = pd.DataFrame({"arm": ["a"] * 1000, "stamp": 1e9 + np.tile([-1.0, 1.0], 500)})
    assert arm_statistics(engine(far), columns=["stamp"])["a"].variances["stamp"] == pytest.approx(1000 / 999)


def test_caps_are_those_of_all_arms_together(engine, sent):
    found = upper_caps(engine(sent), quantiles={"revenue": 0.99})
    assert found["revenue"] == pytest.approx(np.quantile(sent["revenue"], 0.99))
    assert upper_caps(engine(sent), quantiles={}) == {}


def test_clusters_become_rows_with_their_sums(engine, sent):
    sent = sent.assign(store=np.where(sent["arm"] == "mail", sent["store"], sent["store"] + 20))
    sent.loc[sent["arm"] == "none", "store"] += 100
    found = arm_statistics(
        cluster_totals(engine(sent), columns=["bought"], cluster="store"), columns=["bought", "customers"]
    )
    mail = sent[sent["arm"] == "mail"]
    assert found["mail"].n == mail["store"].nunique()
    assert found["mail"].total("customers") == pytest.approx(len(mail))
    assert found["mail"].total("bought") == pytest.approx(mail["bought"].sum())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**6)), min_size=4), st.randoms())
@settings(deadline=None, max_examples=40)
def test_row_order_never_matters(rows, random):
    one = pd.DataFrame(rows, columns=["arm", "revenue"])
    other = pd.DataFrame(random.sample(rows, len(rows)), columns=["arm", "revenue"])
    first, second = (arm_statistics(frame, columns=["revenue"]) for frame in (one, other))
    assert list(first) == list(second)
    for arm, found in first.items():
        assert found.n == second[arm].n
        assert found.means["revenue"] == pytest.approx(second[arm].means["revenue"], rel=1e-11)
        assert found.variances["revenue"] == pytest.approx(
            second[arm].variances["revenue"], rel=1e-10, nan_ok=True
        )


ROWS = pd.DataFrame({"arm": ["a", "a", "b"], "revenue": [1.0, 2.0, 3.0], "name": ["x", "y", "z"]})


@pytest.mark.parametrize(
    ("frame", "columns", "error", "message"),
    [
        pytest.param(ROWS, ["spend"], ConfigError, "lack the column 'spend'", id="no such column"),
        pytest.param(ROWS, ["name"], ConfigError, "'name' is String; give numbers", id="text"),
        pytest.param(ROWS[:0], ["revenue"], DataError, "no customers to compare", id="nobody"),
        pytest.param(
            ROWS.assign(revenue=[1.0, None, 3.0]),
            ["revenue"],
            DataError,
            "1 customers have no value in 'revenue'; fill 0",
            id="a blank is not a zero",
        ),
        pytest.param(
            ROWS.assign(arm=["a", None, "b"]), ["revenue"], DataError, "1 customers .* 'arm'", id="in no arm"
        ),
        pytest.param(
            ROWS.assign(revenue=[1.0, np.inf, 3.0]), ["revenue"], DataError, "no numbers", id="infinite"
        ),
    ],
)
def test_refusals(engine, frame, columns, error, message):
    with pytest.raises(error, match=message):
        arm_statistics(engine(frame), columns=columns)


def test_a_cluster_in_two_arms_was_not_what_was_assigned(engine):
    torn = pd.DataFrame({"arm": ["a", "b", "b"], "store": ["1", "1", "2"], "bought": [1, 0, 1]})
    with pytest.raises(DataError, match="1 values of 'store' have customers in more than one arm"):
        cluster_totals(engine(torn), columns=["bought"], cluster="store")


@pytest.mark.parametrize("quantile", [0.5, 1.0, 99.9])
def test_a_cap_is_a_high_quantile(quantile):
    with pytest.raises(ConfigError, match=r"above 0\.5 and below 1"):
        upper_caps(ROWS, quantiles={"revenue": quantile})
