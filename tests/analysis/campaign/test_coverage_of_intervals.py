"""What "95 %" is worth where the control is a 5 % holdout: simulated, seeded, vectorised.

The cases are T8 of campaigns.json: an interval with pooled variance covers 85 % in the first.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from crmreport.analysis.proportions import newcombe_interval

RUNS = 20_000


@pytest.mark.parametrize(
    ("p_control", "p_treatment"),
    [
        pytest.param(0.02, 0.01, id="control higher"),
        pytest.param(0.005, 0.01, id="control lower"),
        pytest.param(0.05, 0.05, id="no effect"),
    ],
)
def test_a_holdout_of_5_per_cent_is_covered_as_promised(p_control, p_treatment):
    rng = np.random.default_rng(8)
    n_c, n_t = 1_000, 19_000
    drawn = np.stack([rng.binomial(n_t, p_treatment, RUNS), rng.binomial(n_c, p_control, RUNS)])
    # Equal draws have equal intervals: each is computed once.
    pairs, times = np.unique(drawn, axis=1, return_counts=True)
    truth = p_treatment - p_control
    held = 0
    for (k_t, k_c), n in zip(pairs.T.tolist(), times.tolist(), strict=True):
        lower, upper = newcombe_interval(k_t, n_t, k_c, n_c)
        held += n * (lower <= truth <= upper)
    assert held / RUNS == pytest.approx(0.95, abs=0.01)


def test_pooled_variance_would_not_have_held():
    rng = np.random.default_rng(8)
    n_c, n_t = 1_000, 19_000
    k_t, k_c = rng.binomial(n_t, 0.01, RUNS), rng.binomial(n_c, 0.02, RUNS)
    share = (k_t + k_c) / (n_t + n_c)
    reach = norm.ppf(0.975) * np.sqrt(share * (1 - share) * (1 / n_t + 1 / n_c))
    assert (np.abs(k_t / n_t - k_c / n_c + 0.01) <= reach).mean() == pytest.approx(0.85225, abs=0.01)
