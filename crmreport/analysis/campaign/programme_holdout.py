"""Customers held out of every campaign: what the programme did, whoever was reached twice counted once."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from crmreport.analysis.campaign.comparison import FEW_CUSTOMERS
from crmreport.analysis.campaign.estimate import Estimate, normal_estimate, pooled_error
from crmreport.analysis.campaign.evidence import few_buyers
from crmreport.analysis.campaign.exposure import NOT_ASSIGNED, SENT_TO, Exposure

# Share of those reached who need equals among the held-out before the figure may stand for all of them.
LEAST_COVERED = 0.95
# Doubt is enough here: the effects added up stand ready in its place.
_PICKED_ALPHA = 0.05


def programme_holdout(exposure: Exposure, *, confidence: float = 0.95) -> Estimate | None:
    """Revenue per customer reached by any campaign, beside equal customers reached by none.

    Equal are customers assigned to the same campaigns: among them a lot decided who was held out of
    all. A plain comparison would be wrong, as customers of many campaigns are held out of all of them
    less often. Per such group the difference of means, weighted by customers reached, with the larger
    of Welch's and the pooled error (see ``cautious`` in the module ``estimate``). Valid where a lot
    decided every campaign's arms, which the caller sees to, and nobody was picked for a campaign by what an
    earlier one had done; see :func:`picked_by_an_earlier_one`.

    Args:
        exposure: Who was assigned to what, in order of the campaigns' start, and spending.
        confidence: Coverage of the interval, between 0 and 1.

    Returns:
        The effect of the programme per customer reached, ``n_treatment`` all customers reached; None
        when fewer than 95 % of them have 30 equals held out of everything, when fewer than 10 buyers are to
        be expected among as many held-out as the weights leave (Kish: 1 ÷ Σ share² ÷ held out), or a later
        campaign's customers were picked by what an earlier one had done.

    Examples:
        >>> roles = pd.DataFrame({"a": [2] * 60 + [1] * 40, "b": [1] * 30 + [2] * 30 + [1] * 40})
        >>> found = programme_holdout(Exposure(roles, pd.Series([9., 11.] * 30 + [6., 8.] * 20)))
        >>> round(found.difference, 2), found.n_treatment, found.n_control
        (3.0, 60, 40)
    """
    roles = exposure.roles
    if picked_by_an_earlier_one(roles):
        return None
    people = pd.DataFrame(
        {
            "campaigns": _pattern(roles.to_numpy() > NOT_ASSIGNED),
            "reached": (roles == SENT_TO).any(axis=1),
            "revenue": exposure.revenue,
            "bought": exposure.revenue > 0,
        }
    )
    parts = (
        people.groupby(["campaigns", "reached"])
        .agg(
            size=("revenue", "size"),
            mean=("revenue", "mean"),
            var=("revenue", "var"),
            buyers=("bought", "sum"),
        )
        .unstack("reached")
    )
    reached = int(people["reached"].sum())
    if not reached or not {("size", True), ("size", False)} <= set(parts.columns):
        return None
    enough = (parts["size", False] >= FEW_CUSTOMERS) & (parts["size", True] >= FEW_CUSTOMERS)
    parts = parts[enough]
    n, held = parts["size", True], parts["size", False]
    if n.sum() < LEAST_COVERED * reached:
        return None
    weight = n / n.sum()
    rate = float((weight * (parts["buyers", True] + parts["buyers", False]) / (n + held)).sum())
    counting = 1 / float((weight**2 / held).sum())
    if few_buyers(reached, counting, rate * (reached + counting)):
        return None
    difference = float((weight * (parts["mean", True] - parts["mean", False])).sum())
    errors = [
        max(math.sqrt(v1 / n1 + v0 / n0), pooled_error(v1, n1, v0, n0))
        for v1, n1, v0, n0 in zip(parts["var", True], n, parts["var", False], held, strict=True)
    ]
    error = math.hypot(*(weight * errors))
    return normal_estimate(difference, error, reached, int(held.sum()), confidence=confidence)


def picked_by_an_earlier_one(roles: pd.DataFrame) -> bool:
    """Whether being in a later campaign depends on the arm a customer had in an earlier one (χ², p < .05).

    Customers whom the first campaign made buy are then in the second one's list, and those of the same
    campaigns are no equals any more: of two buyers, one would not have bought without the campaign.

    Args:
        roles: As in :class:`Exposure`, campaigns in order of their start.

    Examples:
        >>> roles = pd.DataFrame({"a": [2] * 100 + [1] * 100, "b": [2] * 60 + [0] * 40 + [2] * 20 + [0] * 80})
        >>> picked_by_an_earlier_one(roles), picked_by_an_earlier_one(roles.assign(b=[0, 2] * 100))
        (True, False)
    """
    for earlier, later in combinations(roles.columns, 2):
        mine = roles[roles[earlier] > NOT_ASSIGNED]
        counts = pd.crosstab(mine[earlier] == SENT_TO, mine[later] > NOT_ASSIGNED)
        if counts.shape != (2, 2):
            continue
        p_value = float(chi2_contingency(counts.to_numpy(), correction=False)[1])  # type: ignore[arg-type]
        if p_value < _PICKED_ALPHA:
            return True
    return False


def _pattern(assigned: NDArray[np.bool_]) -> NDArray[np.intp]:
    """A number for each set of campaigns."""
    return np.unique(np.packbits(assigned, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
