"""Definitions and glossary: nothing printed without words, and the documentation says the same."""

from datetime import date
from pathlib import Path

import pytest

from crmreport.analysis.lifecycle import Thresholds
from crmreport.config import Policies
from crmreport.present import definitions as page
from crmreport.present.words import Words

JA, EN = Words("ja"), Words("en")


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_all_tables_have_words(words):
    policies = page.policies_table(
        Policies(),
        as_of=date(2026, 10, 31),
        currency="JPY",
        timezone="Asia/Tokyo",
        fiscal_year_start=4,
        thresholds=Thresholds(90, 180, 365),
    )
    for table in (page.numbers_table(), policies, page.glossary_table()):
        assert "<table>" in table.html(words)


def test_every_choice_of_a_policy_has_words():
    choices = {
        "revenue": ("tax_included", "tax_excluded"),
        "points": ("points_ignored", "points_discount", "points_tender"),
        "shipping": ("shipping_excluded", "shipping_included"),
        "purchase_unit": ("customer_day", "order"),
        "conflict_precedence": ("keep_first", "keep_last"),
        "thresholds": ("from_gaps", "from_client", "mixed"),
    }
    missing = [c for group in choices.values() for c in group if not JA.has(f"definitions.setting.{c}")]
    assert missing == []


def test_the_glossary_page_is_the_glossary():
    text = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [
        f"| {EN.label(f'glossary.term.{t}')} | {JA.label(f'glossary.term.{t}')} | "
        f"{EN.label(f'glossary.meaning.{t}')} | {JA.label(f'glossary.meaning.{t}')} |"
        for t in page.TERMS
    ]
    assert [line for line in text.splitlines() if line.startswith("| ")][1:] == rows
