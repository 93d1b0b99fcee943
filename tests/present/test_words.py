"""Labels: two languages that say the same things, and values written by one rule."""

import re
import string
import time

import pytest

from crmreport.present import Text, Words
from crmreport.present.words import LANGUAGES, forget_labels, labels


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_have_the_same_labels():
    assert set(labels("ja")) == set(labels("en"))


def test_both_languages_use_the_same_values():
    differing = {
        key: (placeholders(labels("ja")[key]), placeholders(labels("en")[key]))
        for key in labels("ja")
        if key in labels("en") and placeholders(labels("ja")[key]) != placeholders(labels("en")[key])
    }
    assert differing == {}


def test_every_placeholder_names_a_known_format():
    one_of = {"", "text", "count", "scount", "money", "smoney", "pct", "spct", "pt", "num0", "num1", "num2"}
    one_of |= {"snum2", "p", "prob", "days", "date", "longdate", "month"}
    one_of |= {"cell", "label", "labels", "name", "period", "plural"}
    unknown = {
        (lang, key, spec)
        for lang in LANGUAGES
        for key, template in labels(lang).items()
        for _, name, spec, _ in string.Formatter().parse(template)
        if name and spec is not None and spec.partition(":")[0] not in one_of
    }
    assert unknown == set()


def test_no_half_width_katakana_or_full_width_digits_in_japanese():
    odd = {
        key for key, said in labels("ja").items() if any("０" <= c <= "９" or "ｦ" <= c <= "ﾟ" for c in said)
    }
    assert odd == set()


def test_japanese_headings_are_written_in_one_form():
    chapters = {key: said for key, said in labels("ja").items() if re.match(r"[a-z_]+\.message(\.|$)", key)}
    polite = {key for key, said in chapters.items() if re.search(r"(です|ます|ません|ました)$", said)}
    assert chapters
    assert polite == set()


def test_what_to_do_sets_up_no_comparison_of_its_own():
    """How to test stands once, in the action plan, where the size of the list is known."""
    own = re.compile("(案内しない|送らない)顧客|hold some back|left alone|not (reminded|approached)")
    doubled = {
        (lang, key)
        for lang in LANGUAGES
        for key, said in labels(lang).items()
        if key.endswith(".do_what") and own.search(said)
    }
    assert doubled == set()


@pytest.mark.parametrize(
    ("spec", "value", "ja", "en"),
    [
        pytest.param("pct", 0.5104, "51.0%", "51.0%", id="a share has one decimal"),
        pytest.param("prob", 0.731, "73.1%", "73.1%", id="a probability"),
        pytest.param("prob", 0.99995, ">99.9%", ">99.9%", id="a probability is never 100 %"),
        pytest.param("prob", 0.0, "<0.1%", "<0.1%", id="a probability is never 0 %"),
        pytest.param("pct", None, "–", "–", id="what was not observed is a dash, not zero"),
        pytest.param("pct", float("nan"), "–", "–", id="nan is not observed"),
        pytest.param("spct", -0.0321, "−3.2%", "−3.2%", id="a real minus sign"),
        pytest.param("spct", 0.0001, "±0.0%", "±0.0%", id="rounds to nothing: neither up nor down"),
        pytest.param("pt", 0.012, "+1.2ポイント", "+1.2 pts", id="differences of rates are points"),
        pytest.param("count", 1234567, "1,234,567", "1,234,567", id="commas"),
        pytest.param("money", 987, "987円", "¥987", id="small money"),
        pytest.param("money", 12_345_678, "12.3百万円", "¥12.3 million", id="large money"),
        pytest.param("money:thousands", 1_334_150, "1,334千円", "¥1,334 thousand", id="money to compare"),
        pytest.param("money:thousands", 28_150, "28,150円", "¥28,150", id="small money to compare"),
        pytest.param("money", 2.5e9, "2,500.0百万円", "¥2.50 billion", id="very large money"),
        pytest.param("p", 0.0374, "0.037", "0.037", id="a p-value has three decimals"),
        pytest.param("p", 0.00002, "<0.001", "<0.001", id="a p-value is never 0"),
        pytest.param("p:said", 0.0374, "p=0.037", "p=0.037", id="a p-value in a sentence"),
        pytest.param("p:said", 0.0, "p<0.001", "p<0.001", id="a small p-value in a sentence"),
        pytest.param("days", 1, "1日", "1 day", id="one day"),
        pytest.param("month", "2026-10", "2026年10月", "October 2026", id="a month"),
        pytest.param("period", "2026-10", "2026年10月", "October 2026", id="a period that is a month"),
        pytest.param("period", "FY2026", "FY2026", "FY2026", id="a period that is none"),
        pytest.param("longdate", "2026-10-31", "2026年10月31日", "31 October 2026", id="a day in prose"),
        pytest.param("plural:customer:customers", 1, "1 customer", "1 customer", id="singular"),
    ],
)
def test_a_value_is_written_by_its_kind(spec, value, ja, en):
    assert Words("ja").format(value, spec) == ja
    assert Words("en").format(value, spec) == en


def test_dollars_in_japanese_and_english():
    assert Words("ja", currency="USD").format(4_596_039.58, "money") == "4.6百万ドル"
    assert Words("en", currency="USD").format(12.5, "money") == "$12.50"


def test_an_unknown_label_is_an_error_that_names_it():
    with pytest.raises(LookupError, match=r"'nothing\.here'"):
        Words("ja").say(Text("nothing.here"))


def test_a_label_cannot_reach_into_a_value(monkeypatch):
    monkeypatch.setitem(labels("en"), "common.evil", "{x.__class__}")
    with pytest.raises(ValueError, match="not a plain name"):
        Words("en").say(Text("common.evil", x="a"))


def test_braces_and_markup_in_a_value_stay_text(monkeypatch):
    monkeypatch.setitem(labels("en"), "common.echo", "<{x}>")
    assert Words("en").say(Text("common.echo", x="{y} <script>")) == "<{y} <script>>"


@pytest.mark.parametrize(
    ("value", "spec", "said"),
    [
        pytest.param("abc\u202edef\u2066", "name:special", "abcdef", id="marks that turn the line"),
        pytest.param("y" * 10_000_000, "name:special", "y" * 79 + "…", id="ten million letters"),
        pytest.param("y" * 80, "name:special", "y" * 80, id="just fits"),
        pytest.param("z" * 1000, "text", "z" * 199 + "…", id="a long text"),
        pytest.param("<b>=1+1</b>", "text", "<b>=1+1</b>", id="nothing else is touched"),
    ],
)
def test_a_clients_text_cannot_break_a_page(value, spec, said):
    assert Words("ja").format(value, spec) == said


NAMED = {"value.美容液": "Serum", "value.金木犀": "Osmanthus", "value.東京都": "The capital"}


@pytest.mark.parametrize(
    ("spec", "value", "said"),
    [
        pytest.param("text", "美容液", "Serum", id="a value with a name"),
        pytest.param("", "美容液", "Serum", id="in a sentence"),
        pytest.param("name:special", "美容液", "Serum", id="where labels may know it"),
        pytest.param("cell", "美容液×金木犀", "Serum × Osmanthus", id="a combination"),
        pytest.param("cell", "美容液×ローズ", "Serum × ローズ", id="half of it has none"),
        pytest.param("text", "美容液 (大)", "美容液 (大)", id="only the whole value"),
        pytest.param("text", "北海道", "Hokkaido", id="a prefecture needs none"),
        pytest.param("name:prefecture", "大阪府", "Osaka", id="a prefecture by its label"),
        pytest.param("text", "東京都", "The capital", id="the client's own name goes before"),
    ],
)
def test_a_clients_value_is_called_by_its_name_in_the_language(spec, value, said):
    assert Words("en", own=NAMED).format(value, spec) == said
    assert Words("ja").format(value, spec) == value


def test_every_prefecture_the_intake_knows_has_a_name():
    from crmreport.analysis.attributes import REGIONS

    assert {f"prefecture.{name}" for names in REGIONS.values() for name in names} == {
        key for key in labels("en") if key.startswith("prefecture.")
    }


def test_english_labels_can_count_one():
    areas = ("sales.", "data_quality.", "rfm.", "decile.", "lifecycle.")
    fixed_plural = re.compile(r":count\} (new )?(customers|buyers|orders|people|order lines)\b")
    found = [key for key, text in labels("en").items() if key.startswith(areas) and fixed_plural.search(text)]
    assert found == []
    assert (
        Words("en")
        .say(Text("sales.new_note.alone", period="May", n=1))
        .startswith("May brought 1 new customer;")
    )


def test_labels_are_read_again_only_after_one_of_their_files_was_edited():
    first = labels("ja")
    forget_labels(read_at=time.time() + 60)
    assert labels("ja") is first
    forget_labels(read_at=0.0)
    assert labels("ja") is not first
