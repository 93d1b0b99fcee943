"""Findings: four sentences, numbers traced to cells, customers counted but not named."""

import pandas as pd
import pytest

from crmreport.present import ActionList, Cell, Fact, Finding, Words
from crmreport.present.words import labels


@pytest.fixture
def lapsed(monkeypatch) -> Finding:
    for part in ("title", "what", "so_what", "do_what"):
        key = f"decile.finding.lapsed_top.several.{part}"
        monkeypatch.setitem(labels("en"), key, f"{part} {{n:count}} <b>")
    return Finding(
        "decile.lapsed_top",
        "critical",
        facts={"n": Fact(312, Cell("decile.deciles", (1,), "lapsed_customers"))},
        measure="return_offer",
        money=1.5e7,
        case="several",
        customers=ActionList(pd.DataFrame({"customer_id": ["c1"], "reason": ["lapsed"]})),
    )


def test_the_record_traces_every_number_and_names_nobody(lapsed):
    record = lapsed.record()
    assert record["facts"]["n"] == {
        "value": 312,
        "cell": {"table": "decile.deciles", "row": [1], "column": "lapsed_customers"},
    }
    assert record["list_rows"] == 1
    assert record["case"] == "several"
    assert "c1" not in str(record)


def test_what_so_what_do_what(lapsed):
    assert lapsed.text(Words("en"))["what"] == "what 312 <b>"
    assert "what 312 &lt;b&gt;" in lapsed.html(Words("en"))


def test_a_list_without_customers_is_refused():
    with pytest.raises(ValueError, match="'customer_id'"):
        ActionList(pd.DataFrame({"reason": ["x"]}))
