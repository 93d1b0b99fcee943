"""One row per customer as assigned, on every engine."""

from __future__ import annotations

import pandas as pd
import pytest

from crmreport.analysis.campaign.assignment import assignment
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, DataError

ROWS = pd.DataFrame(
    {
        "customer_id": ["1", "1", "2", "3", "3", "4", "5"],
        "arm": ["mail", "mail", "none", "mail", "none", "mail", "none"],
        "rank": ["gold", "gold", "gold", "gold", "gold", None, "silver"],
        "before": [10.0, 10.0, 20.0, 5.0, 5.0, 0.0, 7.0],
    }
)


def test_each_customer_counts_once_and_in_one_arm(engine):
    found = assignment(engine(ROWS), columns=["rank", "before"])
    assert (found.n_rows, found.n_customers) == (7, 5)
    assert (found.n_repeated_rows, found.n_several_arms) == (1, 1)
    assert found.customers == {"mail": 2, "none": 2}
    kept = to_pandas(found.frame, sort_by="customer_id")
    assert kept["customer_id"].tolist() == ["1", "2", "4", "5"]
    assert kept["before"].tolist() == [10.0, 20.0, 0.0, 7.0]
    assert found.by("rank") == {"": {"mail": 1}, "gold": {"mail": 1, "none": 1}, "silver": {"none": 1}}


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        pytest.param(ROWS, {"arm": "group"}, ConfigError, "lacks the column 'group'", id="no arm column"),
        pytest.param(ROWS, {"columns": ["age"]}, ConfigError, "'age'", id="no covariate"),
        pytest.param(ROWS[:0], {}, DataError, "has no rows", id="nobody"),
        pytest.param(ROWS.assign(arm=[None, *["a"] * 6]), {}, DataError, "1 rows .* lack", id="in no arm"),
    ],
)
def test_refusals(engine, rows, options, error, message):
    with pytest.raises(error, match=message):
        assignment(engine(rows), **options)
