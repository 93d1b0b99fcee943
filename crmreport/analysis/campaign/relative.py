"""Effects as a share of the control's value, where such a share has a bounded interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import norm


@dataclass(frozen=True, slots=True)
class Relative:
    """Treatment ÷ control − 1.

    Attributes:
        value: Relative effect; 0.1 is 10 % more than the control.
        lower: Lower bound of its interval.
        upper: Upper bound.
    """

    value: float
    lower: float
    upper: float


def relative_effect(
    treatment: float,
    treatment_error: float,
    control: float,
    control_error: float,
    *,
    confidence: float = 0.95,
) -> Relative | None:
    """Relative effect of two independent estimates with the interval of Fieller (1954).

    The interval holds every ratio ρ with |treatment − ρ·control| ≤ z·SE of that difference. It is
    bounded only where the control's value differs from 0 at the same level; elsewhere "how many
    per cent" has no answer and None is returned: tell the difference alone.

    Args:
        treatment: Value of the treated arm.
        treatment_error: Its standard error, 0 or more.
        control: Value of the control arm.
        control_error: Its standard error, 0 or more.
        confidence: Coverage, between 0 and 1.

    Returns:
        The relative effect, or None where it is unbounded, unknown or the control is not above 0.

    Examples:
        >>> found = relative_effect(12.0, 0.3, 10.0, 0.3)
        >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
        (0.2, 0.112, 0.296)
        >>> relative_effect(12.0, 0.3, 1.0, 0.6) is None
        True
    """
    z = float(norm.ppf(0.5 + confidence / 2))
    known = control**2 - (z * control_error) ** 2
    # Written so that nan is refused too.
    if not (control > 0 and known > 0 and math.isfinite(treatment) and math.isfinite(treatment_error)):
        return None
    middle = treatment * control
    reach = math.sqrt(middle**2 - known * (treatment**2 - (z * treatment_error) ** 2))
    return Relative(treatment / control - 1, (middle - reach) / known - 1, (middle + reach) / known - 1)
