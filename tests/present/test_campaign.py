"""The campaign chapter: what is said for each verdict, and what is never said."""

import re
from dataclasses import replace
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crmreport.analysis.campaign import (
    comparison,
    design,
    did,
    guardrail,
    harm_seen,
    heterogeneity,
    observational,
    synthetic,
    verdict,
)
from crmreport.analysis.campaign import regression_to_mean as rtm
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Costs, campaign_profit
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.present import campaign as page
from crmreport.present.campaign.money import profit_said
from crmreport.present.chart import Chart
from crmreport.present.finding import Finding
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Table
from crmreport.present.words import Words, labels
from tests.present.pages import written

START, AS_OF = date(2026, 8, 3), date(2026, 10, 31)
OWN = {
    "ja": {"campaign_name.refill": "詰め替えのご案内", "campaign_arm.refill.mail": "メール送付"},
    "en": {"campaign_name.refill": "Refill reminder", "campaign_arm.refill.mail": "E-mailed"},
}
JA, EN = (Words(lang, own=OWN[lang]) for lang in ("ja", "en"))
SEGMENTS = ("champions", "at_risk", "new")


def plan(**changes: Any) -> CampaignPlan:
    given: dict[str, Any] = {
        "arms": {"mail": 1, "none": 1},
        "control": "none",
        "randomised": True,
        "guardrails": {"unsubscribed": 0.05},
        "costs": Costs(send=5, fixed=1000),
        "margin_rate": 0.5,
    }
    return CampaignPlan("refill", "mail", START, START, **(given | changes))


@cache
def evaluated(
    *,
    lift: tuple[float, float, float] = (200.0, 200.0, 200.0),
    unsubscribed: float = 0.01,
    as_of: date = AS_OF,
    chosen: bool = False,
    **changes: Any,
) -> Evaluation:
    """600 customers in three segments, every second one sent to, who spend ``lift`` more there."""
    given = plan(**{name: dict(v) if isinstance(v, tuple) else v for name, v in changes.items()})
    rng = np.random.default_rng(7)
    n = 600
    who = pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(n)], "sent": np.tile([1, 0], n // 2)})
    who["segment"] = np.repeat(SEGMENTS, n // 3)
    before = rng.gamma(4, 100, n)
    if chosen:
        who["sent"] = (rng.random(n) < 1 / (1 + np.exp(-(before - 400) / 300))).astype(int)
    gain = np.select([who["segment"] == name for name in SEGMENTS], lift)
    spent = before / 2 + rng.gamma(4, 30, n) + gain * who["sent"]
    lines = pd.DataFrame(
        {
            "customer_id": np.tile(who["customer_id"], 3),
            "order_id": [f"o{i}" for i in range(3 * n)],
            "order_date": pd.to_datetime(np.repeat(["2026-05-01", "2026-07-01", "2026-08-10"], n)),
            "revenue": np.concatenate([before / 2, before / 2, spent]).round(),
            "is_return": False,
        }
    )
    sends = pd.DataFrame(
        {
            "campaign_id": "refill",
            "customer_id": who["customer_id"],
            "arm": np.where(who["sent"] == 1, "mail", "none"),
            "sent_on": pd.to_datetime(str(START)),
        }
    )
    day = pd.Timestamp(START)
    for what, share in (
        ("delivered", 0.98),
        ("opened", 0.4),
        ("clicked", 0.1),
        ("unsubscribed", unsubscribed),
    ):
        did_it = (who["sent"] == 1) & (rng.random(n) < share)
        sends[f"{what}_at"] = pd.Series(day, index=sends.index).where(did_it)
    if given.control is None:
        sends = sends[sends["arm"] == "mail"]
    # The quickest of the engines.
    frames = [pl.from_pandas(frame) for frame in (sends, lines, who[["customer_id", "segment"]])]
    return evaluate_campaign(*frames[:2], plan=given, as_of=as_of, attributes=frames[2])


def running() -> Evaluation:
    """Some customers' windows are over and some are not."""
    done = evaluated()
    arm = done.arms[0]
    from crmreport.analysis.campaign.interim import interim_effect
    from crmreport.analysis.campaign.sequential import always_valid

    effects = {name: interim_effect(e, planned_customers=600) for name, e in arm.effects.items()}
    look = always_valid(arm.effects["revenue"].estimate, planned_customers=600)
    judged = verdict.judge(verdict.Evidence("randomised", 0.5, running=True))
    so_far = replace(arm, effects=effects, look=look, segments={}, next_send=None, qini=None, judged=judged)
    found = replace(done.outcomes, n_incomplete=120)
    return replace(done, arms=(so_far,), judged=judged, running=True, holdout=None, outcomes=found)


NOBODY_HELD_OUT = {"arms": (), "control": None, "randomised": False, "guardrails": ()}
CASES = {
    "it pays for everybody": evaluated,
    "it raises revenue at a loss": lambda: evaluated(costs=Costs(send=300)),
    "it pays in one segment": lambda: evaluated(lift=(400.0, 0.0, 0.0), costs=Costs(send=60)),
    "unsubscribes beyond the margin": lambda: evaluated(unsubscribed=0.3),
    "no margin on file": lambda: evaluated(margin_rate=None),
    "groups of the wrong size": lambda: evaluated(arms=(("mail", 3), ("none", 1))),
    "customers were chosen": lambda: evaluated(
        chosen=True, randomised=False, control=None, arms=(), guardrails=(), lift=(0.0, 0.0, 0.0)
    ),
    "customers were chosen, and many left": lambda: evaluated(
        chosen=True, randomised=False, control=None, arms=(), unsubscribed=0.2
    ),
    "it is still running": running,
}


def everything(evaluation: Evaluation | None) -> list[Any]:
    return [
        page.message(evaluation),
        *page.verdict(evaluation),
        *page.design(evaluation),
        *page.responses(evaluation),
        *page.effects(evaluation),
        *page.not_randomised(evaluation),
        *page.over_time(evaluation),
        *page.money(evaluation),
        *page.power(evaluation),
        *page.guardrails(evaluation),
        *page.segments(evaluation),
        *page.next_send(evaluation),
        *page.uplift(evaluation),
        *page.findings(evaluation),
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_everything_is_said_in_both_languages(case):
    things = everything(case())
    for words in (JA, EN):
        assert "{" not in written(things, words)
        assert words.say(things[0].text).strip()


@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
@pytest.mark.parametrize("name", ["it pays in one segment", "customers were chosen", "it is still running"])
def test_every_picture_is_drawn(name, words):
    charts = [thing for thing in everything(CASES[name]()) if isinstance(thing, Chart)]
    assert charts
    for chart in charts:
        assert "<img" in chart.html(words, Style())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_number_of_a_finding_stands_in_its_table(case):
    things = everything(case())
    tables = {t.id: t for t in things if isinstance(t, Table)}
    for found in (t for t in things if isinstance(t, Finding)):
        for name, fact in found.facts.items():
            if fact.cell is not None:
                table = tables[fact.cell.table]
                frame = table.frame.set_index(list(table.row_key))
                row: Any = fact.cell.row
                assert frame.loc[row if len(row) > 1 else row[0], fact.cell.column] == fact.value, name


def test_no_two_tables_or_charts_share_an_id():
    for case in CASES.values():
        ids = [(type(t), t.id) for t in everything(case()) if isinstance(t, (Table, Chart))]
        assert len(set(ids)) == len(ids)


SAID = {
    "it pays for everybody": ("の利益を生み、全対象への展開を推奨", "per customer sent to"),
    "it raises revenue at a loss": ("売上を増やしたが費用に届かず", "raised revenue but not by its cost"),
    "it pays in one segment": ("「優良」に絞った展開を推奨", "best sent to Champions"),
    "unsubscribes beyond the margin": (
        "配信停止率が許容幅を超えて悪化",
        "did more harm than agreed (Unsubscribed)",
    ),
    "no margin on file": ("粗利率が未登録のため採算は判定できない", "without a margin"),
    "groups of the wrong size": ("群の人数が計画と合わず", "groups of the wrong size"),
    "it is still running": ("集計期間の途中で、結論はまだ出せない", "too early for a conclusion"),
}


@pytest.mark.parametrize("name", SAID)
def test_the_heading_says_the_verdict(name):
    text = page.message(CASES[name]()).text
    ja, en = SAID[name]
    assert JA.say(text).startswith("「詰め替えのご案内」")
    assert ja in JA.say(text)
    assert en in EN.say(text)


@pytest.mark.parametrize("reason", get_args(verdict.Reason))
def test_there_is_a_heading_for_every_reason(reason):
    rule = next(r for r in verdict.DECISIONS if r.reason == reason)
    details = ("opened",) if reason == "conditioned_on_response" else ("no_overlap",)
    judged = verdict.Judged(rule.verdict, reason, "randomised", ("champions", "new"), details, 0)
    found = replace(evaluated(), judged=judged)
    for words in (JA, EN):
        said = words.say(page.message(found).text)
        assert "refill" not in said
        assert "–" not in said, "a number is missing"
        for shown in page.verdict(found):
            assert words.say(shown.text)


@pytest.mark.parametrize("name", ["it pays for everybody", "it raises revenue at a loss"])
def test_the_headings_money_stands_in_the_table(name):
    things = everything(CASES[name]())
    values = things[0].text.values
    money, pays = (
        next(t for t in things if isinstance(t, Table) and t.id == name)
        for name in ("campaign.money", "campaign.pays")
    )
    rows = money.frame.set_index("item")
    assert values["profit"] == rows.loc["profit", "value"]
    assert values["each"] == pays.frame.set_index("item").loc["profit_each", "value"]
    parts = rows.loc[[i for i in rows.index if i in ("revenue", "goods", "send", "coupon", "fixed")], "value"]
    assert parts.sum() == pytest.approx(rows.loc["profit", "value"])


def test_a_running_test_shows_no_p_value_anywhere():
    things = everything(running())
    before = ("campaign.checks", "campaign.balance")  # of the design, not of results
    for table in (t for t in things if isinstance(t, Table) and t.id not in before):
        assert not [c for c in table.frame.columns if c.startswith("p_")], table.id
    shown = [t for t in things if getattr(t, "id", "") not in before]
    assert not re.search(r"p値|p<|p=|p-value", written(shown, JA))
    assert not re.search(r"\bp ?[<=0-9]|p-value|\bp\b", written(shown, EN))
    assert {t.id for t in things if isinstance(t, Chart)} == {"campaign.effects_chart"}
    assert page.findings(running()) == []


def test_a_test_nobody_has_finished_says_how_many_it_waits_for():
    arm = replace(running().arms[0], effects={}, look=None, profit=None, guardrails={})
    things = everything(replace(running(), arms=(arm,)))
    assert "各群30人に満たないため" in written(things, JA)
    assert not [t for t in things if isinstance(t, Chart)]


def test_several_arms_stand_in_one_table_with_their_verdicts():
    found = evaluated()
    moved = {name: replace(effect, arm="line") for name, effect in found.arms[0].effects.items()}
    other = replace(found.arms[0], arm="line", effects=moved)
    sizes = {**found.outcomes.sizes, "line": 300}
    both = replace(found, arms=(other, *found.arms), outcomes=replace(found.outcomes, sizes=sizes), best=1)
    things = everything(both)
    arms = next(t for t in things if isinstance(t, Table) and t.id == "campaign.arms")
    assert arms.frame["arm"].tolist() == ["line", "mail"]
    assert "97.5%" in written([arms], JA)
    effects = next(t for t in things if isinstance(t, Table) and t.id == "campaign.effects")
    assert len(effects.frame) == 2 * len(effects.frame["metric"].unique())
    assert "メール送付" in written(things, JA)


def test_without_a_control_nothing_is_called_an_effect():
    found = evaluated(**NOBODY_HELD_OUT)
    alone = replace(
        found,
        not_randomised=None,
        judged=verdict.judge(verdict.Evidence("observational", np.nan, compared=False)),
    )
    things = everything(alone)
    assert [t.id for t in things if isinstance(t, (Table, Chart))] == ["campaign.responses"]
    assert "因果ではありません" in written(things, JA)
    assert "not causal" in written(things, EN)
    assert "対照群（配信なし）がないため" in written(things, JA)


def test_openers_are_marked_as_no_effect():
    things = page.responses(evaluated())
    assert "因果ではありません" in written(things, JA)
    table = things[0].frame.set_index("arm")
    assert np.isnan(table.loc["none", "opened"]), "nothing was sent to them: blank, not 0"
    assert table.loc["mail", "opened"] > 0


def test_a_withheld_effect_shows_its_reasons_and_no_picture():
    found = CASES["customers were chosen"]()
    assert found.not_randomised is not None
    adjusted = replace(
        found.not_randomised.adjusted,
        reasons=("no_overlap", "imbalance_after"),
        doubly_robust=None,
        weighted=None,
        e_value=None,
    )
    things = page.not_randomised(
        replace(found, not_randomised=replace(found.not_randomised, adjusted=adjusted))
    )
    assert "条件の近い未配信の顧客がいない・補正しても" in written(things, JA)
    assert "have no like among those not sent to" in written(things, EN)
    assert "campaign.comparisons_chart" not in [t.id for t in things if isinstance(t, Chart)]
    assert things[1].frame["comparison"].tolist() == ["naive"]


def test_chosen_customers_are_shown_naive_beside_adjusted():
    things = page.not_randomised(CASES["customers were chosen"]())
    table = next(t for t in things if isinstance(t, Table) and t.id == "campaign.comparisons")
    assert table.frame["comparison"].tolist() == ["naive", "weighted", "doubly_robust"]
    assert "そのままの差" in written(things, JA)


@pytest.mark.parametrize(
    ("n", "ja", "en"),
    [
        pytest.param(425, "送ることのできない425人は", "425 not sent to", id="some could not"),
        pytest.param(0, "", "", id="everybody could"),
    ],
)
def test_who_could_not_have_been_sent_to_is_counted_below_the_comparison(n, ja, en):
    found = CASES["customers were chosen"]()
    chosen = replace(found.not_randomised, n_no_consent=n)
    things = page.not_randomised(replace(found, not_randomised=chosen))
    compared = ("campaign.comparisons", "campaign.comparisons_chart")
    notes = [thing.note for thing in things if getattr(thing, "id", "") in compared]
    assert len(notes) == 2
    for note in notes:
        for words, said, word in ((JA, ja, "同意"), (EN, en, "agreed")):
            assert said in words.say(note)
            assert (word in words.say(note)) == (n > 0)
        assert not re.search(r"[.]\S?[A-Z]|  ", EN.say(note))


def test_broken_arms_show_the_check_and_no_effect():
    found = CASES["groups of the wrong size"]()
    things = everything(found)
    checks = next(t for t in things if isinstance(t, Table) and t.id == "campaign.checks")
    assert checks.frame.set_index("check").loc["sample_ratio", "result"] == "sample_ratio.blocks"
    assert "計画と食い違う（判定不可）" in written([checks], JA)
    assert not [t for t in things if isinstance(t, Chart)]
    (finding,) = page.findings(found)
    assert (finding.severity, finding.measure) == ("critical", "fix_assignment")


@pytest.mark.parametrize(
    ("name", "measure", "severity"),
    [
        pytest.param("it pays for everybody", "roll_out_campaign", "opportunity", id="roll out"),
        pytest.param("it raises revenue at a loss", "stop_campaign", "warning", id="stop"),
        pytest.param("it pays in one segment", "send_to_segments", "opportunity", id="segments"),
        pytest.param("unsubscribes beyond the margin", "stop_campaign", "critical", id="harm"),
        pytest.param("no margin on file", "data_fix", "warning", id="no margin"),
    ],
)
def test_what_to_do_follows_the_verdict(name, measure, severity):
    (found,) = page.findings(CASES[name]())
    assert (found.measure, found.severity) == (measure, severity)


def test_the_list_holds_the_customers_of_segments_that_pay():
    (found,) = page.findings(CASES["it pays in one segment"]())
    rows = found.customers.customers
    assert set(rows["segment"]) == {"champions"}
    assert len(rows) == found.facts["customers"].value == 200
    assert (rows["expected_profit"] > 0).all()


@pytest.mark.parametrize("name", ["it raises revenue at a loss", "unsubscribes beyond the margin"])
def test_a_campaign_that_is_stopped_names_nobody_to_send_to(name):
    found = CASES[name]()
    assert page.next_send(found) == []
    assert page.findings(found)[0].customers is None


def test_without_any_campaign_a_sentence_says_so():
    things = everything(None)
    assert len(things) == 2
    assert JA.say(things[0].text) == "評価できる施策の配信がない"
    assert "nothing to judge" in written(things, EN)


DORMANT = {
    "as many came back by themselves": (
        (100, 20),
        (100, 20),
        "「呼び戻した」とはいえません",
        "cannot be called won back",
    ),
    "more came back than by themselves": ((300, 90), (300, 30), "上乗せとみられる", "seems to have added"),
    "none left without it": (
        (100, 20),
        (0, 0),
        "配信がなくても戻った人がどれだけ",
        "would have come back by themselves",
    ),
    "too few left without it": (
        (100, 20),
        (20, 5),
        "配信しなかった顧客の25.0%",
        "of those not sent to 25.0%",
    ),
}


@pytest.mark.parametrize(("sent", "unsent", "ja", "en"), DORMANT.values(), ids=DORMANT)
def test_the_dormant_who_came_back_stand_beside_those_nobody_wrote_to(sent, unsent, ja, en):
    rows = [(1, i < sent[1]) for i in range(sent[0])] + [(0, i < unsent[1]) for i in range(unsent[0])]
    people = pd.DataFrame(rows, columns=["sent", "back"]).astype(int).assign(band="half a year")
    back = rtm.won_back(people, treated="sent", came_back="back", match_on=["band"])
    found = evaluated(chosen=True, randomised=False, control=None, arms=(), guardrails=())
    chosen = replace(found.not_randomised, did=None, no_did="nothing_before", won_back=back)
    shown = page.over_time(replace(found, not_randomised=chosen))
    said = [written(shown, words) for words in (JA, EN)]
    assert ja in said[0]
    assert en in said[1]
    # Why there is no before and after stands in front.
    assert "差の差" in shown[0].html(JA)
    assert ("未配信の休眠顧客（そのまま）" in said[0]) == bool(unsent[0])


@pytest.mark.parametrize(
    ("effect", "error", "ja", "en"),
    [
        pytest.param(-86, 660, "増えたかどうか分からない", "rose is not known", id="-1,388 to +1,217"),
        pytest.param(-900, 100, "売上が減っているため", "Revenue fell", id="fell"),
        pytest.param(86, 660, "粗利率29.1%以上で", "a margin of 29.1%", id="rose, perhaps by chance"),
        pytest.param(86, 10, "粗利率が29.1%以上必要です", "needs a margin of 29.1%", id="rose"),
        pytest.param(5, 660, "増えたかどうか分からない", "is not known", id="too little, by chance"),
        pytest.param(5, 1, "すべてが粗利だったとしても", "Even if all", id="no margin at all"),
    ],
)
def test_what_margin_pays_is_told_as_surely_as_revenue_rose(effect, error, ja, en):
    bounds = (effect - 1.97 * error, effect + 1.97 * error)
    estimate = Estimate(effect, error, *bounds, n_treatment=1000, n_control=400)
    said = profit_said(campaign_profit(estimate, margin_rate=0.6, costs=Costs(send=25))).text
    assert ja in JA.say(said)
    assert en in EN.say(said)


def test_the_programmes_profit_stands_beside_that_of_the_customers_compared():
    found = evaluated(chosen=True, randomised=False, control=None, arms=(), guardrails=())
    chosen = replace(found.not_randomised, n_left_out=3, left_out_cost=15.0)
    profit = chosen.profit.profit
    things = page.money(replace(found, not_randomised=chosen))
    note = next(thing for thing in things if isinstance(thing, Chart)).note
    for words, said in ((JA, "配信費15円も含まない"), (EN, "at ¥15, in the cost")):
        assert said in words.say(note)
        assert words.format(profit - 15, "smoney") in words.say(note)


@pytest.mark.parametrize(
    ("unsubscribed", "margin", "ja", "en"),
    [
        pytest.param(0.2, 0.05, "が許容幅を超えています", "above its margin", id="many left"),
        pytest.param(0.01, 0.05, "は許容幅に収まっています", "within its margin", id="few left"),
        pytest.param(0.05, 0.05, "まだ確かめられていません", "neither shown", id="about as many"),
        pytest.param(0.0, 0.05, "記録が1件もない", "Not recorded", id="nobody wrote it down"),
    ],
)
def test_chosen_customers_who_left_are_shown_beside_the_margin(unsubscribed, margin, ja, en):
    chosen = {"chosen": True, "randomised": False, "control": None, "arms": ()}
    found = evaluated(**chosen, unsubscribed=unsubscribed, guardrails=(("unsubscribed", margin),))
    shown = page.guardrails(found)
    assert ja in written(shown, JA)
    assert en in written(shown, EN)


VOCABULARY = {
    "verdict": (verdict.Verdict,),
    "reason": (verdict.Reason,),
    "reason_said": (verdict.Reason,),
    "grade": (verdict.Grade,),
    "grade_said": (verdict.Grade,),
    "design": (design.Code,),
    "withheld": (observational.Reason, did.Reason, rtm.Reason, synthetic.Reason, verdict.Withheld),
    "method": (comparison.Method,),
    "caution": (comparison.Caution,),
    "guardrail": (guardrail.Outcome,),
    "harm_seen": (harm_seen.Seen,),
    "target": (observational.Target,),
}


@pytest.mark.parametrize("group", VOCABULARY)
def test_every_code_has_a_word_in_both_languages(group):
    codes = {code for kind in VOCABULARY[group] for code in get_args(kind)}
    for lang in ("ja", "en"):
        missing = {code for code in codes if f"campaign_terms.{group}.{code}" not in labels(lang)}
        assert missing == set()


def test_the_words_say_the_probabilities_the_verdict_is_made_by():
    said = labels("ja")["campaign_terms.reason_said.too_uncertain"]
    assert f"{verdict.UNLIKELY:.0%}超{verdict.LIKELY:.0%}未満" in said


@pytest.mark.parametrize(
    ("fact", "ja", "en"),
    [
        pytest.param("balanced", "配信前から群の顧客に違い", "already differed", id="unlike before"),
        pytest.param(
            "alone", "ほかの施策が一方の群に", "Other campaigns reached one group", id="another one"
        ),
    ],
)
def test_groups_that_differ_by_more_than_the_sending_are_told_as_that(fact, ja, en):
    judged = verdict.judge(verdict.Evidence("randomised", np.nan, **{fact: False}))
    found = replace(evaluated(), arms=(), best=None, holdout=None, judged=judged)
    (finding,) = page.findings(found)
    assert finding.measure == "retest_campaign"
    said = [page.message(found), *page.verdict(found), finding]
    assert ja in written(said, JA)
    assert en in written(said, EN)
    assert "enough comparable" not in written(said, EN)


def test_values_of_another_attribute_have_their_names():
    found = evaluated()
    arm = found.arms[0]
    table = arm.segments["segment"].table.assign(segment=["female", "male", "(unknown)"])
    by_sex = replace(arm.segments["segment"], table=table)
    odd = replace(arm, segments={**arm.segments, "sex": by_sex})
    said = written(page.segments(replace(found, arms=(odd,))), JA)
    assert "性別の効果" in said
    assert "女性" in said
    assert "(unknown)" not in said


@pytest.mark.parametrize("simpson", [code for code in get_args(heterogeneity.Simpson) if code != "none"])
def test_segments_that_contradict_the_whole_are_warned_of(simpson):
    found = evaluated()
    arm = found.arms[0]
    odd = replace(arm, segments={"segment": replace(arm.segments["segment"], simpson=simpson)})
    said = written(page.segments(replace(found, arms=(odd,))), JA)
    assert "注意：全体の差" in said


def test_the_measured_profit_is_told_from_the_programmes_where_both_stand_in_the_report():
    found = evaluated()
    alone, beside = page.money(found), page.money(found, programme=True)
    (more,) = (
        thing for thing in beside if isinstance(thing, Note) and thing.text.key.endswith("two_figures")
    )
    assert len(beside) == len(alone) + 1
    profit = found.arms[found.best].profit.profit
    for words in (JA, EN):
        assert words.format(profit, "money") in words.say(more.text)
    assert "来期の計画は偶然を抑えた値で決めます" in JA.say(more.text)


def test_of_chosen_customers_there_is_one_profit():
    """No luck is taken out of what no lot decided."""
    found = CASES["customers were chosen, and many left"]()
    alone, beside = (page.money(found, programme=programme) for programme in (False, True))
    assert any(isinstance(thing, Table) for thing in beside)
    assert [thing.html(JA) for thing in beside if isinstance(thing, Note)] == [
        thing.html(JA) for thing in alone if isinstance(thing, Note)
    ]


MORE = ("配信する人数と対照群を増やすか", "Send to more customers, hold out more")
A_LOT = ("配信の有無を無作為に決めて", "Choose at random")


@pytest.mark.parametrize(
    ("randomised", "details", "way_out"),
    [
        pytest.param(True, ("too_few_buyers",), MORE, id="few bought"),
        pytest.param(True, ("too_few_customers",), MORE, id="few at all"),
        pytest.param(False, ("too_few_buyers",), A_LOT, id="chosen, few bought"),
        pytest.param(False, ("no_overlap",), A_LOT, id="chosen, unlike"),
    ],
)
def test_a_test_that_is_too_small_asks_for_more_customers_not_for_a_lot(randomised, details, way_out):
    judged = verdict.Judged("cannot_say", "diagnostic_failed", "randomised", (), details, 0)
    found = replace(evaluated(), plan=plan(randomised=randomised), arms=(), best=None, judged=judged)
    (finding,) = page.findings(found)
    assert finding.measure == "retest_campaign"
    things = [page.message(found), *page.verdict(found), finding]
    said = {words.lang: written(things, words) for words in (JA, EN)}
    ja, en = way_out
    assert ja in said["ja"]
    assert en in said["en"]
    assert ("comparable customers" in said["en"]) is not randomised
    assert ("条件のそろった顧客" in said["ja"]) is not randomised
    assert ("無作為に決めて" in said["ja"]) is not randomised


def test_a_conclusion_that_hangs_on_the_method_is_said():
    found = evaluated()
    arm = found.arms[found.best]
    effect = arm.effects["revenue"]
    same, *_ = (t for t in page.effects(found) if isinstance(t, Note))
    assert same.text.key == "campaign.adjusted_effects.said.same"
    other = replace(effect.cuped, estimate=replace(effect.cuped.estimate, lower=-1.0, upper=1.0))
    effects = {**arm.effects, "revenue": replace(effect, cuped=other)}
    arms = tuple(replace(a, effects=effects) if a is arm else a for a in found.arms)
    differs, *_ = (t for t in page.effects(replace(found, arms=arms)) if isinstance(t, Note))
    assert "結論が変わる指標があります（売上）" in JA.say(differs.text)


def test_a_test_many_times_larger_is_no_plan():
    found = evaluated(lift=(30.0, 30.0, 30.0))
    arm = found.arms[found.best]
    judged = replace(found.judged, verdict="keep_testing")
    n = arm.effects["revenue"].estimate.n_treatment + arm.effects["revenue"].estimate.n_control
    for total, case in ((n, "enough"), (n + 1, "needed"), (11 * n, "far")):
        needed = SimpleNamespace(total=total, n_treatment=total // 2, n_control=total - total // 2)
        arms = tuple(replace(a, needed=needed) if a is arm else a for a in found.arms)
        *_, said = page.power(replace(found, arms=arms, judged=judged))
        assert said.text.key == f"campaign.power.{case}"
    assert "今回の11倍の人数が必要で、現実的ではありません" in JA.say(said.text)
