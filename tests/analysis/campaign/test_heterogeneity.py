"""Effects by segment. T5 (Simpson) and Lenta: campaigns.json."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crmreport.analysis.campaign.estimate import cautious, mean_estimate, pooled_error, share_estimate
from crmreport.analysis.campaign.heterogeneity import segment_effects
from crmreport.analysis.stratified import stratified_difference
from crmreport.errors import DataError


def counted(table: dict[str, dict[str, tuple[int, int]]]) -> pd.DataFrame:
    """One row per customer of segment → arm → (customers, buyers)."""
    rows = []
    for name, arms in table.items():
        for arm, (n, k) in arms.items():
            bought = np.arange(n) < k
            rows.append(pd.DataFrame({"segment": name, "treated": arm == "t", "bought": bought.astype(int)}))
    return pd.concat(rows, ignore_index=True)


def shares(frame, **options):
    return segment_effects(
        frame, segment="segment", treated="treated", outcome="bought", kind="share", **options
    )


REVERSAL = {"vip": {"t": (1000, 220), "c": (9000, 1800)}, "normal": {"t": (9000, 270), "c": (1000, 20)}}


def test_better_in_every_segment_and_worse_together(engine):
    # T5: more vips in control; the pooled comparison says the campaign did harm.
    found = shares(engine(counted(REVERSAL)))
    assert found.table["segment"].tolist() == ["normal", "vip"]
    assert found.table["difference"].tolist() == pytest.approx([0.009999999999999998, 0.01999999999999999])
    assert found.pooled.difference == pytest.approx(-0.133, rel=1e-6)
    assert found.stratified.difference == pytest.approx(0.015, rel=1e-6)
    assert found.simpson == "reversed"
    assert found.table["mean_treatment"].tolist() == pytest.approx([0.03, 0.22])
    assert found.table["n_control"].tolist() == [1000, 9000]


def test_the_mantel_haenszel_test_of_the_same_segments():
    vip, normal = REVERSAL["vip"], REVERSAL["normal"]
    found = stratified_difference(
        [vip["t"][1], normal["t"][1]],
        [vip["t"][0], normal["t"][0]],
        [vip["c"][1], normal["c"][1]],
        [vip["c"][0], normal["c"][0]],
    )
    assert found.p_value == pytest.approx(0.038625754333978635, rel=1e-6)


def test_the_same_sign_but_ten_times_the_effect():
    # T5, first table: −13.9 points together, −1 and −2 in the segments.
    found = shares(
        counted({"vip": {"t": (1000, 180), "c": (9000, 1800)}, "normal": {"t": (9000, 270), "c": (1000, 40)}})
    )
    assert found.pooled.difference == pytest.approx(-0.139, rel=1e-6)
    assert found.stratified.difference == pytest.approx(-0.015000000000000008, rel=1e-6)
    assert found.simpson == "exaggerated"


def test_money_by_segment_is_told_by_the_larger_error_in_each(engine):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"segment": np.repeat(["a", "b"], 60), "treated": np.tile([0, 1, 1], 40)})
    frame["revenue"] = rng.gamma(1, 100, 120) + 30 * frame["treated"]
    found = segment_effects(
        engine(frame), segment="segment", treated="treated", outcome="revenue", kind="mean"
    )
    parts = {k: g["revenue"] for k, g in frame.groupby(["segment", "treated"])}
    t, c = parts["b", 1], parts["b", 0]
    welch = mean_estimate(t.mean(), t.var(), len(t), c.mean(), c.var(), len(c))
    expected = cautious(welch, pooled_error(t.var(), len(t), c.var(), len(c)))
    row = found.table.iloc[1]
    assert row["difference"] == pytest.approx(expected.difference)
    assert (row["lower"], row["upper"]) == pytest.approx((expected.lower, expected.upper))
    t, c = (frame.loc[frame["treated"] == arm, "revenue"] for arm in (1, 0))
    whole = mean_estimate(t.mean(), t.var(), len(t), c.mean(), c.var(), len(c))
    assert found.pooled.standard_error == pytest.approx(whole.standard_error)
    assert found.pooled.p_value == pytest.approx(whole.p_value)


def test_a_segment_without_control_is_blank_and_leaves_the_rest_alone():
    frame = counted({**REVERSAL, "lost": {"t": (50, 3)}})
    found, without = shares(frame), shares(counted(REVERSAL))
    lost = found.table.set_index("segment").loc["lost"]
    assert math.isnan(lost["difference"])
    assert math.isnan(lost["shrunk"])
    assert math.isnan(lost["p_adjusted"])
    assert found.n_blank == 1
    assert found.stratified.difference == pytest.approx(without.stratified.difference)
    assert found.table.set_index("segment").loc["vip", "p_adjusted"] == pytest.approx(
        without.table.set_index("segment").loc["vip", "p_adjusted"]
    )


def test_customers_of_no_known_segment_are_a_segment():
    frame = counted(REVERSAL).replace({"segment": {"vip": None}})
    assert shares(frame).table["segment"].tolist() == ["(unknown)", "normal"]


def test_segments_that_differ_by_chance_alone_are_called_different_one_time_in_twenty():
    # Seed 20264: 8 segments, the same effect in each.
    rng = np.random.default_rng(20264)
    segment, treated = np.repeat(np.arange(8), 800), np.tile([0, 1], 3200)
    called, flagged = [], []
    for _ in range(120):
        bought = (rng.random(6400) < 0.10 + 0.02 * treated).astype(int)
        found = shares(pl.DataFrame({"segment": segment, "treated": treated, "bought": bought}))
        called.append(found.q_p_value < 0.05)
        flagged.append(found.simpson != "none")
    assert np.mean(called) == pytest.approx(0.05, abs=0.04)
    assert np.mean(flagged) < 0.02


@pytest.mark.real
def test_lenta_by_sex_adds_up_to_the_trial(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())["lenta_ito"]["rct"]
    frame = pd.read_csv(shared_data / "data" / "campaigns" / "ito_lenta_dataset.csv")
    found = segment_effects(
        frame, segment="is_women", treated="is_treatment", outcome="response_att", kind="share"
    )
    assert found.table["n_treatment"].sum() == golden["n_t"]
    assert found.pooled.difference == pytest.approx(golden["diff"], rel=1e-6)
    assert (found.pooled.lower, found.pooled.upper) == pytest.approx(golden["ci_newcombe"], rel=1e-6)
    assert found.simpson == "none"
    for name in ("0", "1"):
        part = frame.query(f"is_women == {name}")
        k, n = part.groupby("is_treatment")["response_att"].sum(), part.groupby("is_treatment").size()
        expected = share_estimate(int(k[1]), int(n[1]), int(k[0]), int(n[0]))
        assert found.table["difference"].tolist()[int(name)] == pytest.approx(expected.difference)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"bought": 2}, "3 customers have an outcome other than 0 or 1", id="a count as share"),
        pytest.param({"bought": np.nan}, "3 customers have no outcome", id="outcome missing"),
        pytest.param({"treated": 2}, "treated holds \\[2\\]", id="third arm"),
    ],
)
def test_refusals(change, message):
    frame = pd.DataFrame({"segment": ["a", "a", "b"], "treated": [0, 1, 1], "bought": [0, 1, 0]})
    with pytest.raises(DataError, match=message):
        shares(frame.assign(**change))


def test_nobody_is_refused():
    with pytest.raises(DataError, match="no customers were assigned"):
        shares(pd.DataFrame({"segment": ["a"], "treated": [0], "bought": [0]}).iloc[:0])


def test_segments_with_few_held_out_do_not_differ_by_themselves():
    # Seed 817: no effect anywhere. A segment whose few held-out customers bought little is not precise.
    rng, differ = np.random.default_rng(817), 0
    sizes = [1200, 800, 400, 400, 320, 240, 240, 200, 120, 80]
    rates = [0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3]
    segment = np.repeat([f"s{i}" for i in range(10)], sizes)
    treated = np.concatenate([np.arange(n) % 10 > 0 for n in sizes]).astype(int)
    chance = np.repeat(rates, sizes)
    for _ in range(60):
        spent = (rng.random(4000) < chance) * rng.lognormal(0, 1, 4000)
        frame = pl.DataFrame({"segment": segment, "treated": treated, "spent": spent})
        found = segment_effects(frame, segment="segment", treated="treated", outcome="spent", kind="mean")
        differ += found.q_p_value < 0.05
    assert differ <= 6
