"""What differs between two reports, and whether the reason told is the reason there was."""

from __future__ import annotations

import html
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmreport.errors import RunError
from crmreport.intake.forgotten import add_forgotten
from crmreport.produce.diff.compare import Diff, diff
from crmreport.produce.diff.page import diff_page
from crmreport.produce.diff.words import view
from crmreport.produce.planning.ingredients import House
from tests.produce.chapters import finding, message, table, write_shop
from tests.produce.published import ITEMS, publish_shop, rewrite

HOUSE = House(
    code={"analysis": "sha256:1"},
    environment={"pandas": "3.1.1"},
    rendering={"templates/a.css": "sha256:2"},
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "home")


def saved(root: Path, name: str, **made) -> Path:
    """Publish a report and keep a copy of it."""
    made.setdefault("house", HOUSE)
    return shutil.copytree(publish_shop(root, **made), root / "saved" / name)


def shows(csv: str, table_id: str = "sales.kpi") -> dict:
    return {**ITEMS, "sales": [table(table_id, csv)]}


def tables(root: Path, before: str, after: str) -> Diff:
    """The difference of two reports that show one table each."""
    return diff(saved(root, "a", items=shows(before)), saved(root, "b", items=shows(after)))


def test_two_runs_of_the_same_are_the_same(root):
    found = diff(saved(root, "a", seconds=1.0), saved(root, "b", seconds=9.0))
    assert found.same
    assert found.same_numbers
    assert view(found, "en", most_cells=9).verdict.startswith("The two reports are the same")


# Why


@pytest.mark.parametrize(
    ("house", "why"),
    [
        pytest.param({"code": {"analysis": "sha256:9"}}, "package source: analysis changed", id="code"),
        pytest.param({"environment": {"pandas": "3.2"}}, "environment: pandas 3.1.1 → 3.2", id="a package"),
        pytest.param(
            {"rendering": {"templates/a.css": "sha256:9"}}, "template: a.css changed", id="the template"
        ),
    ],
)
def test_another_house_with_the_same_numbers(root, house, why):
    parts = {"code": HOUSE.code, "environment": HOUSE.environment, "rendering": HOUSE.rendering}
    found = diff(saved(root, "a"), saved(root, "b", house=House(**{**parts, **house})))
    assert [str(c) for c in found.causes] == [why]
    assert found.same_numbers
    assert not found.same
    assert view(found, "en", most_cells=9).verdict == "All numbers, findings and headlines are the same."


def test_data_with_its_rows(root):
    a = saved(root, "a")
    rewrite(root / "clients" / "shop" / "data" / "orders.csv", "500\n", "500\nc3,o4,2026-10-05,70\n")
    found = diff(a, saved(root, "b", items=shows("kpi,value\nrevenue,3070\n")))
    shown = view(found, "en", most_cells=9)
    assert shown.why == ("data: data/orders.csv changed (3 → 4 rows)",)
    assert [str(cause) for cause in found.causes] == list(shown.why), "for machines as for people"
    assert view(found, "ja", most_cells=9).why == ("データ：data/orders.csvが変わりました（3行 → 4行）",)
    assert shown.counts == (
        ("data/orders.csv", "3", "4", "+33.3%"),
        ("Order lines: lines read", "3", "4", "+33.3%"),
        ("Order lines: kept", "3", "4", "+33.3%"),
    )
    assert shown.warnings == ()


def test_corrected_data_with_as_many_rows(root):
    a = saved(root, "a")
    rewrite(root / "clients" / "shop" / "data" / "orders.csv", "500\n", "600\n")
    found = diff(a, saved(root, "b"))
    assert view(found, "en", most_cells=9).why == ("data: data/orders.csv changed (still 3 rows)",)
    assert view(found, "ja", most_cells=9).why == (
        "データ：data/orders.csvが変わりました（行数は3行で変わらず）",
    )


def test_a_file_more_and_a_file_less(root):
    a = saved(root, "a")
    settings = root / "clients" / "shop" / "client.yml"
    old = settings.parent / "data" / "orders.csv"
    rewrite(settings, "data/orders.csv", "data/orders2.csv")
    old.rename(old.with_name("orders2.csv"))
    found = diff(a, saved(root, "b"))
    assert {str(cause) for cause in found.causes if cause.kind == "data"} == {
        "data: data/orders.csv is gone (3 rows)",
        "data: data/orders2.csv is new (3 rows)",
    }


def test_a_new_title_moves_no_number(root):
    a = saved(root, "a")
    rewrite(
        root / "clients" / "shop" / "client.yml", "quality]", "quality]\n    title: {ja: 分析, en: Review}"
    )
    rewrite(root / "clients" / "shop" / "data" / "orders.csv", "500\n", "600\n")
    shown = view(diff(a, saved(root, "b", items=shows("kpi,value\nrevenue,3100\n"))), "en", most_cells=9)
    assert "report settings: title.en is new" in shown.why
    assert shown.warnings == (), "it is not one of several things that may have moved it"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param(
            "quality]",
            "quality]\n    parameters: {decile: {window_months: 24}}",
            "parameter: decile.window_months 12 → 24",
            id="a parameter",
        ),
        pytest.param(
            "reports:",
            "policies: {purchase_unit: order}\nreports:",
            "client settings: policies.purchase_unit customer_day → order",
            id="a policy",
        ),
    ],
)
def test_a_setting_is_told_with_both_values(root, old, new, why):
    a = saved(root, "a")
    rewrite(root / "clients" / "shop" / "client.yml", old, new)
    assert view(diff(a, saved(root, "b")), "en", most_cells=9).why == (why,)


def test_forgotten_customers_are_named_as_a_cause(root):
    a = saved(root, "a")
    add_forgotten(root / "clients" / "shop", ["c2"], at=datetime(2026, 11, 22, tzinfo=UTC))
    found = diff(a, saved(root, "b", items=shows("kpi,value\nrevenue,1000\n")))
    assert view(found, "en", most_cells=9).why == ("forgotten customers: 0 → 1",)
    assert view(found, "ja", most_cells=9).why == ("消去請求のあった顧客数：0 → 1",)
    assert not found.unexplained


def test_a_cause_stands_only_at_the_tables_of_its_chapter(root):
    a = saved(root, "a")
    rewrite(root / "notebooks" / "decile.ipynb", "上位10%", "上位一割")
    changed = {
        "sales": [table("sales.kpi", "kpi,value\nrevenue,1\n")],
        "decile": [table("decile.deciles", "decile,revenue\n1,2500\n2,500\n")],
    }
    found = diff(a, saved(root, "b", items={**ITEMS, **changed}))
    causes = {t.id: [str(c) for c in t.causes] for t in found.tables}
    assert causes == {"decile.deciles": ["chapter: decile.ipynb changed"], "sales.kpi": []}
    assert found.unexplained == ("sales",)


def test_other_periods(root):
    found = diff(saved(root, "a", period="2026-09"), saved(root, "b"))
    shown = view(found, "ja", most_cells=9)
    assert shown.between == "花田商店：2026年9月 と 2026年10月"
    assert shown.why == ("対象期間：2026-09 → 2026-10",)


def test_numbers_that_differ_without_a_cause_are_told(root):
    found = tables(root, "kpi,value\nrevenue,1\n", "kpi,value\nrevenue,2\n")
    assert found.causes == ()
    assert found.unexplained == ("sales",)
    assert "No cause is recorded for Sales" in view(found, "en", most_cells=9).warnings[0]


def test_a_file_changed_by_hand_is_a_cause(root):
    a, b = saved(root, "a"), saved(root, "b")
    rewrite(b / "tables" / "sales.kpi.csv", "3000", "9000")
    found = diff(a, b)
    assert [str(c) for c in found.causes] == ["published files: b/tables/sales.kpi.csv was changed by hand"]
    assert found.tables[0].cells[0].after == "9000"
    assert found.unexplained == ()


def test_several_causes_at_once_come_with_a_warning(root):
    a = saved(root, "a", items=shows("kpi,value\nrevenue,1\n"))
    rewrite(root / "clients" / "shop" / "data" / "orders.csv", "500", "600")
    other = House({"analysis": "sha256:9"}, HOUSE.environment, HOUSE.rendering)
    found = diff(a, saved(root, "b", items=shows("kpi,value\nrevenue,2\n"), house=other))
    assert "Several things changed at once" in view(found, "en", most_cells=9).warnings[0]


# Tables


def test_cells_are_joined_on_the_key_whatever_their_order(root):
    found = tables(root, "kpi,value\na,1\nb,2\n", "kpi,value\nb,2\na,1\n")
    assert found.tables == ()


def test_how_far_a_table_moved_by_hand(root):
    # Sum of the column: 100 before, 110 after, 105 on average; moved 20 + 10 = 30; 30 / 105.
    found = tables(root, "kpi,value\na,60\nb,40\n", "kpi,value\na,80\nb,30\n")
    (changed,) = found.tables
    assert changed.weight == pytest.approx(30 / 105)
    assert [(c.row, c.before, c.after) for c in changed.cells] == [(("a",), "60", "80"), (("b",), "40", "30")]
    assert changed.cells[0].ratio == pytest.approx(1 / 3)


def test_rows_and_columns_that_came_and_went(root):
    found = tables(root, "kpi,value,old\na,1,x\nb,2,x\n", "kpi,value,new\na,1,y\nc,2,y\n")
    (changed,) = found.tables
    assert (changed.rows_new, changed.rows_gone) == ((("c",),), (("b",),))
    assert (changed.columns_new, changed.columns_gone) == (("new",), ("old",))
    assert changed.cells == ()


def test_tables_that_came_and_went_stand_first(root):
    a = saved(root, "a", items={**ITEMS, "sales": [table("sales.old", "k,v\na,1\n"), *ITEMS["sales"]]})
    changed = table("sales.kpi", "kpi,spec,value\nrevenue,money,3100\norders,count,2\n")
    b = saved(root, "b", items={**ITEMS, "sales": [changed, table("sales.new", "k,v\na,1\n")]})
    assert [(t.id, t.fate) for t in diff(a, b).tables] == [
        ("sales.new", "new"),
        ("sales.old", "gone"),
        ("sales.kpi", "changed"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        pytest.param("0.1", "0.10000000000000002", False, id="the last digit of a sum"),
        pytest.param("5", "5.0", False, id="a count that became a float"),
        pytest.param("1000000", "1000001", True, id="one in a million"),
        pytest.param("", "0", True, id="not observed is not zero"),
        pytest.param("up", "down", True, id="words"),
        pytest.param("0", "1e-15", False, id="nothing but noise"),
    ],
)
def test_what_counts_as_another_value(root, before, after, differs):
    found = tables(root, f"kpi,value\na,{before}\n", f"kpi,value\na,{after}\n")
    assert bool(found.tables) is differs


@pytest.mark.parametrize(
    ("before", "after", "spec", "told"),
    [
        pytest.param("25293770", "25293771", "money", ("25,293,770", "25,293,771", "±0.0%"), id="one yen"),
        pytest.param("0.51", "0.52", "pct", ("51.0%", "52.0%", "+1.0 pts"), id="a share moves by points"),
        pytest.param("0.5101", "0.5102", "pct", ("51.01%", "51.02%", "±0.0 pts"), id="decimals as needed"),
        pytest.param("", "12", "count", ("–", "12", ""), id="from nothing"),
        pytest.param("0", "12", "count", ("0", "12", ""), id="from zero there is no rate"),
        pytest.param("up", "down", "text", ("up", "down", ""), id="words"),
        pytest.param(
            "own_name", "champions", "label:segment", ("own_name", "Champions", ""), id="own labels"
        ),
    ],
)
def test_two_values_are_written_so_that_they_differ(root, before, after, spec, told):
    items = []
    for value in (before, after):
        shown = table("sales.kpi", f"kpi,value\na,{value}\n")
        for said in shown["spec"].values():
            said["columns"][1]["format"] = spec
        items.append({**ITEMS, "sales": [shown]})
    found = diff(saved(root, "a", items=items[0]), saved(root, "b", items=items[1]))
    assert view(found, "en", most_cells=9).tables[0].rows == (("a", "VALUE", *told),)


def test_rows_of_several_measures_keep_their_own_formats(root):
    csv = "kpi,spec,value\nrevenue,money,{}\nshare,pct,{}\n"
    shown = [table("sales.kpi", csv.format(*v)) for v in ((1000, 0.5), (2000, 0.6))]
    for each in shown:
        for said in each["spec"].values():
            said["columns"][2]["format"] = "row:spec"
    found = diff(*(saved(root, n, items={**ITEMS, "sales": [s]}) for n, s in zip("ab", shown, strict=True)))
    assert view(found, "en", most_cells=9).tables[0].rows == (
        ("revenue", "VALUE", "1,000", "2,000", "+100.0%"),
        ("share", "VALUE", "50.0%", "60.0%", "+10.0 pts"),
    )


def test_the_weightiest_values_are_shown_and_the_rest_is_counted(root):
    before = "".join(f"r{i},{i}\n" for i in range(10))
    after = "".join(f"r{i},{2 * i}\n" for i in range(10))
    found = tables(root, f"kpi,value\n{before}", f"kpi,value\n{after}")
    shown = view(found, "en", most_cells=2).tables[0]
    assert [row[0] for row in shown.rows] == ["r9", "r8"]
    assert "7 more values" in shown.notes


# Findings, headlines, key figures


def test_findings_that_came_went_and_changed(root):
    def items(*found: dict) -> dict:
        return {**ITEMS, "decile": list(found)}

    worse = finding("decile.c", money=2e6)
    worse["finding"]["severity"] = "warning"
    a = saved(root, "a", items=items(finding("decile.a"), finding("decile.c"), finding("decile.d")))
    b = saved(root, "b", items=items(finding("decile.b"), worse, finding("decile.d")))
    found = diff(a, b)
    assert [(f.id, f.fate) for f in found.findings] == [
        ("decile.b", "new"),
        ("decile.a", "gone"),
        ("decile.c", "changed"),
    ]
    notes = view(found, "en", most_cells=9).findings[2].notes
    assert notes == ("severity Urgent → Watch", "at stake 1,000,000 → 2,000,000")


def test_a_fact_that_differs_is_named(root):
    def items(n: float) -> dict:
        one = finding("decile.a")
        one["finding"]["facts"] = {"n": {"value": n}, "share": {"value": 0.5}}
        return {**ITEMS, "decile": [one]}

    found = diff(saved(root, "a", items=items(10)), saved(root, "b", items=items(11)))
    assert dict(found.findings[0].facts) == {"n": (10, 11)}


def test_headlines_in_the_language_asked_for(root):
    items = {**ITEMS, "sales": [message("sales", "売上は減った", "Revenue fell")]}
    found = diff(saved(root, "a"), saved(root, "b", items=items))
    assert view(found, "en", most_cells=9).headlines == (("Sales", "Revenue rose", "Revenue fell"),)
    assert view(found, "ja", most_cells=9).headlines == (("売上", "売上は増えた", "売上は減った"),)


def test_a_chapter_that_failed_meanwhile(root):
    a = saved(root, "a")
    found = diff(a, publish_shop(root, failed="decile", house=HOUSE))
    assert view(found, "en", most_cells=9).headlines[0] == ("Decile analysis", "made", "failed")
    assert ("decile.deciles", "gone") in [(t.id, t.fate) for t in found.tables]


def test_key_figures(root):
    a = saved(root, "a", kpis={"revenue": 100.0, "orders": 2.0, "gone": 1.0})
    b = saved(root, "b", kpis={"revenue": 110.0, "orders": 2.0})
    assert view(diff(a, b), "en", most_cells=9).kpis == (
        ("Revenue", "100", "110", "+10.0%"),
        ("gone", "1", "–", ""),
    )


def test_a_report_in_one_language_is_quoted_in_its_own(root):
    a = saved(root, "a", languages=("ja",))
    found = diff(a, saved(root, "b"))
    assert "languages: ja → ja,en" in view(found, "en", most_cells=9).why
    assert found.same_numbers


# What cannot be compared


@pytest.mark.parametrize(
    ("harm", "match"),
    [
        pytest.param(shutil.rmtree, "there is no report; crmreport run makes one", id="no folder"),
        pytest.param(
            lambda f: (f / "run.json").write_text("{}"), "not a record this version reads", id="no record"
        ),
        pytest.param(
            lambda f: rewrite(f / "run.json", '"chapter": "sales"', '"chapter": "../sales"'),
            "not a record this version reads",
            id="a chapter that leads out",
        ),
        pytest.param(
            lambda f: rewrite(f / "notebooks" / "sales.ipynb", '"id": "sales.kpi"', '"id": "../run"'),
            "not readable",
            id="a table that leads out",
        ),
        pytest.param(
            lambda f: (f / "notebooks" / "sales.ipynb").unlink(), "sales.ipynb: is gone", id="no notebook"
        ),
        pytest.param(
            lambda f: (f / "notebooks" / "sales.ipynb").write_text("[]"), "not readable", id="no cells"
        ),
        pytest.param(
            lambda f: (f / "tables" / "sales.kpi.csv").unlink(), "sales.kpi.csv: is gone", id="no table"
        ),
        pytest.param(
            lambda f: (f / "tables" / "sales.kpi.csv").write_text("a,b\n1,2\n"), "not readable", id="no key"
        ),
    ],
)
def test_a_broken_report_is_one_clear_line(root, harm, match):
    a, b = saved(root, "a"), saved(root, "b")
    harm(b)
    with pytest.raises(RunError, match=match):
        diff(a, b)


def test_comparing_writes_nothing(root):
    a, b = saved(root, "a"), saved(root, "b")
    before = sorted(root.rglob("*"))
    diff(a, b)
    assert sorted(root.rglob("*")) == before


# The page


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_page_needs_nothing_from_outside_and_runs_nothing(root, lang):
    evil = "<script>alert(1)</script>"
    found = tables(root, f"kpi,value\n{evil},1\n", f"kpi,value\n{evil},2\n")
    page = diff_page(found, lang)
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r"<(script|link|img|iframe)|(src|href)=\"(?!#)|url\((?!data:)", page)
    assert "/*fonts*/" not in page
    assert f'<html lang="{lang}">' in page
