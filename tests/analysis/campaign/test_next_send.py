"""The list of whom to send to next time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.heterogeneity import segment_effects
from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.next_send import next_send
from crmreport.analysis.ledger import to_pandas


@pytest.fixture
def by_segment():
    rng = np.random.default_rng(9)
    n = 9000
    test = pd.DataFrame(
        {"segment": np.repeat(["loyal", "new", "gone"], n // 3), "treated": np.tile([0, 1], n // 2)}
    )
    lift = test["segment"].map({"loyal": 60, "new": 20, "gone": 0})
    test["revenue"] = rng.gamma(1, 100, n) + lift * test["treated"]
    return segment_effects(test, segment="segment", treated="treated", outcome="revenue", kind="mean")


CANDIDATES = pd.DataFrame(
    {"customer_id": ["c3", "c1", "c2", "c4", "c5"], "segment": ["loyal", "gone", "loyal", "other", None]}
)


def test_the_list_holds_those_who_pay_best_first(engine, by_segment):
    found = next_send(
        by_segment, engine(CANDIDATES), segment="segment", margin_rate=0.5, costs=Costs(send=5, fixed=7)
    )
    each = by_segment.table.set_index("segment")["shrunk"] * 0.5 - 5
    listed = to_pandas(found.customers)
    assert listed["customer_id"].tolist() == ["c2", "c3"]
    assert listed["expected_profit"].tolist() == pytest.approx([each["loyal"]] * 2)
    assert found.profit == pytest.approx(2 * each["loyal"] - 7)
    assert found.profit_of_all == pytest.approx(2 * each["loyal"] + each["gone"] - 7)
    assert found.segments["send"].tolist() == [True, True, False]
    assert found.segments["customers"].tolist() == [2, 0, 1]
    assert found.n_unknown == 2


def test_sending_to_nobody_costs_nothing(by_segment):
    found = next_send(
        by_segment, CANDIDATES, segment="segment", margin_rate=0.1, costs=Costs(send=50, fixed=7)
    )
    assert found.profit == 0
    assert to_pandas(found.customers).empty


def test_shrinking_takes_luck_off_the_promise():
    # Seed 20265: 20 segments, effects N(5, 10), noise 10; the profit promised for those chosen.
    rng = np.random.default_rng(20265)
    shrunk_gap, raw_gap = [], []
    segment, treated = np.repeat(np.arange(20), 200), np.tile([0, 1], 2000)
    who = pd.DataFrame({"customer_id": np.arange(20).astype(str), "segment": np.arange(20).astype(str)})
    for _ in range(50):
        truth = rng.normal(5, 10, 20)
        revenue = 100 + truth[segment] * treated + rng.normal(0, 70, 4000)
        test = pd.DataFrame({"segment": segment, "treated": treated, "revenue": revenue})
        effects = segment_effects(test, segment="segment", treated="treated", outcome="revenue", kind="mean")
        found = next_send(
            effects, who, segment="segment", margin_rate=1.0, costs=Costs(send=2), confidence=0.5
        )
        chosen = found.segments.loc[found.segments["send"], "segment"].tolist()
        actual = sum(truth[int(name)] - 2 for name in chosen)
        raw = effects.table.set_index("segment").loc[chosen, "difference"].sum() - 2 * len(chosen)
        shrunk_gap.append(found.profit - actual)
        raw_gap.append(raw - actual)
    # A little of the luck stays in: the spread of the true effects is itself estimated.
    assert np.mean(raw_gap) > 40
    assert abs(np.mean(shrunk_gap)) < np.mean(raw_gap) / 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"margin_rate": 30}, "margin_rate is 30", id="30 for 30 %"),
        pytest.param({"confidence": 0.2}, "confidence is 0.2", id="less sure than a coin"),
        pytest.param({"costs": Costs(coupon=9)}, "coupons cost 9", id="coupons in total"),
    ],
)
def test_list_refused(by_segment, options, message):
    given = {"margin_rate": 0.3, "costs": Costs(), **options}
    with pytest.raises(ValueError, match=message):
        next_send(by_segment, CANDIDATES, segment="segment", **given)


def test_a_list_of_shares_is_refused():
    frame = pd.DataFrame({"segment": ["a"] * 4, "treated": [0, 0, 1, 1], "bought": [0, 1, 1, 1]})
    effects = segment_effects(frame, segment="segment", treated="treated", outcome="bought", kind="share")
    with pytest.raises(ValueError, match="give effects on revenue"):
        next_send(effects, CANDIDATES, segment="segment", margin_rate=0.3, costs=Costs())
