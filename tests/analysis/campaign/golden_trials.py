"""Cookie Cats, Lenta's trial and log, and the cluster trial, by the package: keys as in campaigns.json."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign import observational
from crmreport.analysis.campaign.alternatives import rank_alternative, share_alternatives
from crmreport.analysis.campaign.ancova import regression_adjusted
from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.estimate import share_estimate
from crmreport.analysis.campaign.guardrail import check_guardrail
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.sample_ratio import SampleRatio, sample_ratio
from tests.analysis.campaign.golden_blocks import Block, mean_block, of_estimate, share_block

LENTA = ["food_share_15d", "age", "is_women"]


def cookie_cats(shared: Path) -> Block:
    players = pd.read_csv(shared / "data" / "campaigns" / "cookie_cats.csv")
    players["sent"] = players["version"] == "gate_40"
    rounds = players["sum_gamerounds"].astype(float)
    t, c = rounds[players["sent"]], rounds[~players["sent"]]
    sizes = {"gate_30": int((~players["sent"]).sum()), "gate_40": int(players["sent"].sum())}
    ratio = sample_ratio(sizes, planned={"gate_30": 1, "gate_40": 1})
    ranks = rank_alternative(
        players, column="sum_gamerounds", treatment="gate_40", control="gate_30", arm="version"
    )
    return {
        "srm": _srm(ratio, {"gate_30": 1, "gate_40": 1}),
        "srm_exact_binomial_p": ratio.exact_p_value,
        "retention_1": share_block(players, column="retention_1", treated="sent"),
        "retention_7": share_block(players, column="retention_7", treated="sent"),
        "sum_gamerounds_raw": mean_block(t, c),
        "sum_gamerounds_without_max_49854": mean_block(t[t < 49854], c[c < 49854]),
        "sum_gamerounds_winsor_p99.9_pooled_linear": mean_block(t, c, cap=0.999),
        "mannwhitney_p_asymptotic_cc": ranks.p_value,
    }


def _srm(found: SampleRatio, planned: dict[str, float]) -> Block:
    observed = list(found.observed.values())
    return {
        "observed": observed,
        "ratio": list(planned.values()),
        "chi2": found.chi2,
        "df": found.df,
        "p": found.p_value,
    }


def lenta(shared: Path) -> Block:
    folder = shared / "data" / "campaigns"
    trial, log = (pd.read_csv(folder / f"{name}.csv") for name in ("ito_lenta_dataset", "ito_ch2_logdata"))
    treated = log["is_treatment"] == 1
    highest = log.loc[treated, "food_share_15d"].max()
    sizes = trial["is_treatment"].value_counts()
    planned = {"sms": 0.75, "none": 0.25}
    ratio = sample_ratio({"sms": int(sizes[1]), "none": int(sizes[0])}, planned=planned)
    known = log.dropna()

    def shares(rows: pd.DataFrame) -> Block:
        return share_block(rows, column="response_att", treated="is_treatment")

    return {
        "rct": shares(trial),
        "rct_srm_vs_75_25": _srm(ratio, planned),
        "log_naive": shares(log),
        "log_food_share_max_treated": highest,
        "log_food_share_max_control": log.loc[~treated, "food_share_15d"].max(),
        "rows_with_missing_covariate": {
            "lenta": int(trial.isna().any(axis=1).sum()),
            "log": int(log.isna().any(axis=1).sum()),
        },
        "log_adjusted all": _adjusted(known),
        "log_adjusted overlap(food_share<=max treated)": _adjusted(
            known[known["food_share_15d"] <= known.loc[known["is_treatment"] == 1, "food_share_15d"].max()]
        ),
        "rct_truth_in_overlap": shares(trial[trial["food_share_15d"] <= highest]),
    }


def _adjusted(rows: pd.DataFrame) -> Block:
    """Adjusted effects with the diagnostics that withhold them switched off, to see their arithmetic."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observational, "MAX_OUTSIDE", 1.0)
        patch.setattr(observational, "MAX_SMD", float("inf"))
        ate, att = (
            observational.adjusted_effect(
                rows,
                treated="is_treatment",
                outcome="response_att",
                covariates=LENTA,
                kind="share",
                target=target,
            )
            for target in ("all", "treated")
        )
    assert ate.weighted is not None
    assert att.weighted is not None
    straight = regression_adjusted(rows, treated="is_treatment", outcome="response_att", covariates=LENTA)
    return {
        "n": ate.naive.n_treatment + ate.naive.n_control,
        "naive": ate.naive.difference,
        "ols_HC2": of_estimate(straight, interval=False),
        "hajek_ate": ate.weighted.difference,
        "hajek_att": att.weighted.difference,
        "ps_min": ate.propensity_lower,
        "ps_max": ate.propensity_upper,
        "ess_control": ate.ess_control,
    }


def cluster_trial(shared: Path) -> Block:
    rows = pd.read_csv(shared / "data" / "campaigns" / "ito_ch3_cluster_trial.csv")
    rows["arm"] = np.where(rows["is_treatment"] == 1, "t", "c")
    rows["shown"] = 1
    found = compare_arms(
        rows,
        metrics=[
            Metric("click", "share", "is_click"),
            Metric("ctr", "ratio", "is_click", denominator="shown"),
        ],
        control="c",
        cluster="uid",
    )
    return {
        "rows": sum(found.customers.values()),
        "users": rows["uid"].nunique(),
        "naive_row_level": share_block(rows, column="is_click", treated="is_treatment"),
        "ols_cluster_CR1": of_estimate(found.of("click").estimate, p="p_normal", interval=False),
        "delta_method_ratio_user_unit": of_estimate(found.of("ctr").estimate, interval=False),
    }


def guardrail(_: Path) -> Block:
    found = check_guardrail(share_estimate(130, 20_000, 100, 20_000), margin=0.002)
    return {
        "diff": found.difference,
        "se": share_estimate(130, 20_000, 100, 20_000).standard_error,
        "z": found.z,
        "p_one_sided": found.p_value,
        "upper95_one_sided": found.worst,
        "superiority_two_sided": share_alternatives(130, 20_000, 100, 20_000).p_pooled,
    }
