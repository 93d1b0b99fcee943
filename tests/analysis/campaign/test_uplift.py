"""Qini curve."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.uplift import qini_curve
from crmreport.errors import DataError


def simulated(seed: int, n: int = 4000, *, useful: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score, treated = rng.random(n), rng.integers(0, 2, n)
    lift = 0.2 * (score if useful else 0.5)
    return pd.DataFrame(
        {"score": score, "treated": treated, "y": (rng.random(n) < 0.2 + lift * treated).astype(int)}
    )


def test_by_hand(engine):
    # Score 2: 2 treated (1 bought), 1 control (0). Score 1: 2 treated (1), 3 control (1).
    rows = [(2, 1, 1), (2, 1, 0), (2, 0, 0), (1, 1, 1), (1, 1, 0), (1, 0, 1), (1, 0, 0), (1, 0, 0)]
    frame = pd.DataFrame(rows, columns=["score", "treated", "y"])
    found = qini_curve(engine(frame), score="score", treated="treated", outcome="y", repeats=100)
    assert found.curve["share"].tolist() == [0, 3 / 8, 1]
    # (1 − 0 × 2/1) ÷ 4, then (2 − 1 × 4/4) ÷ 4.
    assert found.curve["gain"].tolist() == [0, 0.25, 0.25]
    assert found.overall == 0.25
    assert found.coefficient == pytest.approx((0.25 - 0.25 * 3 / 8) / 2)
    assert (found.n_treatment, found.n_control) == (4, 4)


def test_row_order_and_ties_never_matter():
    frame = simulated(1, useful=True).assign(score=lambda t: t["score"].round(1))
    one = qini_curve(frame, score="score", treated="treated", outcome="y", repeats=100)
    other = qini_curve(
        frame.sample(frac=1, random_state=3), score="score", treated="treated", outcome="y", repeats=100
    )
    pd.testing.assert_frame_equal(one.curve, other.curve)
    assert (one.lower, one.upper) == (other.lower, other.upper)


def test_a_constant_score_finds_nobody():
    frame = simulated(1, useful=True).assign(score=1.0)
    found = qini_curve(frame, score="score", treated="treated", outcome="y", repeats=100)
    assert found.coefficient == pytest.approx(0)
    assert len(found.curve) == 2


def test_the_interval_covers_the_area_of_a_useless_score_and_of_a_useful_one():
    # Seeds 1000–1119. Useful: effect .2 s, so gain .2 (φ − φ²/2) and area .2 (1/2 − 1/6) − .1/2 = 1/60.
    for useful, truth in ((False, 0.0), (True, 1 / 60)):
        inside, areas = [], []
        for seed in range(120):
            found = qini_curve(
                simulated(1000 + seed, 1500, useful=useful), score="score", treated="treated", outcome="y",
                points=40, repeats=200, seed=seed,
            )  # fmt: skip
            inside.append(found.lower <= truth <= found.upper)
            areas.append(found.coefficient)
        assert np.mean(inside) >= 0.91
        assert np.mean(areas) == pytest.approx(truth, abs=0.002)


def test_money_is_an_outcome_too():
    rng = np.random.default_rng(8)
    n = 3000
    frame = pd.DataFrame({"score": rng.random(n), "treated": rng.integers(0, 2, n)})
    frame["y"] = rng.gamma(0.5, 100, n) + 60 * frame["score"] * frame["treated"]
    found = qini_curve(frame, score="score", treated="treated", outcome="y", repeats=200)
    arms = frame.groupby("treated")["y"].mean()
    assert found.overall == pytest.approx(arms[1] - arms[0])
    assert found.lower > 0


@pytest.mark.real
def test_lenta_gain_at_everybody_is_the_trials_effect(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())["lenta_ito"]["rct"]
    frame = pd.read_csv(shared_data / "data" / "campaigns" / "ito_lenta_dataset.csv")
    found = qini_curve(
        frame, score="food_share_15d", treated="is_treatment", outcome="response_att", repeats=200
    )
    assert found.overall == pytest.approx(golden["diff"], rel=1e-6)
    assert (found.n_treatment, found.n_control) == (golden["n_t"], golden["n_c"])
    assert found.curve["lower"].iloc[-1] == pytest.approx(golden["ci_wald_unpooled"][0], abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"treated": 1}, "treated holds \\[1\\]", id="no control"),
        pytest.param({"score": np.nan}, "2 customers have no score", id="no score"),
        pytest.param({"y": np.nan}, "2 customers have no outcome", id="no outcome"),
    ],
)
def test_data_refused(change, message):
    frame = pd.DataFrame({"score": [1.0, 2.0], "treated": [0, 1], "y": [0, 1]}).assign(**change)
    with pytest.raises(DataError, match=message):
        qini_curve(frame, score="score", treated="treated", outcome="y")


@pytest.mark.parametrize("options", [{"points": 1}, {"repeats": 10}], ids=["one point", "ten samples"])
def test_options_refused(options):
    with pytest.raises(ValueError, match="2 or more"):
        qini_curve(simulated(1, 50, useful=True), score="score", treated="treated", outcome="y", **options)
