"""Pairs of campaigns that met the same customers. T9 (a campaign credited with another's effect)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.exposure import Exposure
from crmreport.analysis.campaign.told_apart import COLUMNS, told_apart
from tests.analysis.campaign.programmes import plan

AS_OF = date(2026, 10, 31)
A, B, LATER = plan("a"), plan("b", "2026-09-05"), plan("later", "2026-10-20")


def test_a_campaign_is_not_credited_with_what_the_other_did():
    # T9 at programme level: a is worth 1, b 3, and b reaches those of a more often.
    rng = np.random.default_rng(9)
    a = (rng.random(60_000) < 0.5).astype(int)
    b = (rng.random(60_000) < np.where(a == 1, 0.8, 0.2)).astype(int)
    met = Exposure(
        pd.DataFrame({"a": a + 1, "b": b + 1}), pd.Series(10 + a + 3 * b + rng.normal(0, 5, 60_000))
    )
    found = told_apart(met, plans=[A, B], drawn={"a", "b"}, as_of=AS_OF).set_index("campaign_id")
    assert found.loc["a", "plain"] == pytest.approx(2.8, abs=0.15)
    assert found.loc["a", "apart_lower"] < 1 < found.loc["a", "apart_upper"] < 2
    assert found.loc["b", "apart_lower"] < 3 < found.loc["b", "apart_upper"]
    assert found.loc["a", "both"] == int((a & b).sum())


ROLES = pd.DataFrame({"a": [1, 1, 2, 2] * 50, "b": [1, 2, 1, 2] * 50, "later": [1, 2, 2, 1] * 50})
MET = Exposure(ROLES, pd.Series([1.0, 4.0, 3.0, 6.0] * 50))


@pytest.mark.parametrize(
    ("plans", "drawn", "pairs"),
    [
        pytest.param([A, B], {"a", "b"}, [("a", "b"), ("b", "a")], id="both ways"),
        pytest.param([B, A], {"a", "b"}, [("a", "b"), ("b", "a")], id="the order of plans is irrelevant"),
        pytest.param([A, B], {"a"}, [], id="somebody chose whom b was sent to"),
        pytest.param([A, LATER], {"a", "later"}, [], id="a was over before the other began"),
        pytest.param([A], {"a"}, [], id="alone"),
        pytest.param([], set(), [], id="none"),
    ],
)
def test_which_pairs_are_told_apart(plans, drawn, pairs):
    found = told_apart(MET, plans=plans, drawn=drawn, as_of=AS_OF)
    assert list(found) == COLUMNS
    assert list(zip(found["campaign_id"], found["other_id"], strict=True)) == pairs


def test_the_same_customers_in_both_cannot_be_told_apart():
    met = Exposure(ROLES.assign(b=ROLES["a"]), MET.revenue)
    found = told_apart(met, plans=[A, B], drawn={"a", "b"}, as_of=AS_OF)
    assert found["apart"].isna().all()
    assert found["plain"].tolist() == [2.0, 2.0]
    assert found["withheld"].tolist() == ["same_customers"] * 2


def test_a_list_picked_by_what_the_other_did_is_not_told_apart():
    # a makes 30 % more buy, and b goes to buyers: of those in both, the held-out would have bought anyway.
    rng = np.random.default_rng(3)
    sent = rng.random(4000) < 0.5
    buys = rng.random(4000) < np.where(sent, 0.6, 0.3)
    b = np.where(buys, 1 + (rng.random(4000) < 0.5), 0)
    met = Exposure(pd.DataFrame({"b": b, "a": 1 + sent}), pd.Series(10.0 + 5 * buys + rng.normal(0, 1, 4000)))
    found = told_apart(met, plans=[B, A], drawn={"a", "b"}, as_of=AS_OF).set_index("campaign_id")
    assert found["withheld"].to_dict() == {"a": "picks_other", "b": "picked_by_other"}
    assert found["apart"].isna().all()
    assert found["plain"].isna().to_dict() == {"a": True, "b": False}


def test_few_shared_customers_are_not_looked_at():
    met = Exposure(ROLES.iloc[:96], MET.revenue.iloc[:96])
    assert told_apart(met, plans=[A, B], drawn={"a", "b"}, as_of=AS_OF).empty
