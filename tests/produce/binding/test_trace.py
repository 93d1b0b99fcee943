"""A number in a finding is the number in its table."""

from __future__ import annotations

from typing import Any

import pytest

from crmreport.errors import RunError
from crmreport.produce.binding.outputs import Item
from crmreport.produce.binding.trace import trace
from tests.produce.chapters import finding, table

TABLES = [Item.model_validate(table("decile.deciles", "decile,revenue\n1,2000.5\n2,\n"))]


def _finding(value: Any, table_id: str = "decile.deciles", row: Any = 1, column: str = "revenue") -> Item:
    item = finding("decile.x")
    cell = {"table": table_id, "row": [row], "column": column}
    item["finding"]["facts"] = {"n": {"value": value, "cell": cell}, "name": {"value": "x", "cell": None}}
    return Item.model_validate(item)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(_finding(2000.5), id="equal"),
        pytest.param(_finding(2000.5 + 1e-10), id="equal but for the last digits"),
        pytest.param(_finding(2000.5, row="1"), id="key as text"),
        pytest.param(_finding(2000.5, row=1.0), id="key as float"),
        pytest.param(_finding(None, row=2), id="both empty"),
    ],
)
def test_agrees(found: Item) -> None:
    assert trace([found], TABLES) == 1


@pytest.mark.parametrize(
    ("found", "match"),
    [
        pytest.param(_finding(2000), "says 2000, the table decile.deciles says '2000.5'", id="rounded"),
        pytest.param(_finding(1, row=2), "says ''", id="cell empty"),
        pytest.param(_finding(1, row=3), "has no cell 3, revenue", id="no such row"),
        pytest.param(_finding(1, column="share"), "has no cell 1, share", id="no such column"),
        pytest.param(_finding(1, table_id="decile.other"), "'decile.other' is not shown", id="no such table"),
    ],
)
def test_refused(found: Item, match: str) -> None:
    with pytest.raises(RunError, match=match):
        trace([found], TABLES)
