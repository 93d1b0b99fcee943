"""Who gets which arm of a planned test: a lot anybody can draw again, fair within every stratum."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, DataError

_BYTES = 8
# Stands between the parts of what is hashed, so that no two different draws hash the same text.
_BETWEEN = "\x1f"
# Columns of the table of strata, beside which the arms stand.
_TAKEN = ("stratum", "customers")


@dataclass(frozen=True)
class Draw:
    """Customers with their arms.

    Attributes:
        rows: One row per customer, by id: ``customer_id``, ``stratum`` (empty when there is but one),
            ``arm``. Of several columns a stratum is their values joined by `` | ``, with ``|`` and
            ``\\`` in a value written ``\\|`` and ``\\\\``.
        strata: One row per stratum, in order: ``stratum``, ``customers``, and a column of customers per
            arm, in order of its name.
        sizes: Customers by arm, in order of its name.
    """

    rows: pd.DataFrame
    strata: pd.DataFrame
    sizes: Mapping[str, int]


def draw_arms(
    customers: IntoFrame,
    *,
    shares: Mapping[str, float],
    campaign_id: str,
    seed: int,
    strata: Sequence[str] = (),
) -> Draw:
    """Draw an arm for every customer, stratified.

    Within a stratum customers are ordered by the first 8 bytes of SHA-256 of campaign, seed and
    customer id (joined by the byte 1F), ties by id, and the line of n customers is cut at the arms'
    shares: arm k, in order of its name, takes ceil(C_k − u) − ceil(C_{k−1} − u) of them, C_k being n ×
    the shares up to it and u a number in [0, 1) drawn for the stratum in the same way. So every arm
    gets its share to within one customer, and each customer any arm with exactly its share as
    probability, in the smallest stratum too. Nothing but ids, strata, shares, campaign and seed enters:
    neither the order of rows nor the engine, and another campaign of the same seed is another lot.

    Args:
        customers: ``customer_id`` and the strata's columns, one row per customer.
        shares: Share or weight by arm, the control among them; above 0.
        campaign_id: The campaign; part of the lot.
        seed: Any whole number.
        strata: Columns whose values (a blank is one) make the strata; none makes one of all.

    Returns:
        The draw.

    Raises:
        ConfigError: Fewer than two arms, a share not above 0, an arm named ``stratum`` or ``customers``,
            or a column that is not there.
        DataError: No customers, a blank id, or a customer twice.

    Examples:
        >>> people = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "rank": ["gold", "gold", "", ""]})
        >>> shares = {"mail": 1, "none": 1}
        >>> found = draw_arms(people, shares=shares, campaign_id="m1", seed=7, strata=["rank"])
        >>> found.sizes, found.strata.values.tolist()
        ({'mail': 2, 'none': 2}, [['', 2, 1, 1], ['gold', 2, 1, 1]])
    """
    weights = _weights(shares)
    frame = _people(customers, strata)
    ids = frame["customer_id"].tolist()
    label = _labels(frame, strata)
    salt = f"{campaign_id}{_BETWEEN}{seed}{_BETWEEN}"
    lots = np.fromiter((_lot(salt + customer) for customer in ids), dtype=np.uint64, count=len(ids))
    codes, names = pd.factorize(label, sort=True)
    # Stable, and the frame is in order of ids: equal lots stay in that order.
    order = np.lexsort((lots, codes))
    counts = np.bincount(codes, minlength=len(names))
    cuts = [
        _quotas(int(n), weights, Fraction(_lot(f"{salt}stratum{_BETWEEN}{name}"), 2 ** (8 * _BYTES)))
        for n, name in zip(counts, names, strict=True)
    ]
    arms = np.array(list(weights), dtype=object)
    drawn = np.empty(len(ids), dtype=object)
    drawn[order] = np.concatenate([np.repeat(arms, quotas) for quotas in cuts])
    rows = pd.DataFrame({"customer_id": ids, "stratum": label, "arm": drawn}).astype("str")
    table = pd.DataFrame(
        [[name, sum(quotas), *quotas] for name, quotas in zip(names, cuts, strict=True)],
        columns=["stratum", "customers", *weights],
    )
    return Draw(rows, table, {arm: int(table[arm].sum()) for arm in weights})


def _people(customers: IntoFrame, strata: Sequence[str]) -> pd.DataFrame:
    given = nw.from_native(customers).lazy()
    columns = given.collect_schema().names()
    for column in ("customer_id", *strata):
        if column not in columns:
            raise ConfigError(
                f"customers have no column {column!r} to draw by; they have {', '.join(columns)}"
            )
    wanted = [
        nw.col("customer_id").cast(nw.String),
        *(nw.col(c).cast(nw.String) for c in dict.fromkeys(strata)),
    ]
    frame = to_pandas(given.select(*wanted)).sort_values("customer_id", kind="stable", ignore_index=True)
    if frame.empty:
        raise DataError("there is no customer to draw an arm for; widen who is eligible")
    if n := int(frame["customer_id"].isna().sum()):
        raise DataError(f"{n} customers have no id; leave them out of the draw")
    if n := int(frame["customer_id"].duplicated().sum()):
        raise DataError(f"{n} customers are listed more than once; give one row each")
    return frame


def _labels(frame: pd.DataFrame, strata: Sequence[str]) -> pd.Series:
    label = pd.Series([""] * len(frame), dtype="str")
    for i, column in enumerate(strata):
        values = frame[column].fillna("").astype("str")
        if len(strata) > 1:
            # Else "a | b" beside "c" and "a" beside "b | c" would be one stratum.
            values = values.str.replace("\\", "\\\\", regex=False).str.replace("|", "\\|", regex=False)
        label = values if i == 0 else label + " | " + values
    return label


def _weights(shares: Mapping[str, float]) -> dict[str, Fraction]:
    if len(shares) < 2:
        raise ConfigError(f"a test needs two arms, not {', '.join(shares) or 'none'}; add the control")
    for arm, share in shares.items():
        if arm in _TAKEN:
            raise ConfigError(f"an arm cannot be named {arm!r}, as a column of the plan is; rename it")
        if not (math.isfinite(share) and share > 0):
            raise ConfigError(f"the share of arm {arm!r} is {share}; give a number above 0")
    # As written, not as floats: 0.1 of 30 customers is 3 and no dust.
    exact = {arm: Fraction(str(shares[arm])) for arm in sorted(shares)}
    whole = sum(exact.values())
    return {arm: share / whole for arm, share in exact.items()}


def _quotas(n: int, weights: Mapping[str, Fraction], start: Fraction) -> list[int]:
    quotas, reached, taken = [], Fraction(0), 0
    for weight in weights.values():
        reached += n * weight
        cut = math.ceil(reached - start)
        quotas.append(cut - taken)
        taken = cut
    return quotas


def _lot(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:_BYTES])
