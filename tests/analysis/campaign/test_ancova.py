"""Effects by least squares: unbiased, covered, equal to CUPED's idea; Lenta and Complete Journey are among
the golden blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.ancova import regression_adjusted
from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.cuped import cuped
from crmreport.errors import DataError


def drawn(seed: int, n: int = 400) -> pd.DataFrame:
    """A tenth is treated and varies more; the effect is 5."""
    rng = np.random.default_rng(seed)
    sent, before = (rng.random(n) < 0.1).astype(int), rng.gamma(1.0, 50.0, n)
    after = 0.8 * before + 5 * sent + rng.normal(0, 10, n) * (1 + 2 * sent)
    return pd.DataFrame({"sent": sent, "before": before, "visits": rng.poisson(3, n), "after": after})


def adjusted(frame, covariates=("before", "visits")):
    return regression_adjusted(frame, treated="sent", outcome="after", covariates=list(covariates))


def test_unbiased_and_covered_though_the_arms_differ_in_size_and_spread():
    # Seeds 0–149; errors that took both arms for equally spread would cover 66 %.
    found = [adjusted(drawn(seed)) for seed in range(150)]
    assert np.mean([e.difference for e in found]) == pytest.approx(5, abs=1)
    assert np.mean([e.lower <= 5 <= e.upper for e in found]) == pytest.approx(0.94, abs=0.04)


def test_one_covariate_does_what_cuped_does():
    frame = drawn(1, 4000)
    arms = arm_statistics(
        frame.assign(arm=frame["sent"].map({1: "t", 0: "c"})),
        columns=["after", "before"],
        pairs=[("after", "before")],
    )
    other = cuped(arms["t"], arms["c"], column="after", covariate="before").estimate
    one = adjusted(frame, ["before"])
    assert one.difference == pytest.approx(other.difference, rel=0.01)
    assert one.standard_error == pytest.approx(other.standard_error, rel=0.02)


def test_the_same_on_every_engine(engine):
    found, plain = adjusted(engine(drawn(2))), adjusted(drawn(2))
    assert (found.difference, found.standard_error) == pytest.approx((plain.difference, plain.standard_error))


def test_the_unit_of_a_covariate_and_a_constant_one_change_nothing():
    frame = drawn(3)
    plain = adjusted(frame)
    other = adjusted(frame.assign(before=frame["before"] * 1e6, same=7.0), ["before", "visits", "same"])
    assert (other.difference, other.standard_error) == pytest.approx((plain.difference, plain.standard_error))


def test_no_covariate_is_the_plain_difference():
    frame = drawn(4)
    means = frame.groupby("sent")["after"].mean()
    assert adjusted(frame, []).difference == pytest.approx(means[1] - means[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"before": np.nan}, "400 customers lack a value; first column: before", id="missing"),
        pytest.param({"sent": 2}, "other values than 0 and 1", id="arms 2"),
        pytest.param({"sent": 1}, "nobody to compare with", id="everybody sent to"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(DataError, match=message):
        adjusted(drawn(5).assign(**change))


def test_a_covariate_that_decides_the_arm_is_refused():
    frame = drawn(6)
    with pytest.raises(DataError, match="at equal covariates"):
        adjusted(frame.assign(visits=3 * frame["sent"] + 1))
