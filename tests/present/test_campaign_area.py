"""The campaign chapter on a campaign that ran in some places: what is said, and what is never said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from crmreport.analysis.campaign.area_effect import Reason
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluate_all import evaluate_all
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Costs
from crmreport.present import campaign as page
from crmreport.present import campaigns as pages
from crmreport.present.chart import Chart
from crmreport.present.finding import Finding
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Table
from crmreport.present.words import Words, labels
from tests.analysis.campaign.places import AS_OF, lines_of, plan, sold
from tests.analysis.campaign.programmes import PERIOD, programme_of, sends_of
from tests.analysis.campaign.programmes import evaluated as evaluation_of
from tests.analysis.campaign.programmes import plan as mailing
from tests.present.pages import written

OWN = {"ja": {"campaign_name.spot": "札幌のテレビCM"}, "en": {"campaign_name.spot": "TV spot"}}
JA, EN = (Words(lang, own=OWN[lang]) for lang in ("ja", "en"))
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NOBODY = sends_of([])


@cache
def evaluated(effect: float = 0.5, *, seed: int = 3, as_of: date = AS_OF, **given: Any) -> Evaluation:
    lines = lines_of(sold(seed, effect=effect)[0])
    return evaluate_campaign(NOBODY, lines, plan=plan("s00", "s01", **given), as_of=as_of)


@cache
def apart() -> Evaluation:
    """A store that grows as no other does."""
    table, _ = sold(2)
    table = table.assign(s00=table["s00"] * np.linspace(1, 3, len(table)))
    return evaluate_campaign(NOBODY, lines_of(table), plan=plan(), as_of=AS_OF)


@cache
def beside_another() -> Evaluation:
    """A flyer in the same store on the same days."""
    both = [plan(), replace(plan(), campaign_id="flyer", channel="flyer")]
    return evaluate_campaign(NOBODY, lines_of(sold(3)[0]), plan=both[0], as_of=AS_OF, plans=both)


CASES = {
    "it seems to have paid": evaluated,
    "it sold more at a loss": lambda: evaluated(costs=Costs(fixed=50_000.0)),
    "nobody knows": lambda: evaluated(0.0, costs=Costs()),
    "no margin on file": lambda: evaluated(margin_rate=None),
    "no mix follows it": apart,
    "too few to compare with": lambda: evaluated(donors=("s03",)),
    "another campaign ran there too": beside_another,
    "it is still running": lambda: evaluated(as_of=date(2026, 8, 20)),
}


def everything(evaluation: Evaluation) -> list[Any]:
    return [
        page.message(evaluation),
        *page.verdict(evaluation),
        *page.not_randomised(evaluation),
        *page.over_time(evaluation),
        *page.area(evaluation),
        *page.money(evaluation),
        *page.power(evaluation),
        *page.effects(evaluation),
        *page.guardrails(evaluation),
        *page.segments(evaluation),
        *page.next_send(evaluation),
        *page.uplift(evaluation),
        *page.design(evaluation),
        *page.responses(evaluation),
        *page.findings(evaluation),
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_everything_is_said_in_both_languages(case):
    things = everything(case())
    for words in (JA, EN):
        said = written(things, words)
        assert "{" not in said
        assert "nan" not in said
        assert OWN[words.lang]["campaign_name.spot"] in words.say(things[0].text)
        assert "–" not in words.say(things[0].text), "a number is missing"


def test_another_campaign_in_the_place_is_named_with_a_way_out():
    for words, reason, way_out in (
        (EN, "another campaign ran in the same place", "Describe the two as one campaign"),
        (JA, "同じ場所で、同じ時期にほかの施策も実施していた", "一つの施策にまとめて"),
    ):
        said = written(page.verdict(beside_another()), words)
        assert reason in said
        assert way_out in said


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
@pytest.mark.parametrize("name", ["it seems to have paid", "no mix follows it"])
def test_every_picture_is_drawn(name, words):
    charts = [thing for thing in everything(CASES[name]()) if isinstance(thing, Chart)]
    assert [chart.id for chart in charts] == ["campaign.area_series"]
    assert "<img" in charts[0].html(words, Style())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_number_of_a_finding_stands_in_its_table(case):
    things = everything(case())
    tables = {t.id: t.frame.set_index(list(t.row_key)) for t in things if isinstance(t, Table)}
    for found in (t for t in things if isinstance(t, Finding)):
        for name, fact in found.facts.items():
            if fact.cell is not None:
                assert tables[fact.cell.table].loc[fact.cell.row[0], fact.cell.column] == fact.value, name


MEASURES = {
    "it seems to have paid": ("opportunity", "retest_places"),
    "it sold more at a loss": ("warning", "stop_places"),
    "no margin on file": ("warning", "data_fix"),
    "no mix follows it": ("warning", "retest_places"),
}


@pytest.mark.parametrize("name", MEASURES)
def test_what_to_do_is_of_places(name):
    (finding,) = page.findings(CASES[name]())
    assert (finding.severity, finding.measure) == MEASURES[name]
    for words in (JA, EN):
        assert words.label(f"book.measure.{finding.measure}")
        assert words.label(f"book.test.{finding.measure}")


SAID = {
    "it seems to have paid": (
        "の利益を生んだとみられるが、ほかの場所でも確かめてから広げる",
        "seems to have earned",
    ),
    "it sold more at a loss": ("売上を増やしたが費用に届かず", "raised revenue but not by its cost"),
    "nobody knows": ("黒字とも赤字ともまだいえない", "profit or loss cannot be told apart yet"),
    "no margin on file": ("粗利率が未登録のため採算は判定できない", "without a margin"),
    "no mix follows it": ("効果を判定できない", "cannot be judged"),
    "it is still running": ("集計期間の途中で、結論はまだ出せない", "too early for a conclusion"),
}


@pytest.mark.parametrize("name", SAID)
def test_the_heading_says_the_verdict(name):
    text = page.message(CASES[name]()).text
    for words, said in zip((JA, EN), SAID[name], strict=True):
        assert said in words.say(text)


def test_nobody_was_sent_anything():
    things = everything(evaluated())
    assert {t.id for t in things if isinstance(t, (Table, Chart))} == {
        "campaign.area_series", "campaign.area_donors", "campaign.area_placebos", "campaign.money",
    }  # fmt: skip
    assert not re.search(r"配信した|配信群|1人あたり|受信|開封", written(things, JA))
    assert not re.search(r"sent to|per customer|opened", written(things, EN))
    assert "s00・s01の売上" in written(things, JA)


def test_the_money_adds_up():
    things = everything(evaluated())
    money = next(t for t in things if isinstance(t, Table) and t.id == "campaign.money").frame.set_index(
        "item"
    )
    assert money.drop("profit")["value"].sum() == pytest.approx(money.loc["profit", "value"])
    assert money.loc["fixed", "value"] == -100


def test_where_nothing_is_said_nothing_after_the_start_is_drawn():
    found = apart()
    shown = page.area(found)
    text = written(shown, JA)
    assert "開始後は、見込みが信頼できないため示さない" in text
    assert "順位検定" not in text
    table = next(t for t in shown if isinstance(t, Table) and t.id == "campaign.area_placebos")
    assert table.frame.set_index("unit").loc[["(area)"], ["moved", "ratio"]].isna().to_numpy().all()
    assert "動きの近い場所をclient.ymlのdonorsに挙げる" in written(page.verdict(found), JA)


def test_while_it_runs_nothing_is_shown():
    found = CASES["it is still running"]()
    assert page.area(found) == []
    assert page.findings(found) == []
    assert "2026年8月30日まで数えます" in written(page.verdict(found), JA)


@pytest.mark.parametrize("reason", [r for part in get_args(Reason) for r in (get_args(part) or (part,))])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_reason_has_words_and_a_way_out(reason, lang):
    known = labels(lang)
    assert f"area.withheld.{reason}" in known
    assert f"area.way_out.{reason}" in known


def test_a_placebo_in_time_that_moves_is_told():
    found = evaluated()
    placebo = replace(found.area.placebo, difference=0.2, lower=0.1, upper=0.3, p_value=0.01)
    moved = replace(found, area=replace(found.area, placebo=placebo))
    assert "施策のほかに原因がある" in written(page.area(moved), JA)


def test_in_the_programme_it_has_no_customers_and_is_drawn_to_no_mean():
    spot, mail = evaluated(), evaluation_of(mailing("mail", "2026-09-01"), 3.0, 1.0)
    found = programme_of((mail, spot), lines=lines_of(sold(3, effect=0.5)[0]), sends=sends_of([mail.plan]))
    every, note = pages.every_campaign(found)[1:3]
    row = every.frame.set_index("campaign_id").loc["spot"]
    assert (row["grade"], row["verdict"]) == ("adjusted", "keep_testing")
    assert "「札幌のテレビCM」は場所を限って実施した施策で" in written([note], JA)
    assert "ran in some places and was sent to nobody" in written([note], EN)
    sent = next(thing for thing in pages.overlap(found) if isinstance(thing, Table))
    assert sent.frame["campaign_id"].tolist()[:2] == ["spot", "mail"]
    (row,) = re.findall(r"<tr>(?=[^/]*札幌のテレビCM)(.*?)</tr>", sent.html(JA))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    assert cells.count("–") == 4, "no customers and nobody's revenue: blank, not 0"
    assert "テレビCM" in cells
    worth = [thing for thing in pages.worth(found) if isinstance(thing, (Table, Chart))]
    assert [thing.id for thing in worth] == ["campaigns.profits", "campaigns.worth"]
    for words in (JA, EN):
        things = [*pages.worth(found), *pages.together(found), *pages.overlap(found), *pages.findings(found)]
        assert "{" not in written(things, words)
        assert "nan" not in written(things, words)


def test_luck_is_never_said_of_a_campaign_without_customers():
    large = replace(
        evaluated(), area=replace(evaluated().area, profit=replace(evaluated().area.profit, profit=9e6))
    )
    mail = evaluation_of(mailing("mail", "2026-09-01"), 3.0, 1.0)
    lines = lines_of(sold(3)[0])
    both = programme_of((mail, large), lines=lines, sends=sends_of([mail.plan]))
    notes = [thing for thing in pages.worth(both) if isinstance(thing, Note)]
    assert all(note.text.values.get("best") != "spot" for note in notes)
    assert "札幌のテレビCM" not in written(notes, JA)


def test_a_place_without_sales_is_told_with_a_way_out():
    (found,) = evaluate_all(
        NOBODY, lines_of(sold(3)[0]), plans=[plan("s0O", costs=Costs(fixed=100.0))], period=PERIOD
    )
    shown = pages.every_campaign(programme_of((found,), lines=lines_of(sold(3)[0]), sends=NOBODY))
    assert "（s0O）に売上がないため評価していません" in written(shown, JA)
    assert "nothing was sold in s0O" in written(shown, EN)


@pytest.mark.parametrize(
    ("lang", "of_customers"),
    [("ja", "配信群|対照群|開封|無作為に選んで配信"), ("en", "[Hh]eld.out|[Ss]ent-to|opened|randomised")],
)
def test_the_prose_of_the_chapter_is_about_places(lang: str, of_customers: str):
    evaluation = evaluated()
    cells = json.loads((NOTEBOOKS / "campaign.ipynb").read_text(encoding="utf-8"))["cells"]
    tags = [(set(c["metadata"].get("tags", [])), "".join(c["source"])) for c in cells]
    about = f"about-{page.message(evaluation).about}"
    prose = [text for of, text in tags if {f"lang-{lang}", about} <= of]
    assert len(prose) == 2
    assert not re.search(of_customers, " ".join(prose))
    (finding,) = page.findings(evaluation)
    assert finding.campaigns == {"spot": finding.money}
