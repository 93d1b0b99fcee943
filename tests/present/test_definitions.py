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


def listed(chapters: list[str]) -> tuple[set[str], set[str]]:
    return set(page.numbers_table(chapters).frame["number"]), set(page.glossary_table(chapters).frame["term"])


def test_only_what_the_chapters_use_is_listed():
    numbers, terms = listed(["campaigns", "campaign", "messages", "definitions"])
    assert {"campaign_profit", "shrunk_profit", "cart_recovery", "segment", "revenue"} <= numbers
    assert numbers.isdisjoint({"gini", "lift", "churn", "revenue_tree", "stayed"})
    assert {"held_out", "extra", "as_of"} <= terms
    assert terms.isdisjoint({"ctb", "f2", "slipping", "control_total"})
    monthly, _ = listed(["sales", "decile", "rfm", "lifecycle", "data_quality", "definitions"])
    assert {"gini", "churn", "revenue_tree"} <= monthly
    assert monthly.isdisjoint({"campaign_effect", "lift", "cart_recovery"})


@pytest.mark.parametrize("chapters", [[], ["definitions"], ["sales", "basket"]])
def test_everything_is_listed_where_nobody_knows_what_is_used(chapters):
    assert listed(chapters) == (set(page.NUMBERS), set(page.TERMS))


def test_every_chapter_that_is_named_is_there_and_every_definition_is_used_by_one():
    named = {
        chapter for entries in (page.NUMBERS, page.TERMS) for using in entries.values() for chapter in using
    }
    there = {path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}
    assert named == there - {"definitions"}
    assert all(page.NUMBERS.values())
    assert all(page.TERMS.values())


def test_settings_no_chapter_looks_at_are_left_out():
    known = {"as_of": date(2026, 10, 31), "currency": "JPY", "timezone": "Asia/Tokyo", "fiscal_year_start": 4}
    settings = [
        set(page.policies_table(Policies(), **known, thresholds=None, chapters=chapters).frame["policy"])
        for chapters in (["campaign"], ["lifecycle"], [])
    ]
    assert "gross_margin_rate" in settings[0]
    assert "dormant_days" not in settings[0]
    assert "dormant_days" in settings[1]
    assert "gross_margin_rate" not in settings[1]
    assert settings[0] | settings[1] < settings[2]


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
