"""Several metrics and arms in one test: p-values that know how many questions were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control

from crmreport.analysis.proportions import holm
from crmreport.errors import ConfigError


def adjust_p_values(p_values: Sequence[float], *, primary: Sequence[bool]) -> list[float]:
    """Adjust the p-values of one test: Holm (1979) for the primary ones, else Benjamini–Hochberg (1995).

    The primary questions decide, so no single false alarm among them may be likelier than α; of
    the others the share of false alarms among what is called different is held at α. The two
    families do not count against each other.

    Args:
        p_values: Two-sided p-values, 0 to 1, of every arm and metric; nan where nothing was tested.
        primary: For each, whether it is a primary metric's.

    Returns:
        Adjusted p-values in the same order; nan stays nan and is not counted.

    Raises:
        ConfigError: The two differ in length, or a p-value is no probability.

    Examples:
        >>> adjust_p_values([0.01, 0.04, 0.03, 0.04], primary=[True, True, False, False])
        [0.02, 0.04, 0.04, 0.04]
    """
    p, decides = np.asarray(p_values, dtype="float64"), np.asarray(primary, dtype="bool")
    if len(p) != len(decides):
        raise ConfigError(f"{len(p)} p-values, but {len(decides)} marks of which are primary; give one each")
    if len(wrong := p[(p < 0) | (p > 1)]):
        raise ConfigError(f"{wrong[0]} is no p-value; give numbers from 0 to 1")
    adjusted = np.full(len(p), np.nan)
    adjusted[decides] = holm(p[decides].tolist())
    asked = ~decides & ~np.isnan(p)
    if asked.any():
        adjusted[asked] = false_discovery_control(p[asked], method="bh")
    return adjusted.tolist()
