"""Definitions and glossary: nothing is printed without words."""

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


def test_thresholds_nobody_can_know_yet_are_said_to_be_unknown():
    policies = page.policies_table(
        Policies.model_validate({"lifecycle": {"slipping_days": 60}}),
        as_of=date(2026, 10, 31),
        currency="JPY",
        timezone="Asia/Tokyo",
        fiscal_year_start=4,
        thresholds=None,
    )
    said = policies.frame.set_index("policy")["setting"]
    assert (said["slipping_days"], said["lapsed_days"]) == ("60", "not_known")
    assert "2回以上購入した顧客がまだいないため" in policies.html(JA)


def test_every_choice_of_a_policy_has_words():
    choices = {
        "revenue": ("tax_included", "tax_excluded"),
        "points": ("points_ignored", "points_discount", "points_tender"),
        "shipping": ("shipping_excluded", "shipping_included"),
        "purchase_unit": ("customer_day", "order"),
        "conflict_precedence": ("keep_first", "keep_last"),
        "thresholds": ("from_gaps", "from_client", "mixed", "no_gaps", "not_known"),
    }
    missing = [c for group in choices.values() for c in group if not JA.has(f"definitions.setting.{c}")]
    assert missing == []


def test_the_glossary_says_the_same_in_both_languages_and_in_the_docs():
    docs = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    for term in page.glossary_table().frame["term"]:
        ja, en = JA.label(f"glossary.term.{term}"), EN.label(f"glossary.term.{term}")
        assert (JA.label(f"glossary.other.{term}"), EN.label(f"glossary.other.{term}")) == (en, ja)
        assert f"| {ja} | {en} |" in docs
