"""What is measured on each customer of a test, and how it is to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from crmreport.errors import ConfigError

Kind = Literal["share", "mean", "ratio"]
Role = Literal["primary", "secondary", "guardrail"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a test, stated before its results are seen.

    Args:
        name: What the metric is called in results.
        kind: ``share`` (of customers; the column holds 0 and 1), ``mean`` (amount per customer) or
            ``ratio`` (Σ column ÷ Σ denominator, such as revenue per order).
        column: Column with each customer's value; ``name`` when left out.
        role: ``primary`` decides, ``secondary`` explains, ``guardrail`` must not get worse.
        denominator: Column a ratio is divided by.
        covariate: Column of the same customers from before the campaign; adds the CUPED result.
        cap: Quantile at which the capped result is winsorised, such as 0.999.

    Raises:
        ConfigError: The parts do not fit the kind.

    Examples:
        >>> Metric("revenue", "mean", role="primary", covariate="revenue_before", cap=0.999).values
        'revenue'
    """

    name: str
    kind: Kind
    column: str | None = None
    role: Role = "secondary"
    denominator: str | None = None
    covariate: str | None = None
    cap: float | None = None

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("kind", self.kind, get_args(Kind)),
            ("role", self.role, get_args(Role)),
        ):
            if value not in allowed:
                raise ConfigError(f"metric {self.name!r}: {what} is {value!r}; give {', '.join(allowed)}")
        if (self.kind == "ratio") != (self.denominator is not None):
            raise ConfigError(f"metric {self.name!r}: a ratio, and nothing else, has a denominator")
        if self.cap is not None and self.kind != "mean":
            raise ConfigError(f"metric {self.name!r}: only a mean can be capped, not a {self.kind}")
        if self.covariate is not None and self.kind == "ratio":
            raise ConfigError(f"metric {self.name!r}: a ratio takes no covariate; compare its parts as means")

    @property
    def values(self) -> str:
        """Column with each customer's value."""
        return self.column or self.name
