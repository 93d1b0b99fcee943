"""Every key of campaigns.json, computed by the package from the data or the recipe beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.campaign.golden_blocks import Block, leaves
from tests.analysis.campaign.golden_complete_journey import campaign_18
from tests.analysis.campaign.golden_traps import traps
from tests.analysis.campaign.golden_trials import cluster_trial, cookie_cats, guardrail, lenta

BLOCKS: dict[str, Callable[[Path], Block]] = {
    "cookie_cats": cookie_cats,
    "lenta_ito": lenta,
    "ito_cluster_trial": cluster_trial,
    "complete_journey_campaign18": campaign_18,
    "guardrail_noninferiority": guardrail,
    "traps": traps,
}

WORDS = "words, no number"
GIVEN = "what the trap is made from, not a result"
FORMULA = "not the package's: a formula in the test"
OTHER_TOOL = "the rate of another tool's interval, which is not printed anywhere"
T8 = "traps/T8_holdout_ci_coverage"
# A key excepts all beneath it. What a formula in the test gives is compared all the same.
EXCEPTIONS = {
    "tolerance_notes": WORDS,
    "lenta_ito/rows_with_missing_covariate/note": WORDS,
    "complete_journey_campaign18/recipe": WORDS,
    "complete_journey_campaign18/double_counting_all_campaigns/window": WORDS,
    "guardrail_noninferiority/recipe": WORDS,
    "traps/T1_recipe": WORDS,
    "traps/T2_openers/recipe": WORDS,
    "traps/T2_openers/true_effect": GIVEN,
    "traps/T3_click_to_open/recipe": WORDS,
    "traps/T4_regression_to_mean/recipe": WORDS,
    "traps/T4_regression_to_mean/theory_reactivated": FORMULA,
    "traps/T4_regression_to_mean/theory_mean_after": FORMULA,
    "traps/T5_simpson/table": GIVEN,
    "traps/T5_simpson/note": WORDS,
    "traps/T5_simpson_reversal/table": GIVEN,
    "traps/T6_winners_curse/recipe": WORDS,
    "traps/T7_session_level_fpr/recipe": WORDS,
    "traps/T9_overlap/recipe": WORDS,
    "traps/T9_overlap/true_A": GIVEN,
    "traps/T10_margin/rev_per_recipient_c": GIVEN,
    "traps/T10_margin/rev_per_recipient_t": GIVEN,
    "traps/T12_novelty/recipe": WORDS,
    "traps/T13_segment_fishing/theory_raw": FORMULA,
    **{
        f"{T8}/{case}/{key}": reason
        for case in ("control_higher", "control_lower")
        for key, reason in {
            **dict.fromkeys(("p_c", "p_t", "n_c", "n_t"), GIVEN),
            **dict.fromkeys(("wald_unpooled", "wald_pooled"), FORMULA),
            "tea_tasting_all_defaults_3000": OTHER_TOOL,
            "tea_tasting_pooled_no_cc_3000": OTHER_TOOL,
        }.items()
    },
}


def rate(share: float, runs: int) -> float:
    """Four standard errors of the difference of two simulated rates."""
    return 4 * math.sqrt(2 * share * (1 - share) / runs)


# p-values down to 1e-109 are the file's too: no absolute tolerance.
EXACT = {"rel": 1e-6, "abs": 0}
# Simulations that cannot be drawn again (their recipe tells no order of draws): how far two may differ.
SIMULATED = {
    # The best of ten shares of 2 % of 5,000 varies by .0012 from run to run.
    "traps/T6_winners_curse/best_minus_truth": 4 * math.sqrt(2 / 5000) * 0.0012,
    "traps/T6_winners_curse/relative": 4 * math.sqrt(2 / 5000) * 0.0012 / 0.02,
    "traps/T6_winners_curse/naive_p_lt_05_best_vs_arm0": rate(0.13, 5000),
    f"{T8}/control_higher/wald_unpooled": rate(0.94, 40_000),
    f"{T8}/control_higher/wald_pooled": rate(0.85, 40_000),
    f"{T8}/control_higher/newcombe_3000": rate(0.95, 3000),
    f"{T8}/control_lower/wald_unpooled": rate(0.915, 40_000),
    f"{T8}/control_lower/wald_pooled": rate(0.991, 40_000),
    f"{T8}/control_lower/newcombe_3000": rate(0.95, 3000),
}


@cache
def computed(name: str, shared: Path) -> dict[str, Any]:
    return leaves(BLOCKS[name](shared), f"{name}/")


def excepted(path: str) -> str | None:
    """Why the package has no say in the number; None where it has."""
    reasons = (why for key, why in EXCEPTIONS.items() if path == key or path.startswith(f"{key}/"))
    return next(reasons, None)


@pytest.mark.real
@pytest.mark.parametrize("name", BLOCKS)
def test_the_numbers_of_the_file(name: str, shared_data: Path, golden: Block):
    wanted, found = leaves(golden[name], f"{name}/"), computed(name, shared_data)
    close = {path: {"rel": 0, "abs": SIMULATED[path]} if path in SIMULATED else EXACT for path in found}
    off = {
        p: (found[p], wanted.get(p)) for p in found if found[p] != pytest.approx(wanted.get(p), **close[p])
    }
    assert off == {}


@pytest.mark.real
def test_no_key_is_passed_over(shared_data: Path, golden: Block):
    checked = {path for name in BLOCKS for path in computed(name, shared_data)}
    paths = set(leaves(golden))
    assert {path for path in paths - checked if not excepted(path)} == set()
    assert {path for path in checked if excepted(path) not in (None, FORMULA)} == set(), (
        "checked and excepted"
    )
    assert {path for path in paths - checked if excepted(path) == FORMULA} == set(), "a formula is compared"
    idle = {key for key in EXCEPTIONS if not any(p == key or p.startswith(f"{key}/") for p in paths)}
    assert idle == set(), "excepted, but not in the file"
    assert set(SIMULATED) <= checked
