"""Metrics whose parts do not fit their kind are refused before anything is computed."""

from __future__ import annotations

import pytest

from crmreport.analysis.campaign.metric import Metric
from crmreport.errors import ConfigError


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        pytest.param({"kind": "median"}, "kind is 'median'; give share, mean, ratio", id="unknown kind"),
        pytest.param({"kind": "mean", "role": "main"}, "role is 'main'; give primary", id="unknown role"),
        pytest.param({"kind": "ratio"}, "has a denominator", id="ratio of nothing"),
        pytest.param({"kind": "mean", "denominator": "orders"}, "has a denominator", id="divided mean"),
        pytest.param({"kind": "share", "cap": 0.99}, "only a mean can be capped", id="capped share"),
        pytest.param(
            {"kind": "ratio", "denominator": "n", "covariate": "x"}, "takes no covariate", id="ratio, CUPED"
        ),
    ],
)
def test_refusals(parts, message):
    with pytest.raises(ConfigError, match=f"metric 'revenue': .*{message}"):
        Metric("revenue", **parts)


def test_the_column_is_the_name_unless_told():
    assert Metric("bought", "share").values == "bought"
    assert Metric("conversion", "share", "bought").values == "bought"
