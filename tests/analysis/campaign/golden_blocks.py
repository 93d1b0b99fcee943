"""Comparisons as campaigns.json tells them, computed by the package: a block of its keys per comparison."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.campaign.alternatives import relative_alternatives, share_alternatives
from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.comparison import CappedEffect, Effect
from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.estimate import Estimate, satterthwaite
from crmreport.analysis.campaign.metric import Metric

Block = dict[str, Any]


def share_block(customers: pd.DataFrame, *, column: str, treated: str) -> Block:
    """Two shares: the effect that is printed, and what other tests make of the same counts."""
    rows = pd.DataFrame(
        {"arm": customers[treated].astype(bool).map({True: "t", False: "c"}), "hit": customers[column]}
    )
    effect = compare_arms(rows, metrics=[Metric("hit", "share")], control="c").of("hit")
    e = effect.estimate
    hits = rows.groupby("arm")["hit"].sum().astype(int)
    others = share_alternatives(int(hits["t"]), e.n_treatment, int(hits["c"]), e.n_control)
    assert effect.method == "newcombe_z"
    return {
        "x_t": int(hits["t"]),
        "n_t": e.n_treatment,
        "x_c": int(hits["c"]),
        "n_c": e.n_control,
        "p_t": effect.value_treatment,
        "p_c": effect.value_control,
        "diff": e.difference,
        "se_unpooled": e.standard_error,
        "se_pooled": others.error_pooled,
        "z_pooled": others.z_pooled,
        "p_z_pooled": others.p_pooled,
        "z_unpooled": others.z_unpooled,
        "p_z_unpooled": e.p_value,
        "ci_wald_unpooled": others.wald,
        "p_chi2_no_correction": others.p_pooled,
        "p_chi2_yates": others.p_yates,
        "log10_p_z_pooled": others.log10_p_pooled,
        "ci_newcombe": (e.lower, e.upper),
        "ci_agresti_caffo": others.agresti_caffo,
        "rr": others.risk_ratio,
        "rr_ci_log": others.risk_ratio_interval,
        "p_fisher": others.p_fisher,
    }


def mean_block(treatment: pd.Series, control: pd.Series, *, cap: float | None = None) -> Block:
    """Two means by Welch, with the relative effect by Fieller and by both delta methods.

    With ``cap`` those of the winsorised values.
    """
    rows = pd.DataFrame(
        {
            "arm": ["t"] * len(treatment) + ["c"] * len(control),
            "y": pd.concat([treatment, control]).to_numpy(),
        }
    )
    effect: Effect = compare_arms(rows, metrics=[Metric("y", "mean", cap=cap)], control="c").of("y")
    told: Effect | CappedEffect = effect
    caps, column, block = {}, "y", {}
    if cap is not None:
        assert effect.capped is not None
        told = effect.capped
        caps, column, block = {"y": told.cap}, "y.capped", {"cap": told.cap}
    arms = arm_statistics(rows, columns=["y"], caps=caps)
    t, c = arms["t"], arms["c"]
    six = (t.means[column], t.variances[column], t.n, c.means[column], c.variances[column], c.n)
    linear, log = relative_alternatives(*six)
    e, relative = told.estimate, told.relative
    assert relative is not None
    return block | {
        "n_t": e.n_treatment,
        "n_c": e.n_control,
        "mean_t": told.value_treatment,
        "mean_c": told.value_control,
        "var_t": t.variances[column],
        "var_c": c.variances[column],
        **of_estimate(e),
        "df": satterthwaite(t.variances[column] / t.n, t.n, c.variances[column] / c.n, c.n),
        "t": e.difference / e.standard_error,
        "rel": relative.value,
        "rel_ci_delta_linear_t": linear,
        "rel_ci_delta_log_t": log,
        "rel_ci_fieller_z": (relative.lower, relative.upper),
    }


def of_estimate(e: Estimate, *, p: str = "p", interval: bool = True) -> Block:
    """An estimate under the file's names."""
    found = {"diff": e.difference, "se": e.standard_error, p: e.p_value}
    return found | ({"ci": (e.lower, e.upper)} if interval else {})


def leaves(block: Block, path: str = "") -> dict[str, Any]:
    """Every value by its path: {"a": {"ci": [1, 2]}} has a/ci/0 and a/ci/1 (no key holds a slash)."""
    found: dict[str, Any] = {}
    for key, value in block.items():
        inner = f"{path}{key}"
        if isinstance(value, list | tuple):
            value = {str(i): part for i, part in enumerate(value)}
        found |= leaves(value, f"{inner}/") if isinstance(value, dict) else {inner: value}
    return found
