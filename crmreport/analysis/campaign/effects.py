"""Effects of a test: every arm against the control, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.arms import ArmStatistics, arm_statistics, cluster_totals, upper_caps
from crmreport.analysis.campaign.comparison import Effect, cluster_effect_of, effect_of
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.multiple import adjust_p_values
from crmreport.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects of every treated arm and metric.

    Attributes:
        control: Name of the control arm.
        customers: Customers by arm.
        effects: Arms in order of name, metrics in the order asked for.
        confidence: Coverage of the intervals.
    """

    control: str
    customers: Mapping[str, int]
    effects: tuple[Effect, ...]
    confidence: float

    def of(self, metric: str, *, arm: str | None = None) -> Effect:
        """The effect on a metric; ``arm`` is needed when several were treated.

        Raises:
            ConfigError: There is no such effect, or more than one.
        """
        found = [e for e in self.effects if e.metric.name == metric and arm in (None, e.arm)]
        if len(found) != 1:
            raise ConfigError(
                f"{len(found)} effects on {metric!r}; name one metric and arm of "
                + ", ".join(f"{e.metric.name}/{e.arm}" for e in self.effects)
            )
        return found[0]

    @property
    def table(self) -> pd.DataFrame:
        """One row per arm and metric, unrounded; blank where something was not asked for or has no answer."""
        return pd.DataFrame([_row(effect) for effect in self.effects])


def compare_arms(
    customers: IntoFrame,
    *,
    metrics: Sequence[Metric],
    control: str,
    arm: str = "arm",
    cluster: str | None = None,
    confidence: float = 0.95,
) -> Effects:
    """Compare every arm with the control on every metric, per customer assigned.

    Shares: interval of Newcombe (1998), p-value by z or Fisher. Means: Welch. Ratios: delta method.
    With ``cluster``: cluster-robust (CR1), ratios by the delta method over clusters. Beside the
    plain result stand the capped one and CUPED, for metrics that ask for them. p-values are
    two-sided; Holm adjusts those of primary metrics, Benjamini–Hochberg the rest. All this is for a
    finished test: while it runs use :func:`crmreport.analysis.campaign.sequential.always_valid`.

    Args:
        customers: One row per customer as assigned, whoever opened or bought; 0 where nothing was done.
        metrics: What to compare, one or more, with distinct names.
        control: Name of the arm the others are compared with.
        arm: Column that names the arm.
        cluster: Column of the unit that was assigned, where that is not the customer (shop, household).
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        The effects, difference = treatment − control.

    Raises:
        ConfigError: A metric, column or arm is not there, or a share holds other values than 0 and 1.
        DataError: There is one arm only, or customers lack values.

    Examples:
        >>> sent = pd.DataFrame({"arm": ["mail"] * 80 + ["none"] * 70,
        ...                      "bought": [1] * 48 + [0] * 32 + [1] * 56 + [0] * 14})
        >>> found = compare_arms(sent, metrics=[Metric("bought", "share")], control="none").of("bought")
        >>> round(found.estimate.difference, 4), round(found.estimate.lower, 4), found.method
        (-0.2, -0.3339, 'newcombe_z')
    """
    names = [metric.name for metric in metrics]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"metrics are {names}; give one or more with distinct names")
    if cluster is not None:
        arms, caps = _clustered(customers, metrics, arm=arm, cluster=cluster), {}
    else:
        caps = upper_caps(customers, quantiles=_quantiles(metrics))
        arms = arm_statistics(customers, arm=arm, columns=_columns(metrics), pairs=_pairs(metrics), caps=caps)
    if control not in arms:
        raise ConfigError(f"no customer is in the control {control!r}; the arms are {', '.join(arms)}")
    if len(arms) < 2:
        raise DataError(f"all customers are in {control!r}: without a second arm there is no effect to tell")
    found = [
        effect_of(
            metric, treated, arms[control], arm=name, cap=caps.get(metric.values), confidence=confidence
        )
        if cluster is None
        else cluster_effect_of(metric, treated, arms[control], arm=name, confidence=confidence)
        for name, treated in arms.items()
        if name != control
        for metric in metrics
    ]
    adjusted = adjust_p_values(
        [e.estimate.p_value for e in found], primary=[e.metric.role == "primary" for e in found]
    )
    sizes = {name: s.n if cluster is None else round(s.total("customers")) for name, s in arms.items()}
    return Effects(
        control,
        sizes,
        tuple(replace(e, p_adjusted=p) for e, p in zip(found, adjusted, strict=True)),
        confidence,
    )


def _quantiles(metrics: Sequence[Metric]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in metrics:
        if metric.cap is not None and found.setdefault(metric.values, metric.cap) != metric.cap:
            raise ConfigError(f"column {metric.values!r} is capped twice, differently; give it one cap")
    return found


def _columns(metrics: Sequence[Metric]) -> list[str]:
    return [c for m in metrics for c in (m.values, m.denominator, m.covariate) if c is not None]


def _pairs(metrics: Sequence[Metric]) -> list[tuple[str, str]]:
    return [(m.values, c) for m in metrics for c in (m.denominator, m.covariate) if c not in (None, m.values)]


def _clustered(
    customers: IntoFrame, metrics: Sequence[Metric], *, arm: str, cluster: str
) -> dict[str, ArmStatistics]:
    for metric in metrics:
        if metric.cap is not None or metric.covariate is not None:
            raise ConfigError(
                f"metric {metric.name!r}: caps and covariates are for customers as units; "
                "leave them out when clusters were assigned"
            )
    columns = list(dict.fromkeys(_columns(metrics)))
    totals = cluster_totals(customers, columns=columns, cluster=cluster, arm=arm)
    pairs = [(m.values, m.denominator or "customers") for m in metrics]
    return arm_statistics(totals.to_native(), arm=arm, columns=[*columns, "customers"], pairs=pairs)


def _row(effect: Effect) -> dict[str, object]:
    e, relative, metric = effect.estimate, effect.relative, effect.metric
    row: dict[str, object] = {
        "arm": effect.arm,
        "metric": metric.name,
        "kind": metric.kind,
        "role": metric.role,
        "n_treatment": e.n_treatment,
        "n_control": e.n_control,
        "value_treatment": effect.value_treatment,
        "value_control": effect.value_control,
        "difference": e.difference,
        "standard_error": e.standard_error,
        "lower": e.lower,
        "upper": e.upper,
        "p_value": e.p_value,
        "p_adjusted": effect.p_adjusted,
        "relative": relative.value if relative else math.nan,
        "relative_lower": relative.lower if relative else math.nan,
        "relative_upper": relative.upper if relative else math.nan,
        "method": effect.method,
    }
    capped = effect.capped
    row["cap"] = capped.cap if capped else math.nan
    adjusted = effect.cuped
    for name, found in (("capped", capped), ("cuped", adjusted)):
        for part in ("difference", "standard_error", "lower", "upper", "p_value"):
            row[f"{name}_{part}"] = getattr(found.estimate, part) if found else math.nan
    row["cuped_variance_reduction"] = adjusted.variance_reduction if adjusted else math.nan
    return row
