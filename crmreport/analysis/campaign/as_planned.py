"""Whether customers were sent what was drawn for them, where the list that was drawn is kept."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError

# Share of all customers, and of every arm: a lot keeps the arms alike, and who was sent otherwise takes
# from the effect as large a share as of the arm. A single customer is borne in an arm of any size.
NOT_AS_PLANNED_LIMIT = 0.01


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """The sends beside the list that was drawn.

    Attributes:
        sizes: Customers drawn, by arm.
        n_sent: Customers in the sends.
        n_moved: Of these, drawn customers in another arm than the one drawn, or in several.
        n_uninvited: Of these, customers who were not drawn at all.
        n_absent: Customers drawn who are not in the sends though they should be: counted once everybody
            was to be reached, and not of the control of a log that lists nobody held out.
        n_unlisted: Customers of the control, where the log lists nobody held out: the plan tells who they
            are.
        astray: By arm, its drawn customers who got another arm's treatment: moved, and of a treated arm
            absent, for nothing was sent to them.
        as_drawn: ``customer_id`` and ``arm`` of the customers to compare, as drawn: without those nobody
            drew, with those absent.
        as_logged: The same by the sends, customers of several arms left out; the control is the plan's
            where the log lists nobody held out.
    """

    sizes: Mapping[str, int]
    n_sent: int
    n_moved: int
    n_uninvited: int
    n_absent: int
    n_unlisted: int
    astray: Mapping[str, int]
    as_drawn: pd.DataFrame = field(compare=False, repr=False)
    as_logged: pd.DataFrame = field(compare=False, repr=False)

    @property
    def n_otherwise(self) -> int:
        """Customers who were sent otherwise than drawn."""
        return self.n_moved + self.n_uninvited + self.n_absent

    @property
    def share(self) -> float:
        """Customers sent otherwise than drawn ÷ customers in the sends and those absent from them."""
        looked_at = self.n_sent + self.n_absent
        return self.n_otherwise / looked_at if looked_at else math.nan

    @property
    def worst_arm(self) -> tuple[str, float]:
        """The arm with the largest share of its drawn customers astray, two or more; and that share."""
        shares = {arm: n / self.sizes[arm] for arm, n in self.astray.items() if n > 1}
        return max(shares.items(), key=lambda found: found[1], default=("", 0.0))

    @property
    def holds(self) -> bool:
        """Whether so few were sent otherwise, in all and in every arm, that arms may be compared as drawn."""
        return not max(self.share, self.worst_arm[1]) > NOT_AS_PLANNED_LIMIT


def as_planned(
    sent: IntoFrame,
    drawn: IntoFrame,
    *,
    control: str,
    several: Collection[str] = (),
    finished: bool = True,
    by_list: bool = True,
) -> AsPlanned:
    """Compare the sends with the list that was drawn.

    A running campaign has not reached all its customers, and a flow only those who did what it waits for:
    there nobody is absent. A mailing tool may log those it sent to and nobody else: in a log without one
    row of the control nobody of the control is absent, and the control is the one drawn. A log that has
    some of the control is to have all of it.

    Args:
        sent: ``customer_id`` and ``arm`` of the customers of the sends who are in one arm, one row each.
        drawn: ``customer_id`` and ``arm`` as drawn, one row per customer.
        control: The arm that was sent nothing.
        several: Ids of customers in several arms of the sends.
        finished: Whether everybody was to be reached by now.
        by_list: Whether all on the list were sent to; False of a flow, which customers enter by what they do.

    Raises:
        ConfigError: A column is missing.

    Examples:
        >>> drawn = pd.DataFrame({"customer_id": ["1", "2", "3"], "arm": ["mail", "none", "none"]})
        >>> sent = pd.DataFrame({"customer_id": ["2", "9"], "arm": ["none", "mail"]})
        >>> found = as_planned(sent, drawn, control="none")
        >>> found.n_moved, found.n_uninvited, found.n_absent, found.share
        (0, 1, 2, 0.75)
        >>> found = as_planned(sent[1:], drawn, control="none")
        >>> found.n_absent, found.n_unlisted
        (1, 2)
    """
    plan = nw.from_native(drawn).lazy()
    names = plan.collect_schema().names()
    if missing := [c for c in ("customer_id", "arm") if c not in names]:
        raise ConfigError(f"the list that was drawn lacks {missing[0]!r}; it has {', '.join(names)}")
    lot = to_pandas(plan.select("customer_id", "arm"), sort_by="customer_id")
    log = to_pandas(nw.from_native(sent).lazy().select("customer_id", "arm"), sort_by="customer_id")
    logged = log.set_index("customer_id")["arm"].reindex(lot["customer_id"]).to_numpy()
    torn = lot["customer_id"].isin(several)
    there = pd.notna(logged) | torn
    held = lot["arm"] == control
    unlisted = held & ~there if by_list and not (log["arm"] == control).any() else held & False
    absent = ~there & ~unlisted if finished and by_list else held & False
    n_invited = int(there.sum())
    strayed = there & (torn | (logged != lot["arm"]))
    lost = strayed | (absent & ~held)
    return AsPlanned(
        sizes={str(arm): int(n) for arm, n in lot["arm"].value_counts().sort_index().items()},
        n_sent=len(log) + len(several),
        n_moved=int(strayed.sum()),
        n_uninvited=len(log) + len(several) - n_invited,
        n_absent=int(absent.sum()),
        n_unlisted=int(unlisted.sum()),
        astray={str(arm): int(n) for arm, n in lost.groupby(lot["arm"]).sum().items()},
        as_drawn=lot[there | absent | unlisted].reset_index(drop=True),
        as_logged=pd.concat([log, lot[unlisted]], ignore_index=True),
    )
