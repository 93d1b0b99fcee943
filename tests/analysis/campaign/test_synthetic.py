"""Synthetic control."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from crmreport.analysis.campaign.synthetic import synthetic_control
from crmreport.errors import DataError


def regions(
    seed: int, *, effect: float = 0.0, n: int = 20, periods: int = 30, start: int = 24
) -> pd.DataFrame:
    """Regions of two common trends; the first is treated."""
    rng = np.random.default_rng(seed)
    trends = rng.normal(0, 3, (periods, 2)).cumsum(axis=0)
    share = rng.random((2, n))
    values = 100 + trends @ share + rng.normal(0, 1, (periods, n))
    values[start:, 0] += effect
    return pd.DataFrame(values, columns=[f"r{i:02d}" for i in range(n)])


def test_a_mix_is_found_again():
    frame = regions(1)
    frame["t"] = 0.7 * frame["r03"] + 0.3 * frame["r11"]
    found = synthetic_control(frame, treated="t", n_before=24)
    top = found.weights.head(2)
    assert top["donor"].tolist() == ["r03", "r11"]
    assert top["weight"].tolist() == pytest.approx([0.7, 0.3], abs=1e-6)
    assert found.fit == pytest.approx(0, abs=1e-8)
    assert found.effect == pytest.approx(0, abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_weights_are_a_mix_and_no_other_mix_comes_nearer(seed):
    frame = regions(seed, n=6)
    weights = (
        synthetic_control(frame, treated="r00", n_before=24).weights.sort_values("donor")["weight"].to_numpy()
    )
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    y, x = frame["r00"].to_numpy()[:24], frame.to_numpy()[:24, 1:]

    def loss(w):
        return float(((y - x @ w) ** 2).sum())

    other = minimize(
        loss, np.full(5, 0.2), bounds=[(0, 1)] * 5, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    # Its weights add up to 1 only to some 1e-7.
    assert loss(weights) <= loss(other.x / other.x.sum()) * (1 + 1e-6)


def test_a_real_effect_moves_most_and_nothing_moves_like_chance():
    # Seeds 0–59.
    moved = [synthetic_control(regions(seed, effect=8), treated="r00", n_before=24) for seed in range(60)]
    still = [synthetic_control(regions(seed), treated="r00", n_before=24) for seed in range(60)]
    said = [f.effect for f in moved if f.effect is not None]
    assert np.mean(said) == pytest.approx(8, abs=0.7)
    assert np.mean([f.p_value <= 0.05 for f in moved]) > 0.8
    assert np.mean([f.p_value <= 0.1 for f in still]) == pytest.approx(0.1, abs=0.09)


@pytest.mark.parametrize(
    ("frame", "options", "reasons"),
    [
        pytest.param(
            regions(2).assign(r00=lambda t: t["r00"] * np.linspace(1, 3, 30)), {}, ("poor_fit_before",),
            id="grows as no other region does",
        ),
        pytest.param(regions(3, n=4), {}, ("few_donors",), id="three donors"),
        pytest.param(regions(4), {"n_before": 5}, ("short_history",), id="five periods before"),
    ],
)  # fmt: skip
def test_withheld(frame, options, reasons):
    found = synthetic_control(frame, **{"treated": "r00", "n_before": 24, **options})
    assert found.reasons == reasons
    assert (found.effect, found.total) == (None, None)
    assert len(found.series) == 30


def test_what_is_shown_adds_up():
    frame = regions(5, effect=10)
    found = synthetic_control(frame, treated="r00", n_before=24)
    after = found.series[found.series["after"]]
    assert found.total == pytest.approx(after["gap"].sum())
    assert found.effect == pytest.approx(after["gap"].mean())
    assert (found.series["observed"] - found.series["synthetic"]).tolist() == pytest.approx(
        found.series["gap"].tolist()
    )
    assert found.placebos["unit"].iloc[0] == "r00"
    assert found.p_value == found.rank / 20


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        pytest.param(regions(6), {"treated": "x"}, "'x' is not among the 20", id="no such region"),
        pytest.param(regions(6, n=2), {}, "1 donors", id="one donor"),
        pytest.param(regions(6), {"n_before": 30}, "30 of 30 periods", id="nothing after"),
        pytest.param(regions(6).mask(lambda t: t > t.max().max() - 1e-9), {}, "1 values", id="value missing"),
    ],
)
def test_refusals(frame, options, message):
    with pytest.raises(DataError, match=message):
        synthetic_control(frame, **{"treated": "r00", "n_before": 24, **options})
