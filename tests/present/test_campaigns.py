"""The programme chapter: sentences by case, numbers that stand in its tables, a log that is carried on."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest

from crmreport.analysis.campaign.money import Costs
from crmreport.analysis.campaign.plan import Area
from crmreport.present import Chart, Finding, Note, Table, Words
from crmreport.present import campaigns as page
from crmreport.present.style import Style
from tests.analysis.campaign.programmes import evaluated, orders, plan, programme_of, sends_of

OWN = {
    "campaign_name.earns": "詰め替えのご案内",
    "campaign_hypothesis.earns": "案内を受けた顧客は{早く}買う",
    "campaign_next.earns": "毎月の定番にする",
}
JA, EN = Words("ja", own=OWN), Words("en", own=OWN)

EARNS = evaluated(plan("earns", "2026-08-03"), 10.0, verdict="roll_out", reason="profit_likely")
FINE = evaluated(plan("fine", "2026-08-05"), 9.0, verdict="roll_out", reason="profit_likely")
LOSES = evaluated(plan("loses", "2026-08-10"), 0.1, 0.2, verdict="stop", reason="profit_unlikely")
COSTLY = evaluated(
    plan("costly", "2026-08-12", costs=Costs(send=40)), 9.0, verdict="stop", reason="profit_unlikely"
)
UNSURE = evaluated(plan("unsure", "2026-09-01"), 2.5, 1.0)
VAGUE = evaluated(plan("vague", "2026-10-01"), 2.0, 1.0)
BLIND = evaluated(plan("blind", "2026-10-05"))
RUNS = evaluated(plan("runs", "2026-10-25"), 9.0, running=True, reason="still_running")
ALL = (EARNS, LOSES, UNSURE, BLIND, RUNS)
DESCRIBED = [SimpleNamespace(id="earns", hypothesis={"ja": "案内を受けた顧客は{早く}買う", "en": "Sooner"},
                             next_action={"ja": "毎月の定番にする", "en": "Monthly"})]  # fmt: skip

MESSAGES = {
    "no campaign has a plan": ((), (), "計画が登録されておらず", "No campaign has a plan on file"),
    "nothing ran": (
        (),
        (plan("old", "2025-01-01"),),
        "直近3か月に実施した施策はない",
        "No campaign ran in the last 3 months",
    ),
    "all still run": ((RUNS,), None, "1本は、すべて集計期間の途中", "still being measured"),
    "none can be judged": (
        (BLIND, RUNS),
        None,
        "2本の施策を実施したが、利益を判定できたものはない",
        "not one profit",
    ),
    "some profit, all profit": (
        (EARNS, FINE),
        None,
        "利益が確認できたのは2本、全体では",
        "2 proved profitable, and all together",
    ),
    "some profit, all loss": (
        (EARNS, COSTLY),
        None,
        "利益が確認できたのは1本、全体では",
        "but all together lost",
    ),
    "nobody earns, a loss": (
        (LOSES,),
        None,
        "利益が確認できた施策はなく、全体では",
        "none proved profitable, and all together lost",
    ),
    "nobody knows": ((UNSURE,), None, "黒字とも赤字ともいえない", "overall neither profit nor loss is shown"),
}


@pytest.mark.parametrize(("evaluations", "plans", "ja", "en"), MESSAGES.values(), ids=MESSAGES)
def test_message(evaluations, plans, ja, en):
    found = programme_of(evaluations, plans=plans)
    text = page.message(found).text
    assert ja in JA.say(text)
    assert en in EN.say(text)


def cell(tables: dict[str, Table], table: str, row: tuple, column: str):
    frame = tables[table].frame
    keys = frame[list(tables[table].row_key)].astype(str).agg("|".join, axis=1)
    (value,) = frame.loc[keys == "|".join(map(str, row)), column]
    return value


def everything(found) -> list:
    return [
        *page.kpi(found),
        *page.worth(found),
        *page.every_campaign(found),
        *page.together(found),
        *page.overlap(found),
        *page.pressure(found),
        *page.log(found, DESCRIBED),
    ]


PROGRAMMES = {
    "all kinds": ALL,
    "one that earns": (EARNS,),
    "two losses": (LOSES, COSTLY),
    "none judged": (BLIND,),
    "only running": (RUNS,),
    "nothing": (),
}


@cache
def overlapping(name: str):
    """One of the programmes, its campaigns sent to the same customers."""
    evaluations = PROGRAMMES[name]
    run = [evaluation.plan for evaluation in evaluations]
    lines = orders(*[(f"c{i}", day, 100.0 + i) for i in range(16) for day in ("2026-08-12", "2026-10-06")])
    sends = sends_of(run, customers=16)
    # One customer is left out of the last campaign.
    left_out = (sends["customer_id"] == "c0") & (sends["campaign_id"] == (run[-1].campaign_id if run else ""))
    return programme_of(evaluations, sends=sends[~left_out], lines=lines)


@pytest.mark.parametrize("name", PROGRAMMES)
@pytest.mark.parametrize("words", [JA, EN], ids=["ja", "en"])
def test_everything_is_shown_in_both_languages(words, name):
    found = overlapping(name)
    things = [*everything(found), *page.findings(found)]
    for thing in things:
        html = thing.html(words, Style()) if isinstance(thing, Chart) else thing.html(words)
        assert "nan" not in html.split("base64")[0]
    ids = [thing.id for thing in things if isinstance(thing, Table)]
    assert len(set(ids)) == len(ids)
    charts = [thing for thing in things if isinstance(thing, Chart)]
    assert name != "nothing" or not charts, "no empty chart"


WITHHELD = {
    "one told": ([None, None, "picks_other", "picked_by_other"], ["same", "picked"]),
    "one of each": (["same_customers"] * 2 + ["picks_other", "picked_by_other"], ["inseparable", "picked"]),
    "only picked": (["picks_other", "picked_by_other"], ["picked"]),
}


@pytest.mark.parametrize(("withheld", "notes"), WITHHELD.values(), ids=WITHHELD)
def test_why_effects_are_not_told_apart(withheld, notes):
    blank = [None if why else 1.0 for why in withheld]
    pairs = pd.DataFrame(
        {
            "campaign_id": ["a", "b", "c", "d"][-len(withheld) :],
            "other_id": ["b", "a", "d", "c"][-len(withheld) :],
            "customers": 200,
            "both": 100,
            **{name: pd.Series(blank, dtype="float64") for name in ("plain", "apart")},
            **{f"apart_{end}": pd.Series(blank, dtype="float64") for end in ("lower", "upper")},
            "withheld": withheld,
        }
    )
    shown = page.overlap(replace(overlapping("all kinds"), apart=pairs))[2:]
    assert [thing.text.key for thing in shown if isinstance(thing, Note)] == [
        f"campaigns.apart.{note}" for note in notes
    ]
    for words in (JA, EN):
        assert all(thing.html(words) for thing in shown)
    said = EN.say(shown[-2].text)
    assert "list of “d” differs between those sent “c”" in said


def test_a_campaign_with_an_unplanned_arm_is_told_with_the_arm_and_what_to_do():
    blind = evaluated(plan("blind", "2026-10-05"), verdict="cannot_say", reason="not_evaluable")
    found = programme_of([EARNS, replace(blind, judged=replace(blind.judged, details=("maill",)))])
    *_, note = (thing for thing in page.every_campaign(found) if isinstance(thing, Note))
    assert "群「maill」が計画にない" in JA.say(note.text)
    assert "names the arm “maill”" in EN.say(note.text)
    (finding,) = (f for f in page.findings(found) if f.id == "campaigns.untested")
    assert (finding.measure, finding.case) == ("data_fix", "arms")
    for words in (JA, EN):
        assert finding.html(words)
    assert cell({t.id: t for t in page.log(found, ()) if isinstance(t, Table)}, "campaigns.pdca", ("blind",),
                "next_action_key") == "not_evaluable"  # fmt: skip


def test_nothing_ran_is_told_once():
    found = programme_of((), plans=(plan("old", "2025-01-01"),))
    (note,) = everything(found)
    assert isinstance(note, Note)
    assert "ありません" in JA.say(note.text)
    assert page.findings(found) == []


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_number_of_a_finding_stands_in_its_table(name):
    found = overlapping(name)
    tables = {t.id: t for t in everything(found) if isinstance(t, Table)}
    for finding in page.findings(found):
        for name, fact in finding.facts.items():
            if fact.cell is not None:
                value = cell(tables, fact.cell.table, fact.cell.row, fact.cell.column)
                assert value == fact.value, (finding.id, name)


def test_the_messages_and_notes_numbers_stand_in_the_tables():
    found = overlapping("all kinds")
    things = everything(found)
    tables = {t.id: t for t in things if isinstance(t, Table)}
    said = page.message(found).text.values
    assert said["campaigns"] == len(tables["campaigns.every"].frame)
    assert said["profit"] == cell(tables, "campaigns.groups", ("total",), "profit")
    assert said["earning"] == cell(tables, "campaigns.groups", ("earning",), "campaigns")
    notes = {thing.text.key: thing.text.values for thing in things if isinstance(thing, Note)}
    luck = notes["campaigns.luck.pulled"]
    assert luck["profit"] == cell(tables, "campaigns.worth", (luck["best"],), "profit")
    assert luck["shrunk"] == cell(tables, "campaigns.worth", (luck["best"],), "shrunk_profit")
    (total,) = (notes[key] for key in notes if key.startswith("campaigns.total."))
    for ours, column in (
        ("profit", "profit"),
        ("lower", "profit_lower"),
        ("margin", "margin"),
        ("cost", "cost"),
    ):
        assert total[ours] == cell(tables, "campaigns.groups", ("total",), column)
    counted = notes["campaigns.counted.overlap"]
    assert counted["sum"] == cell(tables, "campaigns.counted", ("_sum",), "revenue")
    assert counted["once"] == cell(tables, "campaigns.counted", ("_once",), "revenue")
    assert counted["inflation"] == pytest.approx(counted["sum"] / counted["once"])
    assert cell(tables, "campaigns.counted", ("earns",), "cost") == cell(
        tables, "campaigns.worth", ("earns",), "cost"
    )
    (alone,) = page.overlap(overlapping("one that earns"))
    assert alone.frame["campaign_id"].tolist() == ["earns"], "nothing to add up"
    pressed = notes["campaigns.pressure.busiest_most"]
    assert pressed["most_share"] == cell(tables, "campaigns.pressure", (pressed["most"],), "customer_share")
    assert pressed["sent_share"] == cell(tables, "campaigns.pressure", (pressed["group"],), "sent_share")
    verdicts = tables["campaigns.every"].frame["verdict"].tolist()
    told = notes["campaigns.every.said"]
    assert {name: told[name] for name in ("roll_out", "stop", "keep_testing", "cannot_say")} == {
        name: verdicts.count(name) for name in ("roll_out", "stop", "keep_testing", "cannot_say")
    }
    carried = notes["campaigns.pdca.older"]
    assert carried["n"] == cell(tables, "campaigns.statuses", ("next",), "campaigns")
    assert carried["older"] == cell(tables, "campaigns.statuses", ("carried",), "campaigns")


def test_the_key_figures_are_those_of_the_tables():
    tables = {t.id: t for t in everything(overlapping("all kinds")) if isinstance(t, Table)}
    key = {row["kpi"]: row for row in tables["campaigns.kpi"].frame.to_dict("records")}
    assert list(key) == ["programme_profit", "programme_cost", "campaigns_judged", "customers_reached"]
    total = {
        name: cell(tables, "campaigns.groups", ("total",), name) for name in tables["campaigns.groups"].frame
    }
    profit, cost = key["programme_profit"], key["programme_cost"]
    assert (profit["value"], profit["lower"]) == (total["profit"], total["profit_lower"])
    assert profit["upper"] == total["profit_upper"]
    assert cost["value"] == total["cost"]
    assert cost["detail_value"] == cell(tables, "campaigns.groups", ("losing",), "cost_share")
    known = tables["campaigns.every"].frame["profit"].notna()
    judged = key["campaigns_judged"]
    assert (judged["value"], judged["detail_value"]) == (known.sum(), len(known)) == (3, 5)
    pressed = tables["campaigns.pressure"]
    assert key["customers_reached"]["value"] == pressed.totals["customers"]


@pytest.mark.parametrize(
    ("name", "kpis"),
    [
        ("none judged", ["programme_cost", "campaigns_judged", "customers_reached"]),
        ("only running", ["campaigns_judged", "customers_reached"]),
        ("nothing", []),
    ],
)
def test_what_nobody_knows_yet_is_no_key_figure(name, kpis):
    tables = page.kpi(overlapping(name))
    assert [kpi for table in tables for kpi in table.frame["kpi"]] == kpis


def test_the_measured_and_the_planned_figure_of_the_best_stand_in_one_sentence():
    _, luck, table = page.worth(overlapping("all kinds"))
    best = table.frame.set_index("campaign_id").loc[luck.text.values["best"]]
    for words in (JA, EN):
        said = words.say(luck.text)
        assert words.format(best["profit"], "money") in said
        assert said.count(words.format(best["shrunk_profit"], "money")) == 2
    assert "判定には測定値を、来期の計画には" in JA.say(luck.text)


def test_margin_and_cost_of_the_total_are_written_with_the_digits_their_difference_needs():
    found = programme_of([EARNS])
    close = replace(found.total, revenue=1_334_150.0, cost=1_306_000.0, profit=28_150.0)
    (total,) = (
        thing.text
        for thing in page.together(replace(found, total=close))
        if isinstance(thing, Note) and thing.text.key.startswith("campaigns.total.")
    )
    assert "1,334千円に対し、費用は1,306千円" in JA.say(total)
    assert "¥1,334 thousand of margin gained at a cost of ¥1,306 thousand" in EN.say(total)


def test_a_campaign_without_a_profit_has_a_blank():
    _, table = page.every_campaign(programme_of([BLIND]))
    html = table.html(JA)
    assert html.count("–") == 3
    assert "人数が計画と不一致" in html


def found_of(found, name: str) -> Finding:
    return next(finding for finding in page.findings(found) if finding.id == f"campaigns.{name}")


FINDINGS = {
    "one loss": ((EARNS, LOSES), "losing", "one", 950.0),
    "several losses": ((EARNS, LOSES, COSTLY), "losing", "several", 36450.0),
    "one cannot be judged": ((EARNS, BLIND), "untested", "one", None),
    "several cannot": ((BLIND, evaluated(plan("dark"))), "untested", "several", None),
    "one that cost nothing": ((EARNS, evaluated(plan("dark", costs=Costs()))), "untested", "free", None),
    "open since this month": ((VAGUE,), "carried", "new", None),
    "open for longer": ((VAGUE, UNSURE), "carried", "older", None),
}


@pytest.mark.parametrize(("evaluations", "name", "case", "money"), FINDINGS.values(), ids=FINDINGS)
def test_findings(evaluations, name, case, money):
    finding = found_of(programme_of(evaluations), name)
    assert finding.case == case
    assert finding.money == (None if money is None else pytest.approx(money))
    for words in (JA, EN):
        assert all(finding.text(words).values())


def test_of_several_losses_the_largest_is_named():
    assert found_of(programme_of((EARNS, LOSES, COSTLY)), "losing").facts["worst"].value == "costly"


def test_a_settled_programme_has_no_finding():
    assert page.findings(programme_of([EARNS, FINE])) == []


def test_the_log_says_hypothesis_result_and_next_action():
    (note, _, log) = page.log(programme_of(ALL), DESCRIBED)
    html = log.html(JA)
    assert "案内を受けた顧客は{早く}買う" in html
    assert "毎月の定番にする" in html
    assert "割り付けの不具合を直し、もう一度実施する" in html, "no words of the client: by reason"
    assert "集計期間の終了を待って判定する" in html
    assert log.frame["campaign_id"].tolist() == ["earns", "loses", "unsure", "blind", "runs"]
    assert "2本" in JA.say(note.text)


def unlike(found, **changes):
    """A programme of one campaign, planned or compared otherwise."""
    (one,) = found.evaluations
    compared = changes.pop("not_randomised", None)
    return replace(
        found, evaluations=(replace(one, plan=replace(one.plan, **changes), not_randomised=compared),)
    )


COMPARED = SimpleNamespace(adjusted=SimpleNamespace(naive=SimpleNamespace(n_control=1475)))
CHOSEN = {"randomised": False, "control": None, "arms": {}}


@pytest.mark.parametrize(
    ("changes", "ja", "en"),
    [
        pytest.param({}, "対象を増やすか期間を延ばし", "with more customers", id="drawn by lot"),
        pytest.param(CHOSEN, "配信する顧客と対照群を抽選で分け", "Draw by lot who is sent to", id="chosen"),
        pytest.param(
            CHOSEN | {"kind": "area", "area": Area("store_id", ("Nagoya",))},
            "抽選で選んだ数か所で", "several places at once", id="in one place",
        ),
    ],
)  # fmt: skip
def test_only_where_a_lot_decided_are_more_customers_the_next_step(changes, ja, en):
    (*_, log) = page.log(unlike(programme_of((UNSURE,)), **changes), ())
    assert ja in log.html(JA)
    assert en in log.html(EN)


IN_A_PLACE = CHOSEN | {"kind": "area", "area": Area("store_id", ("Nagoya",))}


@pytest.mark.parametrize(
    ("changes", "reason", "details", "advice", "measure", "ja", "en"),
    [
        pytest.param({}, "groups_differ", (), "hold_out", "retest_campaign",
                     "対照群を無作為に決めて", "a control group chosen at random", id="drawn, groups differ"),
        pytest.param({}, "diagnostic_failed", ("too_few_buyers",), "more", "retest_campaign",
                     "配信人数や対照群を増やすか", "a larger control", id="drawn, too few"),
        pytest.param(CHOSEN, "diagnostic_failed", ("too_few_buyers",), "hold_out", "retest_campaign",
                     "対照群を無作為に決めて", "a control group chosen at random", id="chosen, too few"),
        pytest.param(IN_A_PLACE, "diagnostic_failed", ("few_donors",), "places", "retest_places",
                     "実施場所を抽選で決め", "Draw by lot where it runs", id="in one place"),
        pytest.param({}, "assignment_broken", (), "repair", "fix_assignment",
                     "割り付けの不具合を直し", "Repair the assignment", id="broken"),
        pytest.param(IN_A_PLACE, "no_profit_known", (), "margin", "data_fix",
                     "粗利率を登録して", "margin rate on file", id="no margin"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_done_again_as_it_can_be(changes, reason, details, advice, measure, ja, en):
    blind = evaluated(plan("blind", "2026-10-05"), verdict="cannot_say", reason=reason)
    blind = replace(blind, judged=replace(blind.judged, details=details))
    found = unlike(programme_of((blind,)), **changes)
    finding = found_of(found, "untested")
    assert (finding.facts["advice"].value, finding.measure) == (advice, measure)
    (*_, log) = page.log(found, ())
    for words, said in ((JA, ja), (EN, en)):
        assert said in log.html(words)
        assert words.label(f"campaigns.untested_advice.{advice}") in finding.text(words)["do_what"]


def test_the_money_bought_in_the_windows_has_a_unit():
    sent = next(t for t in page.overlap(programme_of(ALL)) if isinstance(t, Table))
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', sent.html(JA))
    (bought,) = (head for head in heads if head.startswith("期間中の購入金額"))
    assert re.search("（(円|千円|百万円)）", bought)


def test_findings_name_the_campaigns_they_ask_something_of():
    dark = evaluated(plan("dark"), verdict="cannot_say", reason="no_control")
    found = {f.id: f for f in page.findings(programme_of((EARNS, LOSES, COSTLY, BLIND, dark, VAGUE)))}
    losing = found["campaigns.losing"]
    assert losing.campaigns == {"loses": pytest.approx(950.0), "costly": pytest.approx(35500.0)}
    assert losing.money == pytest.approx(sum(losing.campaigns.values()))
    # Of those nobody can judge, the ones the advice mends; whoever is open is carried to the next month.
    assert [*found["campaigns.untested"].campaigns] in (["blind"], ["dark"])
    assert {*found["campaigns.carried"].campaigns} == {"blind", "dark", "vague"}


@pytest.mark.parametrize(
    ("changes", "held_out"),
    [
        pytest.param({}, 1000, id="held out by lot"),
        pytest.param(CHOSEN | {"not_randomised": COMPARED}, 1475, id="chosen: those compared with"),
        pytest.param(CHOSEN, None, id="nobody to compare with"),
    ],
)
def test_the_table_of_sendings_counts_whom_a_campaign_is_compared_with(changes, held_out):
    (sent,) = page.overlap(unlike(programme_of((UNSURE,)), **changes))
    (shown,) = sent.frame["held_out"]
    assert (None if pd.isna(shown) else shown) == held_out


def test_the_logs_csv_opens_the_next_months_log():
    (_, _, log) = page.log(programme_of(ALL), DESCRIBED)
    frame = log.frame.set_index("campaign_id")
    assert frame.loc["earns", "hypothesis_en"] == "Sooner"
    assert pd.isna(frame.loc["unsure", "hypothesis_ja"])
    assert frame["status"].to_dict() == {
        "earns": "settled", "loses": "settled", "unsure": "carried", "blind": "open", "runs": "running",
    }  # fmt: skip
    assert log.csv().startswith("campaign_id,start,window_end,verdict,")


def test_one_campaign_is_not_shrunk():
    things = page.worth(programme_of([EARNS]))
    assert "偶然を抑えた値は測定値と同じです" in JA.say(things[1].text)


def shop(last: str):
    """One order a day up to the last day of the data."""
    days = pd.date_range("2026-08-01", last)
    return orders(*[("c0", day.date().isoformat(), 10.0) for day in days])


@pytest.mark.parametrize(
    ("last", "notes"),
    [pytest.param("2026-10-31", 0, id="complete"), pytest.param("2026-10-15", 1, id="16 days unseen")],
)
def test_data_that_end_before_the_period_are_told(last, notes):
    found = page.data_end(programme_of([EARNS], lines=shop(last)))
    assert len(found) == notes
    assert all("購買データがそろってから" in JA.say(note.text) for note in found)


def test_small_groups_are_masked():
    table = next(t for t in page.pressure(overlapping("all kinds")) if isinstance(t, Table))
    assert table.masked().masked_rows == 1
