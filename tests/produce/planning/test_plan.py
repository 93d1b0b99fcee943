"""Keys: what has to be made again, and only that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmreport.config import Source
from crmreport.config_campaigns import Campaign
from crmreport.config_file import load_client
from crmreport.produce.planning import ingredients
from crmreport.produce.planning.digests import digest, hash_file, sha256
from crmreport.produce.planning.plan import Plan, make_plan, read_chapters
from crmreport.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
INPUTS = (
    SimpleNamespace(table="order_lines", name="data/sales.csv", sha256="1" * 64),
    SimpleNamespace(table="customers", name="data/members.csv", sha256="2" * 64),
)
NEWER = SimpleNamespace(table="customers", name="data/members.csv", sha256="3" * 64)
DAY = date(2026, 10, 5)
SENDS = SimpleNamespace(table="sends", name="data/sends.csv", sha256="4" * 64)
MAIL = Campaign(id="m1", name={"ja": "便り", "en": "Mail"}, channel="mail", start=DAY, end=DAY)
SPOT = Campaign(
    id="spot", name={"ja": "CM", "en": "Spot"}, channel="tv", kind="area", where={"store_id": ["札幌店"]},
    start=DAY, end=DAY,
)  # fmt: skip
NONE: set[str] = set()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The demo client and its chapters, and beside them a copy of the package and its templates."""
    folder = tmp_path / "clients" / "demo"
    folder.mkdir(parents=True)
    for name in ("client.yml", "logo.svg"):
        shutil.copy(ROOT / "clients" / "demo" / name, folder / name)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copytree(ROOT / "crmreport", tmp_path / "crmreport", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    return Workspace(tmp_path)


def plan(workspace: Workspace, *, inputs=INPUTS, languages=("ja", "en"), **changes) -> Plan:
    client = load_client(workspace.client_file("demo")).model_copy(update=changes)
    return make_plan(
        workspace,
        client,
        client.period("2026-10"),
        report="assessment",
        languages=languages,
        chapters=read_chapters(workspace, client, "assessment"),
        tables=("order_lines", "customers", "products"),
        inputs=inputs,
        house=ingredients.house(workspace.root / "crmreport", workspace.root / "templates" / "report"),
    )


def changed(before: Plan, after: Plan) -> set[str]:
    keys = {step.name: step.key for step in before.steps}
    return {step.name for step in after.steps if step.key != keys[step.name]}


def reports(workspace: Workspace, **changes):
    given = load_client(workspace.client_file("demo")).reports
    return given | {"assessment": given["assessment"].model_copy(update=changes)}


def append(path: str, text: str) -> Callable[[Workspace], None]:
    def change(workspace: Workspace) -> None:
        with (workspace.root / path).open("a", encoding="utf-8") as file:
            file.write(text)

    return change


def test_the_same_again_changes_nothing(workspace):
    assert plan(workspace).key == plan(workspace).key


EVERY = "every chapter"


@pytest.mark.parametrize(
    ("change", "chapters"),
    [
        pytest.param(append("notebooks/rfm.ipynb", "\n"), {"rfm"}, id="a notebook: its chapter"),
        pytest.param(append("notebooks/ctb.yml", "# why\n"), {"ctb"}, id="a declaration: its chapter"),
        pytest.param(append("crmreport/analysis/rfm.py", "#\n"), EVERY, id="the package: all chapters"),
        pytest.param(append("crmreport/intake/unify.py", "#\n"), EVERY, id="how data is read: all chapters"),
        pytest.param(append("crmreport/present/labels/ja/rfm.yml", "#\n"), EVERY, id="a label: all chapters"),
        pytest.param(append("crmreport/produce/binding/html.py", "#\n"), NONE, id="binding: the book"),
        pytest.param(append("crmreport/present/labels/ja/book.yml", "#"), NONE, id="a book label"),
        pytest.param(append("templates/report/style.css", " "), NONE, id="the template: the book"),
        pytest.param(append("clients/demo/logo.svg", "\n"), EVERY, id="the logo: all chapters"),
    ],
)
def test_a_changed_file_makes_again_what_depends_on_it(workspace, change, chapters):
    before = plan(workspace)
    change(workspace)
    after = plan(workspace)
    assert changed(before, after) == ({s.name for s in before.steps} if chapters == EVERY else chapters)
    assert after.key != before.key


@pytest.mark.parametrize(
    "path",
    ["crmreport/cli/main.py", "crmreport/demo/x.py", "crmreport/produce/records/verify.py", "templates/x"],
)
def test_what_decides_no_byte_of_a_report_makes_nothing_again(workspace, path):
    before = plan(workspace)
    append(path, "#\n")(workspace)
    assert plan(workspace).key == before.key


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"inputs": (INPUTS[0],)}, id="a file less"),
        pytest.param({"inputs": (INPUTS[0], NEWER)}, id="data"),
        pytest.param({"languages": ("ja",)}, id="languages"),
        pytest.param({"fiscal_year_start": 1}, id="a setting"),
    ],
)
def test_data_languages_and_settings_make_every_chapter_again(workspace, changes):
    before = plan(workspace)
    assert changed(before, plan(workspace, **changes)) == {step.name for step in before.steps}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"inputs": (*INPUTS, SENDS)}, id="a send log"),
        pytest.param({"campaigns": [MAIL]}, id="a campaign"),
        pytest.param({"sources": "with sends"}, id="where sends lie"),
    ],
)
def test_campaigns_make_again_only_chapters_that_read_them(workspace, changes):
    before = plan(workspace, campaigns=[])
    if "sources" in changes:
        given = load_client(workspace.client_file("demo")).sources
        changes = {"sources": {**given, "sends": [Source(path="s.csv", columns={"customer_id": "id"})]}}
    after = plan(workspace, **{"campaigns": [], **changes})
    reading = {s.name for s in before.steps if "sends" in s.chapter.declaration.optional}
    assert changed(before, after) == reading == {"data_quality"}
    assert after.key != before.key


def test_a_plan_that_is_drawn_anew_makes_again_only_chapters_that_read_campaigns(workspace):
    folder = workspace.client("demo") / "tests"
    folder.mkdir()
    planned = [MAIL.model_copy(update={"plan": "tests/m1.yml"})]
    keys = []
    for text in ("one", "two"):
        (folder / "m1.yml").write_text(text)
        keys.append(plan(workspace, campaigns=planned))
    assert changed(*keys) == {"data_quality"}


def test_a_chapter_that_asks_is_told_the_chapters_of_its_report_unless_the_client_names_them(workspace):
    client = load_client(workspace.client_file("demo"))

    def told(report) -> dict[str, object]:
        reports = {**client.reports, "assessment": report}
        found = read_chapters(workspace, client.model_copy(update={"reports": reports}), "assessment")
        return {chapter.name: parameters.get("chapters") for chapter, parameters in found}

    report = client.reports["assessment"].model_copy(update={"chapters": ["sales", "definitions"]})
    assert told(report) == {"sales": None, "definitions": "sales,definitions"}
    named = report.model_copy(update={"parameters": {"definitions": {"chapters": ""}}})
    assert told(named)["definitions"] == ""


def test_a_chapters_parameter_makes_that_chapter_again(workspace):
    new = plan(workspace, reports=reports(workspace, parameters={"decile": {"window_months": 24}}))
    assert changed(plan(workspace), new) == {"decile"}


def test_a_title_makes_the_book_again_and_no_chapter(workspace):
    new = plan(workspace, reports=reports(workspace, title={"ja": "題", "en": "Title"}))
    assert changed(plan(workspace), new) == set()
    assert new.key != plan(workspace).key


def test_another_clients_files_change_nothing(workspace):
    before = plan(workspace)
    shutil.copytree(workspace.client("demo"), workspace.client("other"))
    append("clients/other/client.yml", "# more\n")(workspace)
    assert plan(workspace).key == before.key


def test_a_policy_is_kept_by_name_and_value(workspace):
    client = load_client(workspace.client_file("demo"))
    new = plan(workspace, policies=client.policies.model_copy(update={"purchase_unit": "order"}))
    assert changed(plan(workspace), new) == set(client.reports["assessment"].chapters)
    assert new.ingredients.settings["policies.purchase_unit"] == "order"


def test_a_password_stands_in_no_key(workspace):
    client = load_client(workspace.client_file("demo"))
    locked = {
        table: [source.model_copy(update={"password": "hunter2"}) for source in sources]
        for table, sources in client.sources.items()
    }
    assert plan(workspace, sources=locked).key == plan(workspace).key


def test_two_files_of_one_name_both_count(workspace):
    twins = [SimpleNamespace(table="order_lines", name="sales.csv", sha256=c * 64) for c in "ab"]
    both, first = plan(workspace, inputs=twins), plan(workspace, inputs=twins[:1])
    assert both.key == plan(workspace, inputs=twins[::-1]).key
    assert both.key != first.key


def test_tools_beside_the_run_do_not_count():
    needed = ingredients.needed_packages()
    assert not {"pytest", "ruff", "jupyterlab"} & set(needed)
    assert needed["pandas"] == metadata.version("pandas")


def test_a_file_that_stays_is_read_once_and_a_changed_one_again(tmp_path, monkeypatch):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    os.utime(file, ns=(0, 0))
    reads: list[Path] = []
    monkeypatch.setattr(
        "crmreport.produce.planning.digests.hash_file", lambda path: reads.append(path) or hash_file(path)
    )
    monkeypatch.setattr("crmreport.produce.planning.digests._FINE_NS", -(10**18))
    first = sha256(file)
    assert sha256(file) == first
    assert len(reads) == 1
    file.write_bytes(b"two")
    assert sha256(file) != first


def test_a_young_file_is_read_every_time(tmp_path):
    file = tmp_path / "a"
    found = set()
    for i in range(50):  # within one tick of the disk's clock, and of one length
        file.write_text(f"{i:02d}")
        found.add(sha256(file))
    assert len(found) == 50


def test_planning_waits_for_nothing_heavy():
    code = (
        "import sys, crmreport.produce.planning.plan, crmreport.produce.publish\n"
        "heavy = {'pandas', 'polars', 'duckdb', 'numpy', 'nbconvert', 'nbformat', 'jsonschema'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_digest_of_no_two_lists_is_the_same_by_joining():
    assert digest(["ab", "c"]) != digest(["a", "bc"])


@pytest.mark.parametrize(
    ("campaigns", "missing"),
    [
        pytest.param([MAIL], ("sends",), id="a mailing without a send log"),
        pytest.param([SPOT], (), id="a campaign of places was sent to nobody"),
        pytest.param([MAIL, SPOT], ("sends",), id="beside a campaign of places too"),
    ],
)
def test_a_chapter_without_its_table_is_left_out(workspace: Workspace, campaigns, missing):
    only = reports(workspace, chapters=["campaigns"], parameters={})
    (step,) = plan(workspace, reports=only, campaigns=campaigns).steps
    assert step.missing == missing
