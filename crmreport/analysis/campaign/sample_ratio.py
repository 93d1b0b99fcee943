"""Sample-ratio mismatch: whether the arms have the sizes the draw should have given them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
from scipy.stats import binomtest, chisquare

from crmreport.analysis.campaign.multiple import adjust_p_values
from crmreport.errors import ConfigError

SRM_ALPHA = 0.001


class UnplannedArmError(ConfigError):
    """An arm of the send log is not in the plan: nobody knows what it was."""


def refuse_unplanned(observed: Collection[str], planned: Collection[str]) -> None:
    """Refuse arms that were not planned.

    Raises:
        UnplannedArmError: There is one; the first by name is told.
    """
    if unplanned := sorted(set(observed) - set(planned)):
        told = f"arm {unplanned[0]!r} was not planned; the planned ones are {', '.join(planned)}"
        raise UnplannedArmError(told)


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Sizes of arms against the plan.

    Attributes:
        observed: Customers by arm.
        expected: Customers by arm the plan would have given, of as many in all.
        chi2: Pearson's χ².
        df: Arms less one.
        p_value: Of χ².
        exact_p_value: Exact binomial p-value of two arms; None of more.
    """

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    chi2: float
    df: int
    p_value: float
    exact_p_value: float | None

    @property
    def mismatch(self) -> bool:
        """Whether the sizes refute the plan (p < .001): then nobody knows who is missing from which arm."""
        return self.p_value < SRM_ALPHA


def sample_ratio(observed: Mapping[str, int], *, planned: Mapping[str, float]) -> SampleRatio:
    """Test sizes of arms against planned shares (χ²; Fabijan et al. 2019, KDD).

    Args:
        observed: Customers by arm; an arm nobody is in may be left out.
        planned: Share or weight by arm, above 0, in any unit (1 : 1, or 0.95 : 0.05).

    Returns:
        The test; a mismatch is p < .001, because every test is tested and false alarms are dear.

    Raises:
        ConfigError: Fewer than two arms are planned, or a weight is not above 0.
        UnplannedArmError: An arm was not planned.

    Examples:
        >>> found = sample_ratio({"gate_30": 44_700, "gate_40": 45_489}, planned={"gate_30": 1, "gate_40": 1})
        >>> round(found.p_value, 4), found.mismatch
        (0.0086, False)
    """
    if len(planned) < 2 or not all(weight > 0 for weight in planned.values()):
        raise ConfigError(f"planned shares are {dict(planned)}; give two or more arms, each above 0")
    refuse_unplanned(observed, planned)
    sizes = {arm: int(observed.get(arm, 0)) for arm in planned}
    total, weights = sum(sizes.values()), sum(planned.values())
    expected = {arm: total * weight / weights for arm, weight in planned.items()}
    if not total:
        return SampleRatio(sizes, expected, float("nan"), len(sizes) - 1, float("nan"), None)
    tested = chisquare(list(sizes.values()), list(expected.values()))
    exact = None
    if len(sizes) == 2:
        arm = next(iter(sizes))
        exact = float(binomtest(sizes[arm], total, planned[arm] / weights).pvalue)
    return SampleRatio(sizes, expected, float(tested.statistic), len(sizes) - 1, float(tested.pvalue), exact)


def sample_ratio_by(
    observed: Mapping[str, Mapping[str, int]], *, planned: Mapping[str, float]
) -> pd.DataFrame:
    """:func:`sample_ratio` of every segment, with p-values adjusted for their number (Holm).

    A loss in one segment (one mail provider, one app version) may not show in the whole.

    Args:
        observed: Customers by segment, then by arm.
        planned: Share or weight by arm; the same in every segment.

    Returns:
        One row per segment, sorted by it: ``segment``, ``customers``, ``chi2``, ``p_value``,
        ``p_adjusted``, ``mismatch`` (adjusted p < .001).

    Examples:
        >>> found = sample_ratio_by({"new": {"a": 50, "b": 50}, "old": {"a": 400, "b": 250}},
        ...                         planned={"a": 1, "b": 1})
        >>> found["mismatch"].tolist()
        [False, True]
    """
    tests = {segment: sample_ratio(observed[segment], planned=planned) for segment in sorted(observed)}
    p_values = [test.p_value for test in tests.values()]
    adjusted = pd.Series(adjust_p_values(p_values, primary=[True] * len(tests)), dtype="float64")
    return pd.DataFrame(
        {
            "segment": pd.Series(list(tests), dtype="str"),
            "customers": pd.Series([sum(t.observed.values()) for t in tests.values()], dtype="int64"),
            "chi2": pd.Series([t.chi2 for t in tests.values()], dtype="float64"),
            "p_value": pd.Series(p_values, dtype="float64"),
            "p_adjusted": adjusted,
            "mismatch": adjusted < SRM_ALPHA,
        }
    )
