"""Who was assigned to which arm: one row per customer, and what had to be set aside for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import settle, to_pandas
from crmreport.errors import ConfigError, DataError


@dataclass(frozen=True)
class Assignment:
    """Customers of one arm each.

    Attributes:
        n_rows: Rows given.
        n_customers: Distinct customers in them.
        n_repeated_rows: Rows beyond the first of a customer who is in one arm only.
        n_several_arms: Customers found in more than one arm; in none of the arms here.
        customers: Customers by arm, those of several arms left out.
        frame: ``customer_id``, ``arm`` and the columns asked for, one row per customer, lazily.
    """

    n_rows: int
    n_customers: int
    n_repeated_rows: int
    n_several_arms: int
    customers: Mapping[str, int]
    frame: nw.LazyFrame[Any]

    def by(self, segment: str) -> dict[str, dict[str, int]]:
        """Customers by value of a column asked for, then by arm; a blank is a value of its own, ''."""
        counted = to_pandas(
            self.frame.group_by(segment, "arm").agg(nw.len().alias("n")), sort_by=[segment, "arm"]
        )
        found: dict[str, dict[str, int]] = {}
        for value, arm, n in counted[[segment, "arm", "n"]].itertuples(index=False):
            found.setdefault(str(value) if value == value and value is not None else "", {})[str(arm)] = int(
                n
            )
        return found


def assignment(
    assigned: IntoFrame, *, customer: str = "customer_id", arm: str = "arm", columns: Sequence[str] = ()
) -> Assignment:
    """One row per customer as assigned (intention to treat), whoever was reached or opened.

    A customer listed twice in one arm counts once. A customer in several arms got neither one
    treatment nor the other and is left out, counted. Of other columns a customer's largest value is
    kept: they are facts from before the assignment, the same in all rows of a customer.

    Args:
        assigned: Rows of the assignment or of the sends, the held-out control among them.
        customer: Column with the customer's id.
        arm: Column that names the arm.
        columns: Other columns to keep.

    Raises:
        ConfigError: A column is missing.
        DataError: There are no rows, or a row lacks customer or arm.

    Examples:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"customer_id": ["1", "1", "2", "3", "3"],
        ...                      "arm": ["mail", "mail", "none", "mail", "none"]})
        >>> found = assignment(rows)
        >>> found.customers, found.n_repeated_rows, found.n_several_arms
        ({'mail': 1, 'none': 1}, 1, 1)
    """
    rows = nw.from_native(assigned).lazy()
    names = rows.collect_schema().names()
    if missing := [c for c in (customer, arm, *columns) if c not in names]:
        raise ConfigError(f"the assignment lacks the column {missing[0]!r}; it has {', '.join(names)}")
    blank = nw.col(customer).is_null() | nw.col(arm).is_null()
    if n := int(to_pandas(rows.filter(blank).select(n=nw.len()))["n"].iloc[0]):
        raise DataError(f"{n} rows of the assignment lack customer or arm; mend the list that was sent")
    people = rows.group_by(customer).agg(
        nw.col(arm).min().alias("first_arm"),
        nw.col(arm).max().alias("last_arm"),
        nw.len().alias("rows"),
        *[nw.col(c).max() for c in columns],
    )
    # Computed once: balance, segments and overlap would each bring the customers together anew.
    people = settle(people.with_columns(alone=nw.col("first_arm") == nw.col("last_arm")))
    tally = to_pandas(
        people.group_by("first_arm", "alone").agg(nw.len().alias("customers"), nw.col("rows").sum()),
        sort_by=["first_arm", "alone"],
    )
    if tally.empty:
        raise DataError("the assignment has no rows; check the campaign's id")
    alone = tally[tally["alone"]]
    frame = people.filter(nw.col("alone")).select(
        nw.col(customer).alias("customer_id"), nw.col("first_arm").alias("arm"), *columns
    )
    return Assignment(
        n_rows=int(tally["rows"].sum()),
        n_customers=int(tally["customers"].sum()),
        n_repeated_rows=int((alone["rows"] - alone["customers"]).sum()),
        n_several_arms=int(tally.loc[~tally["alone"], "customers"].sum()),
        customers={str(name): int(n) for name, n in zip(alone["first_arm"], alone["customers"], strict=True)},
        frame=frame,
    )
