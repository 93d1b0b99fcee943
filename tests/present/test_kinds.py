"""Kinds of products in the life-cycle chapter: who stays, whom to offer it to, and no cause claimed."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.kind_prospects import KindProspects, kind_prospects
from crmreport.analysis.kind_retention import KindRetention, kind_retention
from crmreport.present import kinds as page
from crmreport.present.style import Style
from crmreport.present.words import Words

AS_OF = date(2026, 12, 31)
PRODUCTS = pd.DataFrame(
    {
        "product_id": ["bottle", "pouch", "box"],
        "name": ["Bottle", "Pouch", "Box"],
        "category": ["soap", "soap", "gift"],
        "kind": ["regular", "refill", "set"],
    }
)
JA, EN = Words("ja"), Words("en")


def shop(*, stays: float = 0.3, what: str = "pouch", begin: str = "2025-01-01") -> pd.DataFrame:
    """400 customers of 2025, half of them with a pouch (or a box); ``stays`` more of these come back."""
    random = np.random.default_rng(5)
    rows = [("first", begin, "bottle"), ("last", "2026-12-31", "bottle")]
    for i in range(400):
        special = i % 2 == 0
        for k in range(1 + i % 3):
            rows.append((f"c{i:03d}", f"2025-{2 + k:02d}-01", what if special and not k else "bottle"))
        if random.random() < 0.4 + stays * special:
            rows.append((f"c{i:03d}", f"2026-{1 + i % 12:02d}-05", "bottle"))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_date", "product_id"])
    lines = lines.assign(
        order_id=[str(n) for n in range(len(lines))],
        order_date=pd.to_datetime(lines["order_date"]),
        revenue=100.0,
        is_return=False,
    )
    return lines[lines["order_date"] >= begin].reset_index(drop=True)


def results(value: str = "refill", **options) -> tuple[KindRetention, KindProspects]:
    lines = shop(**options)
    before, since = (date(2025, 1, 1), date(2025, 12, 31)), date(2026, 1, 1)
    stayed = kind_retention(lines, PRODUCTS, before=before, since=since, as_of=AS_OF)
    like = ["category"] if value == "refill" else []
    found = kind_prospects(lines, PRODUCTS, value=value, like=like, as_of=AS_OF, since=since, late_days=180)
    return stayed, found


def test_the_finding_compares_offers_and_claims_no_cause():
    stayed, found = results()
    (finding,) = page.findings(stayed, found)
    assert (finding.id, finding.severity, finding.measure, finding.case) == (
        "lifecycle.kind_retention",
        "opportunity",
        "refill_reminder",
        "refill",
    )
    assert finding.money == 100.0 * len(found.customers)
    said = finding.text(JA)
    assert "詰め替えを買った200人のうち" in said["what"]
    assert "買っているだけかもしれず" in said["so_what"]
    assert "does not show that a refill makes them stay" in finding.text(EN)["so_what"]
    assert finding.customers is not None
    assert set(finding.customers.customers["reason"]) == {"never_refill"}


def test_another_kind_is_offered_in_its_own_words():
    stayed, found = results("set", what="box")
    (finding,) = page.findings(stayed, found)
    assert (finding.measure, finding.case) == ("cross_sell", "other")
    assert finding.text(JA)["title"] == "セット購入者の継続率"
    assert "“Set”" in finding.text(EN)["what"]


@pytest.mark.parametrize("options", [{}, {"value": "set", "what": "box"}], ids=["refill", "set"])
def test_every_number_of_the_finding_stands_in_a_table(options):
    stayed, found = results(**options)
    tables = {t.id: t for t in (page.kinds_table(stayed), *page.prospects(found))}
    for name, fact in page.findings(stayed, found)[0].facts.items():
        if fact.cell is None:
            assert name == "value"
            continue
        table = tables[fact.cell.table]
        frame = table.frame.set_index(list(table.row_key))
        assert frame.loc[fact.cell.row, fact.cell.column].item() == fact.value, name


def test_no_clear_difference_no_finding():
    stayed, found = results(stays=0.0)
    assert page.offered(stayed) is None
    assert page.findings(stayed, found) == []
    assert [type(thing).__name__ for thing in page.retention(stayed)] == ["Table"]


def test_the_ordinary_kind_is_never_offered():
    stayed, _ = results()
    only = stayed.table["value"].eq("refill")
    ordinary = stayed.table[only].assign(value="regular")
    assert page.offered(KindRetention(**{**vars(stayed), "table": ordinary})) is None


def test_without_kinds_nothing_is_shown():
    assert (page.offered(None), page.retention(None), page.prospects(None), page.findings(None, None)) == (
        None,
        [],
        [],
        [],
    )


def test_a_window_not_observed_is_said_so():
    stayed, _ = results(begin="2025-02-15")
    (note,) = page.retention(stayed)
    assert "2025年1月1日から基準日までの購買データがそろっていない" in JA.say(note.text)
    assert "do not cover all days from 1 January 2025" in EN.say(note.text)


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
@pytest.mark.parametrize("options", [{}, {"value": "set", "what": "box"}], ids=["refill", "set"])
def test_everything_is_shown_in_both_languages(words, options):
    stayed, found = results(**options)
    chart, *tables = [*page.retention(stayed), *page.prospects(found)]
    assert "<img" in chart.html(words, Style())
    assert [table.id for table in tables] == [page.KINDS, page.STRATA, page.PROSPECTS]
    for table in tables:
        assert "<table>" in table.html(words)
