from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.migration import migration_since
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import segment_table
from crmreport.present import Note, Style, Words
from crmreport.present import rfm as page
from crmreport.segment_file import load_segments
from tests.analysis.shops import shop

AS_OF, THEN = date(2026, 10, 31), date(2025, 10, 31)


def result(name: str = "standard", lines=None):
    table = rfm_table(shop(150, 900) if lines is None else lines, as_of=AS_OF)
    return segment_table(score_rfm(table), load_segments(name))


@pytest.mark.parametrize("name", ["standard", "japanese"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_everything_can_be_said_and_drawn(lang, name):
    found = result(name)
    groups = page.targets(found)
    moved = migration_since(
        shop(150, 900), table=found.scores.table, segments=load_segments(name), as_of=THEN
    )
    chart, table = page.migration(moved)
    words = Words(lang)
    things = [
        page.message(found, groups),
        page.segment_table(found),
        page.target_table(found, groups),
        page.cut_table(found),
        table,
        *page.notes(found, groups),
        *page.findings(found, groups),
    ]
    assert all("{" not in thing.html(words) for thing in things)
    for one in (page.segment_chart(found, groups), page.heat_map(found), chart):
        assert "{" not in words.say(one.title) + words.say(one.alt) + words.say(one.note)
        assert one.picture(words, Style()) == one.picture(words, Style())


def test_targets_are_counted_from_their_customers():
    found = result()
    groups = page.targets(found)
    both = found.row("at_risk")["customers"] + found.row("cant_lose")["customers"]
    assert groups.value("drifting", "customers") == both == len(groups.members["drifting"])
    assert groups.value("valuable", "revenue") == pytest.approx(found.row("champions")["revenue"])
    assert (groups.members["first_time"]["frequency"] == 1).all()


def test_money_of_a_long_look_back_is_put_per_year():
    found = result()
    groups = page.targets(found)
    first = pd.Timestamp(shop(150, 900)["order_date"].min()).date()
    years = ((AS_OF - first).days + 1) / 365.25
    assert groups.value("drifting", "revenue_per_year") == pytest.approx(
        groups.value("drifting", "revenue") / years, rel=0.02
    )


def test_findings_name_their_cells_and_customers():
    found = result()
    groups = page.targets(found)
    table = page.target_table(found, groups)
    findings = page.findings(found, groups)
    assert [f.id for f in findings] == ["rfm.drifting", "rfm.valuable", "rfm.first_time"][: len(findings)]
    for finding in findings:
        assert len(finding.customers.customers) == finding.facts["n"].value
        for fact in finding.facts.values():
            row = table.frame[table.frame["group"] == fact.cell.row[0]]
            assert row[fact.cell.column].iloc[0] == fact.value
            assert fact.cell.column in {column.name for column in table.columns}


def test_message_without_anyone_drifting():
    day = pd.to_datetime(["2026-10-31"] * 20)
    ids = [f"c{i:02d}" for i in range(20)]
    lines = pd.DataFrame({"customer_id": ids, "order_id": ids, "order_date": day, "revenue": range(1, 21)})
    found = result(lines=lines.astype({"revenue": float}))
    message = page.message(found, page.targets(found))
    assert Words("en").say(message.text) == "20 buyers sorted by recency, frequency and value"


def test_unused_scores_are_blank_and_named():
    found = result()
    table = page.cut_table(found)
    unused = found.scores.cuts.frequency.unreachable
    blank = table.frame.loc[table.frame["frequency_edge"].isna(), "score"]
    assert set(blank) == set(unused)
    said = Words("en").say(table.note)
    assert all(f"F{score}" in said for score in unused)


def test_no_year_ago_is_said():
    (note,) = page.migration(None)
    assert isinstance(note, Note)
    assert "not shown" in Words("en").say(note.text)


OWN_MAP = """bins: 3
segments:
  vip: {r: 3, f: 3}
  regular: [{r: 2-3, f: 2}, {r: 2, f: 3}]
  fading: {r: 1, f: 2-3}
  fresh: {r: 3, f: 1}
  gone: {r: 1-2, f: 1}
names:
  vip: {ja: 上得意, en: Top}
  regular: {ja: 常連, en: Regulars}
  fading: {ja: 離れかけ, en: Fading}
  fresh: {ja: はじめて, en: First-timers}
  gone: {ja: ごぶさた, en: Long gone}
"""


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_clients_own_map_is_told_in_its_own_names(tmp_path, lang):
    (tmp_path / "own.yml").write_text(OWN_MAP, encoding="utf-8")
    own = load_segments("own.yml", folder=tmp_path)
    words = Words(lang, own={f"segment.{name}": said[lang] for name, said in own.names.items()})
    table = rfm_table(shop(150, 900), as_of=AS_OF)
    found = segment_table(score_rfm(table, bins=own.bins), own)
    groups = page.targets(found)
    assert groups.value("valuable", "customers") == found.row("vip")["customers"]
    assert groups.value("drifting", "customers") == found.row("fading")["customers"]
    assert own.names["vip"][lang] in page.segment_table(found).html(words)
    assert own.names["fading"][lang] in page.target_table(found, groups).html(words)
    assert own.names["gone"][lang] in page.migration_table(
        migration_since(shop(150, 900), table=table, segments=own, as_of=THEN)
    ).html(words)
    for one in (page.segment_chart(found, groups), page.heat_map(found)):
        assert one.picture(words, Style())[1]
    assert {f.id for f in page.findings(found, groups)} <= {"rfm.drifting", "rfm.valuable", "rfm.first_time"}


def test_a_map_without_roles_still_makes_a_chapter(tmp_path):
    text = "bins: 2\nsegments: {all_of_them: {r: 1-2, f: 1-2}}\nnames: {all_of_them: {ja: 全員, en: All}}\n"
    (tmp_path / "own.yml").write_text(text, encoding="utf-8")
    own = load_segments("own.yml", folder=tmp_path)
    words = Words("ja", own={"segment.all_of_them": "全員"})
    found = segment_table(score_rfm(rfm_table(shop(50, 200), as_of=AS_OF), bins=2), own)
    groups = page.targets(found)
    assert words.say(page.message(found, groups).text).startswith("購入者")
    assert "足が遠のいた" not in words.say(page.segment_chart(found, groups).note)
    assert page.findings(found, groups) == []
    assert "全員" in page.segment_table(found).html(words)
    assert page.target_table(found, groups).html(words)


def test_one_customer_is_one_customer():
    rows = [("a", 0), ("a", 1), ("b", 40), ("c", 80), ("d", 120), ("e", 300), ("e", 310), ("e", 320)]
    lines = pd.DataFrame(
        {
            "customer_id": [c for c, _ in rows],
            "order_id": [str(i) for i in range(len(rows))],
            "order_date": [pd.Timestamp(AS_OF) - pd.Timedelta(days=d) for _, d in rows],
            "revenue": 100.0,
        }
    )
    found = result(lines=lines)
    chart = page.segment_chart(found, page.targets(found))
    assert Words("en").say(chart.title) == "Repeat buyers gone quiet: 1 customer and 37.5% of revenue"
    assert "customers customers" not in Words("en").say(page.heat_map(found).title)
