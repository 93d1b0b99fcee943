"""Customers held out of every campaign: what the programme did, whoever was reached twice counted once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmreport.analysis.campaign.comparison import FEW_CUSTOMERS
from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.campaign.exposure import NOT_ASSIGNED, SENT_TO, Exposure

# Share of those reached who need equals among the held-out before the figure may stand for all of them.
LEAST_COVERED = 0.95


def programme_holdout(exposure: Exposure, *, confidence: float = 0.95) -> Estimate | None:
    """Revenue per customer reached by any campaign, beside equal customers reached by none.

    Equal are customers assigned to the same campaigns: among them a lot decided who was held out of
    all. A plain comparison would be wrong, as customers of many campaigns are held out of all of them
    less often. Per such group the difference of means, weighted by customers reached; variances of
    Welch. Valid where a lot decided every campaign's arms and nobody was picked for a campaign by what
    an earlier one had done; the caller sees to that.

    Args:
        exposure: Who was assigned to what, and spending.
        confidence: Coverage of the interval, between 0 and 1.

    Returns:
        The effect of the programme per customer reached, ``n_treatment`` all customers reached; None
        when fewer than 95 % of them have 30 equals held out of everything.

    Examples:
        >>> roles = pd.DataFrame({"a": [2] * 60 + [1] * 40, "b": [1] * 30 + [2] * 30 + [1] * 40})
        >>> found = programme_holdout(Exposure(roles, pd.Series([9., 11.] * 30 + [6., 8.] * 20)))
        >>> round(found.difference, 2), found.n_treatment, found.n_control
        (3.0, 60, 40)
    """
    roles = exposure.roles
    people = pd.DataFrame(
        {
            "campaigns": _pattern(roles.to_numpy() > NOT_ASSIGNED),
            "reached": (roles == SENT_TO).any(axis=1),
            "revenue": exposure.revenue,
        }
    )
    parts = (
        people.groupby(["campaigns", "reached"])["revenue"].agg(["size", "mean", "var"]).unstack("reached")
    )
    reached = int(people["reached"].sum())
    if not reached or not {(name, side) for name in ("size",) for side in (True, False)} <= set(
        parts.columns
    ):
        return None
    enough = (parts["size", False] >= FEW_CUSTOMERS) & (parts["size", True] >= FEW_CUSTOMERS)
    parts = parts[enough]
    n, held = parts["size", True], parts["size", False]
    if n.sum() < LEAST_COVERED * reached:
        return None
    weight = n / n.sum()
    difference = float((weight * (parts["mean", True] - parts["mean", False])).sum())
    variance = float((weight**2 * (parts["var", True] / n + parts["var", False] / held)).sum())
    return normal_estimate(difference, math.sqrt(variance), reached, int(held.sum()), confidence=confidence)


def _pattern(assigned: NDArray[np.bool_]) -> NDArray[np.intp]:
    """A number for each set of campaigns."""
    return np.unique(np.packbits(assigned, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
