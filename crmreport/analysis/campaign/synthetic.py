"""Synthetic control: what a region's or shop's series would have been, mixed from others not treated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from crmreport.errors import DataError

Floats = NDArray[np.float64]
Reason = Literal["poor_fit_before", "few_donors", "short_history"]

MAX_FIT = 0.1
MIN_DONORS = 5
MIN_BEFORE = 8


@dataclass(frozen=True)
class SyntheticControl:
    """One treated series beside a mix of others.

    Attributes:
        series: One row per period: the index of the given frame as ``period``, ``observed``,
            ``synthetic``, ``gap`` (observed − synthetic), ``after``.
        weights: Weight per donor, largest first, then by name: ``donor``, ``weight``; none negative,
            together 1.
        effect: Mean gap after the start, per period; None when withheld.
        total: Sum of the gaps after the start; None when withheld.
        fit: Root mean squared gap before the start ÷ mean of the observed series before it.
        rank: Rank of the treated among all series by root mean squared gap after ÷ before, each donor
            treated in turn as if it had been the one (1: moved most).
        p_value: rank ÷ number of series: how often a series moves as much without a campaign; it
            cannot fall below 1 ÷ (donors + 1).
        placebos: One row per series: ``unit``, ``fit``, ``ratio``, ``effect``; the treated first.
        gaps: One row per period, one column per series, the treated first: its gap to its own mix.
        reasons: Why no effect is said; empty when it is.
    """

    series: pd.DataFrame
    weights: pd.DataFrame
    effect: float | None
    total: float | None
    fit: float
    rank: int
    p_value: float
    placebos: pd.DataFrame
    gaps: pd.DataFrame
    reasons: tuple[Reason, ...]

    @property
    def withheld(self) -> bool:
        """Whether no effect may be said."""
        return bool(self.reasons)


def synthetic_control(
    series: pd.DataFrame,
    *,
    treated: str,
    n_before: int,
    max_fit: float = MAX_FIT,
    min_donors: int = MIN_DONORS,
    min_before: int = MIN_BEFORE,
) -> SyntheticControl:
    """Effect on an aggregate series (Abadie, Diamond and Hainmueller 2010).

    Weights minimise the squared gap before the start, none negative, adding up to 1 (no extrapolation).
    Placebo in space: each donor in turn takes the treated's place among the other donors.

    Args:
        series: One row per period in order, one column per series (sales of a region, a shop); donors
            must not have been reached by the campaign.
        treated: Column of the treated series.
        n_before: Periods before the start.
        max_fit: Largest gap before the start allowed, as a share of the treated's mean.
        min_donors: Donors needed.
        min_before: Periods before the start needed.

    Returns:
        Effect, weights and placebos; the effect withheld when the mix did not follow the treated
        before the start, or there is too little to mix from.

    Raises:
        DataError: A value is missing, the treated is not there, there are fewer than 2 donors, or no
            period lies before or after the start.

    Examples:
        The treated is the mean of the first two shops, and 10 more after the start.

        >>> rng = np.random.default_rng(0)
        >>> shops = pd.DataFrame(100 + rng.normal(0, 5, (20, 6)).cumsum(axis=0), columns=list("abcdef"))
        >>> shops["t"] = (shops["a"] + shops["b"]) / 2 + 10 * (np.arange(20) >= 15)
        >>> found = synthetic_control(shops, treated="t", n_before=15)
        >>> round(found.effect, 2), found.weights["donor"].tolist()[:2], found.rank
        (10.0, ['a', 'b'], 1)
    """
    donors = [name for name in series.columns if name != treated]
    if treated not in series.columns:
        raise DataError(f"{treated!r} is not among the {len(series.columns)} series; name one of them")
    if len(donors) < 2:
        raise DataError(f"{len(donors)} donors; give 2 or more series the campaign did not reach")
    if not 0 < n_before < len(series):
        raise DataError(f"n_before is {n_before} of {len(series)} periods; leave some before and some after")
    if gaps := int(series.isna().sum().sum()):
        raise DataError(f"{gaps} values of the series are missing; fill them, or leave the series out")
    values = series.to_numpy("float64")
    at = {name: i for i, name in enumerate(series.columns)}
    columns = [at[name] for name in donors]
    weights = _weights(values[:n_before, at[treated]], values[:n_before, columns])
    synthetic = values[:, columns] @ weights
    gap = values[:, at[treated]] - synthetic
    gaps = {treated: gap}
    for name in donors:
        others = [at[other] for other in donors if other != name]
        mix = _weights(values[:n_before, at[name]], values[:n_before, others])
        gaps[name] = values[:, at[name]] - values[:, others] @ mix
    rows = [(name, *_moved(values[:, at[name]], each, n_before)) for name, each in gaps.items()]
    placebos = pd.DataFrame(rows, columns=["unit", "fit", "ratio", "effect"])
    rank = int((placebos["ratio"] >= placebos["ratio"].iloc[0]).sum())
    reasons: list[Reason] = []
    if placebos["fit"].iloc[0] > max_fit:
        reasons.append("poor_fit_before")
    if len(donors) < min_donors:
        reasons.append("few_donors")
    if n_before < min_before:
        reasons.append("short_history")
    return SyntheticControl(
        series=pd.DataFrame(
            {
                "period": series.index,
                "observed": values[:, at[treated]],
                "synthetic": synthetic,
                "gap": gap,
                "after": np.arange(len(series)) >= n_before,
            }
        ),
        weights=pd.DataFrame({"donor": donors, "weight": weights}).sort_values(
            ["weight", "donor"], ascending=[False, True], ignore_index=True
        ),
        effect=None if reasons else float(gap[n_before:].mean()),
        total=None if reasons else float(gap[n_before:].sum()),
        fit=float(placebos["fit"].iloc[0]),
        rank=rank,
        p_value=rank / len(placebos),
        placebos=placebos,
        gaps=pd.DataFrame(gaps, index=series.index),
        reasons=tuple(reasons),
    )


def _weights(target: Floats, donors: Floats) -> Floats:
    """Non-negative weights that add up to 1 and bring the donors nearest to the target."""
    # With weights adding up to 1 a level common to all drops out; without it the numbers stay small.
    level = float(donors.mean())
    scale = max(float(np.abs(donors - level).max()), float(np.abs(target - level).max()), 1e-300)
    a, b = (donors - level) / scale, (target - level) / scale
    # A heavy extra row asks for the sum of 1; dividing by the sum takes off what is left.
    heavy = 1e4 * len(b) ** 0.5
    found, _ = nnls(np.vstack([a, np.full(a.shape[1], heavy)]), np.append(b, heavy))
    return found / found.sum()


def _moved(observed: Floats, gap: Floats, n_before: int) -> tuple[float, float, float]:
    """Fit before the start, gap after ÷ gap before, mean gap after."""
    before, after = (float(np.sqrt((part**2).mean())) for part in (gap[:n_before], gap[n_before:]))
    level = abs(float(observed[:n_before].mean()))
    fit = before / level if level else float("inf")
    # A series its donors make exactly would divide by 0: dust of the level stands in.
    ratio = after / max(before, 1e-9 * level, 1e-300)
    return fit, ratio, float(gap[n_before:].mean())
