"""Every way a report can be something else than its record says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crmreport.produce.planning.digests import seal
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace
from tests.produce.chapters import write_shop
from tests.produce.published import publish_shop, record_of

PAGE = "assessment.ja.html"
NEW_ORDERS = "会員番号,伝票番号,購入日,金額\nc1,o1,2026-10-01,1100\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_shop(tmp_path_factory.mktemp("shop"))
    publish_shop(root)
    return root


@pytest.fixture
def root(shop: Path, tmp_path: Path) -> Path:
    """A workspace a test may break."""
    return shutil.copytree(shop, tmp_path / "home")


@pytest.fixture
def report(root: Path) -> Path:
    """Its published report."""
    return root / "reports" / "shop" / "2026-10"


def edit(folder: Path, change: Callable[[dict], object], *, sealed: bool = False) -> None:
    """Change run.json; ``sealed`` does it as somebody would who knows how it is made."""
    path = folder / "run.json"
    record = record_of(folder)
    change(record)
    if sealed:
        record["seal"] = seal(record)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def link_to_a_copy(folder: Path) -> None:
    copy = folder.parents[2] / "elsewhere.html"
    (folder / PAGE).rename(copy)
    (folder / PAGE).symlink_to(copy)


def link_folder(folder: Path) -> None:
    copy = folder.parents[2] / "elsewhere"
    (folder / "tables").rename(copy)
    (folder / "tables").symlink_to(copy)


def replace_by_fifo(folder: Path) -> None:
    (folder / PAGE).unlink()
    os.mkfifo(folder / PAGE)


def said(folder: Path) -> list[str]:
    return [str(problem) for problem in verify(folder).problems]


def test_a_report_as_it_was_published_is_verified(root: Path, report: Path) -> None:
    found = verify(report, workspace=Workspace(root))
    assert (found.ok, found.problems, found.remarks) == (True, (), ())
    assert (found.client, found.period, found.report, found.files) == ("shop", "2026-10", "assessment", 7)


@pytest.mark.parametrize(
    ("attack", "path", "what"),
    [
        pytest.param(lambda f: flip(f / PAGE), PAGE, "its bytes changed", id="a bit flipped"),
        pytest.param(
            lambda f: os.truncate(f / PAGE, 2**30), PAGE, "has 1,073,741,824 bytes", id="a huge file"
        ),
        pytest.param(lambda f: (f / PAGE).unlink(), PAGE, "is missing", id="a file removed"),
        pytest.param(
            lambda f: shutil.rmtree(f / "tables"), "tables/sales.kpi.csv", "is missing", id="a folder removed"
        ),
        pytest.param(
            lambda f: (f / "tables" / "x.csv").touch(), "tables/x.csv", "not in run.json", id="a file added"
        ),
        pytest.param(
            lambda f: (f / ".hidden").touch(), ".hidden", "not in run.json", id="a hidden file added"
        ),
        pytest.param(link_to_a_copy, PAGE, "reached through a link", id="a link to the same bytes"),
        pytest.param(link_folder, "tables/sales.kpi.csv", "reached through a link", id="a linked folder"),
        pytest.param(
            lambda f: (f / "more").symlink_to(f.parent),
            "more",
            "not in run.json",
            id="a link to a folder added",
        ),
        pytest.param(replace_by_fifo, PAGE, "is no plain file", id="a pipe nobody writes to"),
        pytest.param(
            lambda f: (f / os.fsdecode(b"\xff.csv")).touch(),
            "\\xff.csv",
            "not in run.json",
            id="a name that is no text",
        ),
    ],
)
def test_a_file_that_is_not_as_recorded(report: Path, attack, path: str, what: str) -> None:
    attack(report)
    assert any(line.startswith(f"{path}: ") and what in line for line in said(report))


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "tables/._sales.kpi.csv", "Thumbs.db", "lists/desktop.ini", "~$a.xlsx", ".~lock.a.xlsx#"],
)
def test_what_a_desktop_leaves_is_named_and_harms_nothing(report: Path, name: str) -> None:
    (report / name).parent.mkdir(exist_ok=True)
    (report / name).write_bytes(b"\0\0\0\1Bud1")
    found = verify(report)
    assert found.ok
    assert [str(s) for s in found.strays] == [f"{name}: is not part of the report, and is not delivered"]


def test_a_link_or_a_folder_by_a_desktops_name_is_none_of_its_files(report: Path) -> None:
    (report / ".DS_Store").symlink_to(report.parent)
    (report / "Thumbs.db").mkdir()
    (report / "Thumbs.db" / "more.csv").touch()
    assert said(report) == [".DS_Store: is not in run.json", "Thumbs.db/more.csv: is not in run.json"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("", "is not JSON", id="empty"),
        pytest.param("{", "is not JSON", id="cut off"),
        pytest.param("[" * 100_000, "is not JSON", id="nested without end"),
        pytest.param('{"schema": 1, "schema": 1}', "a key stands in it twice", id="a key twice"),
        pytest.param("[]", "is not of type 'object'", id="a list"),
        pytest.param('{"schema": 2}', "schema: 1 was expected", id="another version"),
        pytest.param("\xff", "is not JSON", id="not UTF-8"),
        pytest.param(" " * (2**24 + 1), "bytes long, which no record is", id="huge"),
    ],
)
def test_a_record_that_cannot_be_read_is_one_problem(report: Path, text: str, what: str) -> None:
    (report / "run.json").write_text(text, encoding="latin-1")
    assert what in said(report)[0]
    assert all(line.startswith("run.json: ") for line in said(report))


def test_no_record_no_report(report: Path) -> None:
    (report / "run.json").unlink()
    assert said(report) == ["run.json: is missing"]
    assert "there is no report" in said(report / "nowhere")[0]


def test_a_linked_record_is_refused(report: Path) -> None:
    (report / "run.json").rename(report.parent / "run.json")
    (report / "run.json").symlink_to(report.parent / "run.json")
    assert said(report) == ["run.json: is no plain file"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda r: r["timings"].update(total=0.1), id="a time"),
        pytest.param(lambda r: r["inputs"][0].update(rows=4), id="rows of an input"),
        pytest.param(lambda r: r["kpis"][0].update(value=4000.0), id="a key figure"),
        pytest.param(lambda r: r.pop("seal"), id="the seal taken off"),
    ],
)
def test_an_edited_record_breaks_its_seal(report: Path, change) -> None:
    edit(report, change)
    assert said(report) == ["run.json: was edited: its seal does not fit"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(
            lambda r: r["chapters"][1]["parameters"].update(window_months=24),
            "chapter decile: its key does not follow",
            id="another parameter",
        ),
        pytest.param(lambda r: r["digests"]["data"].clear(), "key does not follow", id="other data"),
        pytest.param(lambda r: r.update(status="partial"), "the report is partial", id="partial"),
        pytest.param(
            lambda r: r["chapters"][0].update(status="failed"), "chapter sales failed", id="a failed chapter"
        ),
        pytest.param(
            lambda r: r["outputs"].append(r["outputs"][0]), "listed twice", id="an output listed twice"
        ),
    ],
)
def test_a_sealed_lie_still_contradicts_itself(report: Path, change, what: str) -> None:
    edit(report, change, sealed=True)
    assert any(what in line for line in said(report))


@pytest.mark.parametrize(
    "path",
    [
        "../2026-09/assessment.ja.html",
        "/etc/passwd",
        "tables/../run.json",
        "./x",
        "a\\b",
        "C:x",
        "",
        ".",
        "a//b",
    ],
)
def test_a_path_that_leads_out_is_not_followed(report: Path, path: str) -> None:
    entry = {"path": path, "bytes": 1, "sha256": "0" * 64}
    edit(report, lambda r: r["outputs"].append(entry), sealed=True)
    assert f"{path}: leads out of the report's folder; nothing there is read" in said(report)


def test_an_incomplete_report_is_never_verified_and_does_not_harm_the_good_one(root: Path) -> None:
    partial = publish_shop(root, failed="decile")
    assert said(partial) == ["run.json: the report is partial"]
    assert [str(p) for p in verify(partial, workspace=Workspace(root)).problems] == said(partial)
    assert verify(root / "reports" / "shop" / "2026-10", workspace=Workspace(root)).ok


def test_a_report_in_another_clients_folder_is_refused(root: Path, report: Path) -> None:
    other = shutil.copytree(report, root / "reports" / "rival" / "2026-10")
    assert verify(other).ok
    found = verify(other, workspace=Workspace(root))
    assert [str(p) for p in found.problems] == [
        "run.json: is the record of shop/2026-10, but stands in rival/2026-10"
    ]


def test_a_copy_outside_the_workspace_is_judged_by_itself(report: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(report, tmp_path / "sent")
    assert verify(copy, workspace=Workspace(tmp_path)).ok


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        pytest.param(
            lambda data: (data / "orders.csv").write_text(NEW_ORDERS, encoding="utf-8"),
            "data/orders.csv: has changed since this report was made",
            id="changed",
        ),
        pytest.param(
            lambda data: (data / "orders.csv").rename(data / "old.csv"),
            "data/orders.csv: was read for this report and is gone",
            id="gone",
        ),
    ],
)
def test_other_data_now_is_a_remark(root: Path, report: Path, change, remark: str) -> None:
    change(root / "clients" / "shop" / "data")
    found = verify(report, workspace=Workspace(root))
    assert found.ok
    assert [str(r) for r in found.remarks] == [remark]


def test_a_client_that_is_gone_is_a_remark(root: Path, report: Path) -> None:
    shutil.rmtree(root / "clients" / "shop")
    found = verify(report, workspace=Workspace(root))
    assert found.ok
    assert "cannot be compared" in str(found.remarks[0])


def test_two_runs_differ_in_times_and_both_are_verified(root: Path, report: Path) -> None:
    before = record_of(report)
    publish_shop(root, seconds=2.0)
    after = record_of(report)
    assert verify(report).ok
    assert before["outputs"] == after["outputs"]
    assert before["key"] == after["key"]
    assert before["seal"] != after["seal"]
