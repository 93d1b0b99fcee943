"""Traps, each made from its recipe and looked at by the package: keys as in campaigns.json.

Where the recipe tells a seed and the draws below follow its order, the numbers are those of the file to
the last digit. T1 and T13 name no seed: theirs are 1 and 13. T6 and T8 tell neither seed nor order: with
seeds 6 and 8 they are held to the file within the error of two simulations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from crmreport.analysis.campaign.arms import ArmStatistics, arm_statistics
from crmreport.analysis.campaign.delivered import effect_on_delivered
from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.estimate import normal_estimate, share_estimate
from crmreport.analysis.campaign.heterogeneity import SegmentEffects, segment_effects
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.money import Costs, campaign_profit
from crmreport.analysis.campaign.multiple import adjust_p_values
from crmreport.analysis.campaign.overlap import effects_together
from crmreport.analysis.campaign.ratios import ratio_estimate
from crmreport.analysis.campaign.regression_to_mean import before_after, won_back
from crmreport.analysis.campaign.sequential import always_valid, mixing_ratio
from crmreport.analysis.proportions import compare_shares, newcombe_interval
from crmreport.analysis.stratified import stratified_difference
from tests.analysis.campaign.golden_blocks import Block, mean_block, share_block

Floats = NDArray[np.float64]


def traps(shared: Path) -> Block:
    return {
        **t1_peeking(),
        "T2_openers": t2_openers(),
        "T3_click_to_open": t3_click_to_open(),
        "T4_regression_to_mean": t4_regression_to_mean(),
        **t5_simpson(),
        "T6_winners_curse": t6_winners_curse(),
        "T7_session_level_fpr": t7_sessions(1000),
        "T8_holdout_ci_coverage": t8_coverage(3000),
        "T9_overlap": t9_overlap(),
        "T10_margin": t10_margin(),
        "T11_noncompliance_ito": t11_noncompliance(shared),
        "T12_novelty": t12_novelty(),
        "T13_segment_fishing": t13_fishing(20_000),
    }


def t1_peeking(paths: int = 20_000) -> Block:
    """Nothing happened; alarms at any of K looks, by a fixed interval and by an always-valid one."""
    rng = np.random.default_rng(1)
    naive = {str(looks): _alarms(rng, paths, looks, _fixed) for looks in (1, 5, 10, 20, 28)}
    return {
        "T1_peeking_fpr": naive,
        "T1_always_valid_fpr_28_looks": _alarms(np.random.default_rng(1), paths, 28, _valid),
    }


def _alarms(rng: np.random.Generator, paths: int, looks: int, reach: Callable[[int], float]) -> float:
    mean = rng.normal(size=(paths, looks)).cumsum(axis=1) / np.arange(1, looks + 1)
    return float((np.abs(mean) > [reach(n) for n in range(1, looks + 1)]).any(axis=1).mean())


def _fixed(n: int) -> float:
    return normal_estimate(0.0, 1 / math.sqrt(n), 1, 1).upper


def _valid(n: int) -> float:
    # The file's mixture has the variance of one increment: the plan that gives it, in thousandths of a look.
    estimate = normal_estimate(0.0, 1 / math.sqrt(n), 500 * n, 500 * n)
    return always_valid(estimate, planned_customers=round(1000 * mixing_ratio())).upper


def t2_openers(n: int = 200_000) -> Block:
    """Keen customers open and buy more; the mail does nothing."""
    rng = np.random.default_rng(2)
    keen, sent = rng.normal(size=n), rng.integers(0, 2, n)
    opened = (rng.random(n) < expit(-0.8 + 1.2 * keen)) & (sent == 1)
    people = pd.DataFrame({"sent": sent, "bought": rng.random(n) < expit(-3 + 0.8 * keen)})
    return {
        "itt": share_block(people, column="bought", treated="sent"),
        "openers_vs_control": share_block(people[opened | (sent == 0)], column="bought", treated="sent"),
    }


def t3_click_to_open(n: int = 100_000) -> Block:
    """B's subject loses openers who never click: more clicks per open, no more clicks."""
    rng = np.random.default_rng(3)
    arm = np.where(rng.integers(0, 2, n) == 1, "A", "B")
    keen = rng.random(n) < 0.2
    opened = rng.random(n) < np.where(keen, 0.5, np.where(arm == "B", 0.15, 0.30))
    clicked = opened & keen & (rng.random(n) < 0.3)
    metrics = [
        Metric("open", "share"),
        Metric("click", "share"),
        Metric("cto", "ratio", "click", denominator="open"),
    ]
    people = pd.DataFrame({"arm": arm, "open": opened, "click": clicked})
    found = compare_arms(people, metrics=metrics, control="A")
    return {
        "A": {m.name: found.of(m.name).value_control for m in metrics},
        "B": {m.name: found.of(m.name).value_treatment for m in metrics},
    }


def t4_regression_to_mean(n: int = 100_000) -> Block:
    """Dormant customers buy again though nobody wrote to them (half are called treated, by lot)."""
    rng = np.random.default_rng(4)
    rate = rng.gamma(0.5, 2, n)
    people = pd.DataFrame({"customer_id": range(n), "before": rng.poisson(rate), "after": rng.poisson(rate)})
    dormant = people[people["before"] == 0].assign(band="all")
    dormant["sent"] = np.random.default_rng(20267).integers(0, 2, len(dormant))
    dormant["back"] = (dormant["after"] > 0).astype(int)
    cell = won_back(dormant, treated="sent", came_back="back", match_on=["band"]).cells.iloc[0]
    back = cell["n_treated"] * cell["came_back_treated"] + cell["n_untreated"] * cell["came_back_untreated"]
    means = before_after(dormant, before="before", after="after")
    return {
        "dormant": int(cell["n_treated"] + cell["n_untreated"]),
        "reactivated_rate": back / len(dormant),
        # A rate of Gamma(a, scale b) seen once without an event is Gamma(a, scale b ÷ (1 + b)).
        "theory_reactivated": 1 - (1 + 2 / 3) ** -0.5,
        "mean_before": means.mean_before,
        "mean_after": means.mean_after,
        "theory_mean_after": 0.5 * 2 / 3,
    }


SIMPSON = {
    "T5_simpson": {
        "vip": {"t": (1000, 180), "c": (9000, 1800)},
        "normal": {"t": (9000, 270), "c": (1000, 40)},
    },
    "T5_simpson_reversal": {
        "vip": {"t": (1000, 220), "c": (9000, 1800)},
        "normal": {"t": (9000, 270), "c": (1000, 20)},
    },
}


def t5_simpson() -> Block:
    """More vips in the control: the pooled comparison speaks of vips, not of the campaign."""
    plain, reversal = (_by_segment(table) for table in SIMPSON.values())
    table = SIMPSON["T5_simpson_reversal"]
    counts = [[table[s][arm][i] for s in table] for arm in ("t", "c") for i in (1, 0)]
    haenszel = stratified_difference(*counts)
    return {
        "T5_simpson": {
            **_diffs(plain), "stratified_diff_weights_segment_size": plain.stratified.difference
        },
        "T5_simpson_reversal": {
            **_diffs(reversal),
            "stratified_diff": reversal.stratified.difference,
            "mantel_haenszel_or": haenszel.odds_ratio,
            "mh_p": haenszel.p_value,
        },
    }  # fmt: skip


def _by_segment(table: dict[str, dict[str, tuple[int, int]]]) -> SegmentEffects:
    rows = [
        pd.DataFrame({"segment": name, "sent": int(arm == "t"), "bought": (np.arange(n) < k).astype(int)})
        for name, arms in table.items()
        for arm, (n, k) in arms.items()
    ]
    return segment_effects(pd.concat(rows), segment="segment", treated="sent", outcome="bought", kind="share")


def _diffs(found: SegmentEffects) -> Block:
    by = found.table.set_index("segment")["difference"]
    return {"vip_diff": by["vip"], "normal_diff": by["normal"], "pooled_diff": found.pooled.difference}


def t6_winners_curse(runs: int = 5000) -> Block:
    """Ten equal arms: how far the best is above the truth, and how often it beats the first one."""
    drawn = np.random.default_rng(6).binomial(5000, 0.02, (runs, 10))
    best = drawn.max(axis=1)
    pairs, times = np.unique(np.stack([best, drawn[:, 0]]), axis=1, return_counts=True)
    p = [share_estimate(b, 5000, a, 5000).p_value for b, a in pairs.T.tolist()]
    too_much = float(best.mean() / 5000 - 0.02)
    return {
        "best_minus_truth": too_much,
        "relative": too_much / 0.02,
        "naive_p_lt_05_best_vs_arm0": float(times[np.array(p) < 0.05].sum() / runs),
    }


def t7_sessions(tests: int) -> Block:
    """A/A tests of users who come back: by session, as if each were a sample of its own, and by user."""
    rng = np.random.default_rng(7)
    by_session = by_user = 0
    for _ in range(tests):
        arm, sessions = rng.integers(0, 2, 2000), 1 + rng.poisson(rng.gamma(0.5, 8, 2000))
        bought = rng.binomial(sessions, rng.beta(0.4, 3.6, 2000))
        t, c = (_users(sessions[arm == a], bought[arm == a]) for a in (1, 0))
        counts = [round(a.total(column)) for a in (t, c) for column in ("bought", "sessions")]
        by_session += compare_shares(*counts) < 0.05
        # By z, as the file decides; by t one test of the thousand goes the other way.
        e = ratio_estimate(t, c, numerator="bought", denominator="sessions")
        by_user += normal_estimate(e.difference, e.standard_error, t.n, c.n).p_value < 0.05
    return {"naive_session_ztest": by_session / tests, "delta_method_user": by_user / tests}


def _users(sessions: NDArray[np.int64], bought: NDArray[np.int64]) -> ArmStatistics:
    spread = np.cov(bought, sessions)
    return ArmStatistics(
        len(sessions),
        {"bought": float(bought.mean()), "sessions": float(sessions.mean())},
        {"bought": float(spread[0, 0]), "sessions": float(spread[1, 1])},
        {("bought", "sessions"): float(spread[0, 1])},
    )


def t8_coverage(runs: int) -> Block:
    """How often an interval of a holdout of 5 % holds the truth."""
    rng, n_c, n_t = np.random.default_rng(8), 1_000, 19_000
    found = {}
    for name, p_c, p_t in (("control_higher", 0.02, 0.01), ("control_lower", 0.005, 0.01)):
        k_t, k_c = rng.binomial(n_t, p_t, 40_000), rng.binomial(n_c, p_c, 40_000)
        off = np.abs(k_t / n_t - k_c / n_c - (p_t - p_c))
        pooled = (k_t + k_c) / (n_t + n_c)
        alone = k_t / n_t * (1 - k_t / n_t) / n_t + k_c / n_c * (1 - k_c / n_c) / n_c
        together = pooled * (1 - pooled) * (1 / n_t + 1 / n_c)
        # Equal draws have equal intervals: each is computed once.
        pairs, times = np.unique(np.stack([k_t, k_c])[:, :runs], axis=1, return_counts=True)
        bounds = [newcombe_interval(t, n_t, c, n_c) for t, c in pairs.T.tolist()]
        held = [low <= p_t - p_c <= high for low, high in bounds]
        found[name] = {
            "wald_unpooled": float((off <= 1.959964 * np.sqrt(alone)).mean()),
            "wald_pooled": float((off <= 1.959964 * np.sqrt(together)).mean()),
            "newcombe_3000": float(times[held].sum() / runs),
        }
    return found


def t9_overlap(n: int = 100_000) -> Block:
    """B reaches those of A more often, and is worth three times as much."""
    rng = np.random.default_rng(9)
    a = (rng.random(n) < 0.5).astype(float)
    b = (rng.random(n) < np.where(a == 1, 0.8, 0.2)).astype(float)
    people = pd.DataFrame({"a": a, "b": b, "y": 10 + a + 3 * b + rng.normal(0, 5, n)})
    return {
        "naive_A": mean_block(people.loc[a == 1, "y"], people.loc[a == 0, "y"])["diff"],
        "adjusted_A": effects_together(people, ["a", "b"], outcome="y")["a"].difference,
        "phi": float(people["a"].corr(people["b"])),
    }


def t10_margin() -> Block:
    """Revenue rises by 17.6 %; 26 are spent on each recipient for it, at a margin of 30 %."""

    def profit(revenue: float, send: float) -> float:
        return campaign_profit(
            normal_estimate(revenue, 1.0, 1, 1), margin_rate=0.3, costs=Costs(send=send)
        ).profit

    return {
        "lift_revenue": campaign_profit(
            normal_estimate(176.4 - 150, 1.0, 1, 1), margin_rate=0.3, costs=Costs(send=26)
        ).revenue / 150,
        "profit_c": profit(150.0, 0.0),
        "profit_t": profit(176.4, 26.0),
        "delta_profit": profit(176.4 - 150.0, 26.0),
    }  # fmt: skip


def t11_noncompliance(shared: Path) -> Block:
    """Fewer than half of the messages were delivered, to customers who would have bought more anyway."""
    rows = pd.read_csv(shared / "data" / "campaigns" / "ito_ch3_noncompliance_abtest.csv")
    sent, delivered = rows["assignment"] == 1, rows["is_deliver"] == 1
    rows["arm"] = np.where(sent, "t", "c")
    columns = ["purchase", "is_deliver"]
    arms = arm_statistics(rows, columns=columns, pairs=[("purchase", "is_deliver")])
    reached = effect_on_delivered(arms["t"], arms["c"], column="purchase", delivered="is_deliver")
    assert reached is not None
    bought = [Metric("purchase", "mean")]
    itt = compare_arms(rows, metrics=bought, control="c").of("purchase").estimate
    as_treated = rows.assign(arm=np.where(delivered, "t", "c"))
    per_protocol = rows[sent == delivered]
    return {
        "itt": itt.difference,
        "itt_se": itt.standard_error,
        "delivered_t": arms["t"].means["is_deliver"],
        "delivered_c": arms["c"].means["is_deliver"],
        "cace_wald": reached.difference,
        **{
            name: compare_arms(part, metrics=bought, control="c").of("purchase").estimate.difference
            for name, part in (("as_treated", as_treated), ("per_protocol", per_protocol))
        },
    }


def t12_novelty() -> Block:
    """A lift that wears off: its mean depends on the days looked at."""
    lift = 0.02 + 0.10 * np.exp(-np.arange(14) / 2)
    return {"first3": lift[:3].mean(), "days7_13": lift[7:].mean(), "all14": lift.mean()}


def t13_fishing(tests: int) -> Block:
    """Twelve segments without an effect: how often one of them is called, before and after adjusting."""
    p = 2 * norm.sf(np.abs(np.random.default_rng(13).normal(size=(tests, 12))))
    called = p[(p < 0.05).any(axis=1)]
    # Adjusting only raises p-values; and Holm's smallest is Bonferroni's.
    still = sum(min(adjust_p_values(row.tolist(), primary=[True] * 12)) < 0.05 for row in called)
    return {"raw": len(called) / tests, "bonferroni": still / tests, "theory_raw": 1 - 0.95**12}
