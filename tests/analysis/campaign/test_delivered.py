"""Effects on customers a message arrived at: T11 of campaigns.json, made here from a recipe of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.delivered import effect_on_delivered


def bounced(seed: int, n: int = 1000) -> pd.DataFrame:
    """Mails arrive at customers who buy more anyway; arriving is worth 10."""
    rng = np.random.default_rng(seed)
    keen, sent = rng.normal(size=n), rng.integers(0, 2, n)
    arrived = sent * (rng.random(n) < 1 / (1 + np.exp(-keen)))
    spend = 100 + 20 * keen + 10 * arrived + rng.normal(0, 20, n)
    return pd.DataFrame({"arm": np.where(sent == 1, "t", "c"), "arrived": arrived, "spend": spend})


def effect(frame):
    arms = arm_statistics(frame, columns=["spend", "arrived"], pairs=[("spend", "arrived")])
    return effect_on_delivered(arms["t"], arms["c"], column="spend", delivered="arrived")


def test_unbiased_and_covered_where_comparing_the_reached_is_not():
    # Seeds 0–99.
    frames = [bounced(seed) for seed in range(100)]
    by_arrival = [f.groupby("arrived")["spend"].mean().diff().iloc[-1] for f in frames]
    assert np.mean(by_arrival) > 15
    found = [effect(frame) for frame in frames]
    assert np.mean([e.difference for e in found]) == pytest.approx(10, abs=1.2)
    assert np.mean([e.lower <= 10 <= e.upper for e in found]) == pytest.approx(0.95, abs=0.045)


def test_everything_arrived_is_the_effect_as_assigned():
    frame = bounced(1).assign(arrived=lambda f: (f["arm"] == "t").astype(int))
    spend = frame.groupby("arm")["spend"]
    means, errors = spend.mean(), spend.sem()
    found = effect(frame)
    assert found.difference == pytest.approx(means["t"] - means["c"])
    assert found.standard_error == pytest.approx(np.hypot(errors["t"], errors["c"]))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(bounced(2).assign(arrived=0), id="nothing arrived"),
        pytest.param(
            bounced(2).assign(arrived=lambda f: np.arange(len(f)) % 2), id="it arrived at the control too"
        ),
        pytest.param(
            pd.DataFrame({"arm": ["t", "c"], "arrived": [1, 0], "spend": [1.0, 2.0]}), id="two customers"
        ),
    ],
)
def test_without_a_difference_in_delivery_nothing_is_said(frame):
    assert effect(frame) is None
