"""Whether customers were sent what was drawn for them, where the list that was drawn is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.assignment import Assignment
from crmreport.analysis.campaign.outcomes import beside
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """The sends beside the list that was drawn.

    Attributes:
        n_drawn: Customers drawn.
        n_assigned: Customers in the sends, those of several arms left out.
        n_moved: Of these, customers in another arm than the one drawn.
        n_uninvited: Of these, customers who were not drawn at all.
        n_absent: Customers drawn who are not in the sends, or in several arms of them.
    """

    n_drawn: int
    n_assigned: int
    n_moved: int
    n_uninvited: int
    n_absent: int

    @property
    def share(self) -> float:
        """Customers in the sends whose arm no lot gave them ÷ customers in the sends."""
        return (self.n_moved + self.n_uninvited) / self.n_assigned if self.n_assigned else math.nan


def as_planned(people: Assignment, drawn: IntoFrame) -> AsPlanned:
    """Compare the sends with the list that was drawn.

    Customers who are absent are only counted: a running campaign has not reached them all, and when
    more of one arm than of another are absent, the sizes of the arms tell.

    Args:
        people: The customers of the sends, each with one arm.
        drawn: ``customer_id`` and ``arm`` as drawn, one row per customer.

    Raises:
        ConfigError: A column is missing.

    Examples:
        >>> import pandas as pd
        >>> from crmreport.analysis.campaign.assignment import assignment
        >>> drawn = pd.DataFrame({"customer_id": ["1", "2", "3"], "arm": ["mail", "none", "none"]})
        >>> sent = pd.DataFrame({"customer_id": ["1", "2", "9"], "arm": ["mail", "mail", "mail"]})
        >>> found = as_planned(assignment(sent), drawn)
        >>> found.n_moved, found.n_uninvited, found.n_absent, round(found.share, 3)
        (1, 1, 1, 0.667)
    """
    plan = nw.from_native(drawn).lazy()
    names = plan.collect_schema().names()
    if missing := [c for c in ("customer_id", "arm") if c not in names]:
        raise ConfigError(f"the list that was drawn lacks {missing[0]!r}; it has {', '.join(names)}")
    n_drawn = int(to_pandas(plan.select(n=nw.len()))["n"].iloc[0])
    plan = beside(plan.select("customer_id", drawn=nw.col("arm")), people.frame)
    both = people.frame.select("customer_id", "arm").join(plan, on="customer_id", how="left")
    invited = ~nw.col("drawn").is_null()
    counted = to_pandas(
        both.select(
            uninvited=(~invited).cast(nw.Int64),
            moved=(invited & (nw.col("arm") != nw.col("drawn"))).cast(nw.Int64),
        ).select(nw.len().alias("n"), nw.col("uninvited").sum(), nw.col("moved").sum())
    ).fillna(0)
    n, uninvited, moved = (int(counted[c].iloc[0]) for c in ("n", "uninvited", "moved"))
    return AsPlanned(n_drawn, n, moved, uninvited, n_drawn - (n - uninvited))
