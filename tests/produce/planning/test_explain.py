"""Why something is made again: named, and nothing named that is not so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmreport.config_file import load_client
from crmreport.intake import open_store
from crmreport.intake.forgotten import add_forgotten
from crmreport.produce.planning.explain import BOOK, explain, told
from crmreport.produce.planning.ingredients import House
from crmreport.produce.planning.plan import Cache, Plan, Step
from crmreport.workspace import Workspace
from tests.produce.chapters import write_shop
from tests.produce.published import plan_of, publish_shop, record_of, rewrite

CHAPTERS = ("sales", "decile", "data_quality")
HOUSE = House(
    code={"analysis": "sha256:1"}, environment={"pandas": "3.1.1"}, rendering={"templates/a.css": "sha256:2"}
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A shop with a published report whose chapters are kept."""
    root = write_shop(tmp_path / "home")
    publish_shop(root, house=HOUSE)
    for step in plan_of(root, house=HOUSE).steps:
        keep(root, step)
    return root


def cache_of(root: Path) -> Cache:
    return Cache(root / "reports" / ".cache" / "shop", "2026-10")


def keep(root: Path, step: Step) -> None:
    notebook, lists = root / "executed.ipynb", root / "lists"
    notebook.touch()
    lists.mkdir(exist_ok=True)
    cache_of(root).keep(step, notebook, lists)


def reasons(root: Path, plan: Plan | None = None, record: dict[str, Any] | None = None) -> dict[str, str]:
    """What is stale, and why."""
    cache = cache_of(root)
    folder = root / "reports" / "shop" / "2026-10"
    found = explain(plan or plan_of(root, house=HOUSE), record or record_there(root), cache, folder=folder)
    assert [r.what for r in found] == [*CHAPTERS, BOOK]
    return {r.what: "; ".join(map(str, r.causes)) for r in found if not r.fresh}


def rewritten(path: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: rewrite(root / path, old, new)


def record_there(root: Path) -> dict[str, Any]:
    return record_of(root / "reports" / "shop" / "2026-10")


CLIENT_FILE = "clients/shop/client.yml"


def test_nothing_changed_nothing_to_say(root):
    assert reasons(root) == {}


def forget(root: Path, customer_id: str) -> None:
    add_forgotten(root / "clients" / "shop", [customer_id], at=datetime(2026, 11, 22, tzinfo=UTC))


def test_forgotten_customers_are_a_reason_of_their_own(root):
    forget(root, "c1")
    assert reasons(root) == dict.fromkeys((*CHAPTERS, BOOK), "forgotten customers: 0 → 1")
    forget(root, "c1")
    assert reasons(root) == dict.fromkeys((*CHAPTERS, BOOK), "forgotten customers: 0 → 1")
    publish_shop(root, house=HOUSE)
    forget(root, "never seen")
    assert reasons(root) == dict.fromkeys((*CHAPTERS, BOOK), "forgotten customers: 1 → 2")


@pytest.mark.parametrize(
    ("change", "chapters", "why"),
    [
        pytest.param(
            rewritten("clients/shop/data/orders.csv", "500", "600"),
            CHAPTERS,
            "data: data/orders.csv changed",
            id="data",
        ),
        pytest.param(
            rewritten(CLIENT_FILE, "reports:", "policies: {purchase_unit: order}\nreports:"),
            CHAPTERS,
            "client settings: policies.purchase_unit customer_day → order",
            id="a policy",
        ),
        pytest.param(
            rewritten(CLIENT_FILE, "quality]", "quality]\n    parameters: {decile: {window_months: 24}}"),
            ("decile",),
            "parameter: window_months 12 → 24",
            id="a parameter",
        ),
        pytest.param(
            rewritten("notebooks/sales.ipynb", "売上を", "売り上げを"),
            ("sales",),
            "chapter: sales.ipynb changed",
            id="a notebook",
        ),
        pytest.param(
            rewritten("notebooks/decile.yml", "maximum: 60", "maximum: 61"),
            ("decile",),
            "chapter: decile.yml changed",
            id="a declaration",
        ),
        pytest.param(
            rewritten(CLIENT_FILE, "quality]", "quality]\n    title: {ja: 分析, en: Analysis}"),
            (),
            "report settings: title.en is new; report settings: title.ja is new",
            id="the title",
        ),
    ],
)
def test_a_change_is_named_where_it_counts(root, change, chapters, why):
    change(root)
    assert reasons(root) == dict.fromkeys((*chapters, BOOK), why)


@pytest.mark.parametrize(
    ("house", "chapters", "why"),
    [
        pytest.param(
            {"code": {"analysis": "sha256:9"}}, CHAPTERS, "package source: analysis changed", id="code"
        ),
        pytest.param(
            {"environment": {"pandas": "3.2.0"}},
            CHAPTERS,
            "environment: pandas 3.1.1 → 3.2.0",
            id="a package",
        ),
        pytest.param({"environment": {}}, CHAPTERS, "environment: pandas is gone", id="a package less"),
        pytest.param(
            {"rendering": {"templates/a.css": "sha256:9"}}, (), "template: a.css changed", id="the template"
        ),
        pytest.param(
            {"rendering": {**HOUSE.rendering, "code": "sha256:9"}},
            (),
            "package source: produce is new",
            id="what binds the pages",
        ),
    ],
)
def test_another_house_is_named_by_part(root, house, chapters, why):
    parts = {"code": HOUSE.code, "environment": HOUSE.environment, "rendering": HOUSE.rendering}
    changed = House(**{**parts, **house})
    assert reasons(root, plan_of(root, house=changed)) == dict.fromkeys((*chapters, BOOK), why)


def test_the_lines_of_changed_data_are_told_when_they_were_counted(root):
    rewritten("clients/shop/data/orders.csv", "500\n", "500\nc9,o9,2026-10-05,70\n")(root)
    client = load_client(Workspace(root).client_file("shop"))
    inputs = open_store(Workspace(root), client).report.inputs
    found = explain(plan_of(root, house=HOUSE), record_there(root), cache_of(root), inputs=inputs)
    assert {str(cause) for reason in found for cause in reason.causes} == {
        "data: data/orders.csv changed (3 → 4 rows)"
    }


def test_languages_are_named(root):
    found = reasons(root, plan_of(root, languages=("ja",), house=HOUSE))
    assert found == dict.fromkeys((*CHAPTERS, BOOK), "languages: ja,en → ja")


def test_two_changes_are_both_named(root):
    rewritten("clients/shop/data/orders.csv", "500", "600")(root)
    rewritten("notebooks/sales.ipynb", "売上を", "売り上げを")(root)
    assert reasons(root)["sales"] == "data: data/orders.csv changed; chapter: sales.ipynb changed"
    assert reasons(root)["decile"] == "data: data/orders.csv changed"


def test_what_was_never_made(root):
    cache = Cache(root / "nothing", "2026-10")
    found = explain(plan_of(root, house=HOUSE), None, cache)
    assert told(found) == ["sales, decile, data_quality, report: never made"]


def test_a_chapter_that_is_new_in_the_report(root):
    shutil.copy(root / "notebooks" / "sales.ipynb", root / "notebooks" / "stores.ipynb")
    text = (root / "notebooks" / "sales.yml").read_text(encoding="utf-8")
    (root / "notebooks" / "stores.yml").write_text(text.replace("chapter: sales", "chapter: stores"), "utf-8")
    rewritten(CLIENT_FILE, "data_quality]", "data_quality, stores]")(root)
    plan = plan_of(root, house=HOUSE)
    found = explain(plan, record_there(root), cache_of(root))
    assert told(found) == [
        "sales, decile, data_quality: unchanged",
        "stores: never made",
        "report: report settings: chapters sales,decile,data_quality → sales,decile,data_quality,stores",
    ]


@pytest.mark.parametrize("sort", ["changed", "gone"])
def test_a_published_file_changed_by_hand(root, sort):
    page = root / "reports" / "shop" / "2026-10" / "assessment.ja.html"
    page.write_text("mine", encoding="utf-8") if sort == "changed" else page.unlink()
    assert reasons(root) == {BOOK: "published files: assessment.ja.html was changed by hand"}


def test_a_kept_result_that_is_gone(root):
    shutil.rmtree(root / "reports" / ".cache" / "shop" / "decile")
    assert reasons(root) == {}, "a whole report needs none"
    (root / "reports" / "shop" / "2026-10" / "assessment.ja.html").unlink()
    assert reasons(root)["decile"] == "its kept result is no longer there"


def test_data_that_is_as_it_was_before_needs_no_kernel(root):
    rewritten("clients/shop/data/orders.csv", "500", "600")(root)
    publish_shop(root, house=HOUSE)
    rewritten("clients/shop/data/orders.csv", "600", "500")(root)
    assert reasons(root) == {BOOK: "data: data/orders.csv changed"}


def test_a_failed_chapter_is_tried_again(root):
    shutil.rmtree(root / "reports")
    partial = publish_shop(root, failed="decile", house=HOUSE)
    for step in plan_of(root, house=HOUSE).steps:
        if step.name != "decile":
            keep(root, step)
    record = record_of(partial)
    record["chapters"][1]["reason"] = "cell 'x': ValueError: no"
    found = explain(plan_of(root, house=HOUSE), record, cache_of(root))
    assert told(found) == [
        "sales, data_quality: unchanged",
        "decile: failed last time: cell 'x': ValueError: no",
        "report: the last report is incomplete",
    ]


def test_a_table_the_client_has_not(root):
    rewritten("notebooks/decile.yml", "[order_lines]", "[order_lines, customers]")(root)
    found = explain(plan_of(root, house=HOUSE), record_there(root), cache_of(root))
    assert str(found[1]) == "decile: left out, the client has no customers"
    assert found[1].fresh


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda r: r.pop("digests"), id="no digests"),
        pytest.param(lambda r: r["digests"].pop("data"), id="a group less"),
        pytest.param(lambda r: r["chapters"][0].pop("digests"), id="a chapter without"),
        pytest.param(lambda r: r.update(outputs=None), id="no outputs"),
        pytest.param(lambda r: r.clear(), id="nothing"),
    ],
)
def test_a_record_of_an_older_version(root, change):
    record = record_there(root)
    change(record)
    found = explain(plan_of(root, house=HOUSE), record, cache_of(root))
    assert told(found) == [
        "sales, decile, data_quality: unchanged",
        "report: made by an older version that kept no digests",
    ]
