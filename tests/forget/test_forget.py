"""What is left of a customer who was forgotten: nothing, and everything else as it was."""

from __future__ import annotations

import io
import json
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from crmreport.cli import main
from crmreport.config_file import load_client
from crmreport.errors import ConfigError
from crmreport.forget import Forgetting, forget
from crmreport.intake import open_store
from crmreport.intake.forgotten import read_forgotten
from crmreport.produce.lock import locked
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace
from tests.forget.world import (
    ALSO,
    BOARD,
    LISTS,
    PARTIAL,
    PERIOD,
    REPORT,
    SENT_AT,
    STAYS,
    WHO,
    customers_of,
    holding,
    kept_of_shop,
    record_of,
    tree,
)
from tests.produce.published import rewrite

pytestmark = pytest.mark.slow
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def forgotten(root: Path, *ids: str, **how) -> Forgetting:
    return forget(Workspace(root), "shop", ids, at=AT, **how)


def by_place(result: Forgetting) -> dict[str, int]:
    found: dict[str, int] = {}
    for place in result.places:
        found[place.where] = found.get(place.where, 0) + place.rows
    return found


def test_the_customer_is_in_everything_that_is_kept(world: Path) -> None:
    kinds = {
        ".store": 3 * 4,  # two stores and one that was cut off, four tables in each
        "/quarantine/": 0,  # holds cells, not customers: only a value that names one would show
        "reports/shop/": 2 * 2,
        ".partial": 2 * 2,
        ".staging": 2 * 2,
        ".cache": 2,
        ".outbox": 1,
        "/tests/": 1,
    }
    there = holding(world, WHO)
    assert {kind: sum(kind in name for name in there) for kind in kinds} == kinds


def test_nothing_is_left_and_all_else_is_as_it_was(root: Path) -> None:
    data, twin = tree(root / "clients" / "shop" / "data"), _twin(root)
    before = {name: customers_of(root / REPORT / "lists" / f"{name}.csv") for name in LISTS}
    result = forgotten(root, WHO)

    assert holding(root, WHO) == set()
    assert holding(root, "v-77123") == set(), "the visitor they were before logging in"
    assert (result.asked, result.known, result.unseen, result.left) == (1, 0, 0, ())
    assert tree(root / "clients" / "shop" / "data") == data
    assert _twin(root) == twin
    for name in LISTS:
        left = [who for who in before[name] if who != WHO]
        for home in (root / REPORT, root / PARTIAL):
            assert customers_of(home / "lists" / f"{name}.csv") == left
            assert _workbook_customers(home / "lists" / f"{name}.xlsx") == left
    assert not list((root / "reports" / ".staging").iterdir())


def _twin(root: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(root).items() if "twin" in name}


def _workbook_customers(path: Path) -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(path.read_bytes())).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert sheet.auto_filter.ref == f"A3:D{len(rows)}"
    assert sheet.freeze_panes == "B4"
    assert rows[2] == ("顧客ID", *rows[2][1:])
    assert all(row[3] == 1000.5 for row in rows[3:])
    return [str(row[0]) for row in rows[3:]]


def test_several_at_once_in_any_written_form(root: Path) -> None:
    result = forgotten(root, "  ｍ-nobody ", "Ｍ−９００１７３４５", ALSO, ALSO)
    assert holding(root, WHO) == holding(root, ALSO) == set()
    assert (result.asked, result.unseen, result.listed) == (3, 1, 3)
    assert STAYS in customers_of(root / REPORT / "lists" / f"{LISTS[0]}.csv")


def test_the_record_tells_the_truth_and_nobody(root: Path) -> None:
    folder = root / REPORT
    before = record_of(folder)
    forgotten(root, WHO, ALSO)
    for home in (folder, root / PARTIAL):
        record = record_of(home)
        files = {f"lists/{name}.{kind}": 2 for name in LISTS for kind in ("csv", "xlsx")}
        assert record["forgotten"] == [{"at": "2026-11-22T09:30:00+00:00", "customers": 2, "files": files}]
        assert {n: c["rows"] for n, c in record["lists"].items()} == {
            n: c["rows"] - 2 for n, c in before["lists"].items()
        }
    found = verify(folder)
    assert (found.ok, found.problems) == (True, ())
    assert [str(t) for t in found.taken_out] == [
        "8 rows taken out of 4 files by crmreport forget on 2026-11-22, of 2 customers"
    ]
    after = record_of(folder)
    said = {"outputs", "lists", "seal", "forgotten"}
    assert {k: v for k, v in after.items() if k not in said} == {
        k: v for k, v in before.items() if k not in said
    }
    untouched = [o for o in before["outputs"] if not o["path"].startswith("lists/")]
    assert [o for o in after["outputs"] if not o["path"].startswith("lists/")] == untouched


def test_each_request_stands_in_the_record(root: Path) -> None:
    forgotten(root, WHO)
    forgotten(root, ALSO)
    assert [each["customers"] for each in record_of(root / REPORT)["forgotten"]] == [1, 1]
    assert verify(root / REPORT).ok


def test_a_list_that_was_edited_is_not_made_to_look_whole(root: Path) -> None:
    path = root / REPORT / "lists" / f"{LISTS[0]}.csv"
    rewrite(path, STAYS, "M-1")
    forgotten(root, WHO)
    assert WHO not in customers_of(path)
    assert [p.path for p in verify(root / REPORT).problems] == [f"lists/{LISTS[0]}.csv"]


def test_a_record_that_was_edited_is_not_made_to_look_whole(root: Path) -> None:
    rewrite(root / REPORT / "run.json", '"as_of": "2026-10-31"', '"as_of": "2026-10-30"')
    forgotten(root, WHO)
    assert "was edited: its seal does not fit" in {p.what for p in verify(root / REPORT).problems}
    assert holding(root, WHO) == set()


def test_a_report_without_a_record_loses_the_rows_all_the_same(root: Path) -> None:
    (root / REPORT / "run.json").write_text("{", encoding="utf-8")
    forgotten(root, WHO)
    assert holding(root, WHO) == set()


# Again


def test_a_second_time_there_is_nothing_left_to_do(root: Path) -> None:
    forgotten(root, WHO)
    open_store(Workspace(root), load_client(root / "clients" / "shop" / "client.yml"))
    before = tree(root)
    again = forgotten(root, WHO)
    assert (again.places, again.known, again.unseen, again.listed) == ((), 1, 1, 1)
    assert tree(root) == before, "the store made since is of use, and stays"


def test_what_comes_back_from_a_backup_is_found_by_the_list_alone(root: Path, world: Path) -> None:
    forgotten(root, WHO)
    shutil.rmtree(root / REPORT)
    shutil.copytree(world / REPORT, root / REPORT)
    shutil.copytree(world / "clients" / "shop" / ".store", root / "clients/shop/.store", dirs_exist_ok=True)
    result = forgotten(root)
    assert set(by_place(result)) == {"store", "report"}
    assert holding(root, WHO) == set()
    assert verify(root / REPORT).ok


def test_without_ids_and_without_a_list_there_is_nothing_to_look_for(root: Path) -> None:
    with pytest.raises(ConfigError, match="nobody is on the list"):
        forgotten(root)


def test_somebody_never_seen_is_remembered_for_the_next_delivery(root: Path) -> None:
    before = {n: b for n, b in kept_of_shop(root).items() if n.startswith("reports/shop")}
    result = forgotten(root, "M-404404")
    assert (result.unseen, result.listed) == (1, 1)
    assert {n: b for n, b in kept_of_shop(root).items() if n.startswith("reports/shop")} == before
    assert "M-404404" in read_forgotten(root / "clients" / "shop")


# A dry run


def test_a_dry_run_says_the_same_and_writes_nothing(root: Path) -> None:
    before = tree(root)
    looked = forgotten(root, WHO, dry_run=True)
    assert tree(root) == before
    done = forgotten(root, WHO)
    assert (by_place(looked), looked.listed, looked.traces) == (by_place(done), 1, done.traces)
    assert by_place(done) == {
        # Order lines of two builds and one cut off; customers with those of whom they are the family.
        "store": by_place(done)["store"],
        "quarantine": 6,
        "unfinished": 4,
        "report": 8,
        "cache": 2,
        "outbox": 2,
        "plan": 1,
    }


def test_counted_by_hand_in_the_store(root: Path) -> None:
    lines = (root / "clients/shop/data/orders.csv").read_text(encoding="utf-8").splitlines()
    readable = sum(line.startswith((f"{WHO},", "Ｍ−９００１７３４５,")) for line in lines) - 1
    store = record_of(root / REPORT)["store"]
    found = {
        Path(p.path).stem: p.rows
        for p in forgotten(root, WHO, dry_run=True).places
        if p.where == "store" and f"/{store}/" in p.path
    }
    assert found == {"order_lines": readable, "customers": 2, "sends": 1, "web_events": 1}


# What the next run makes of it


def test_the_next_run_is_without_them_and_says_why(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forgotten(root, WHO)
    swept = {name: (root / REPORT / "lists" / f"{name}.csv").read_bytes() for name in LISTS}
    old = shutil.copytree(root / REPORT, root / "old")
    asked = ["run", "--client", "shop", "--period", PERIOD]
    assert main([*asked, "--explain", "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()[1:]
    assert said == [f"  {what}: forgotten customers: 0 → 1" for what in ("decile", "report")]
    assert main([*asked, "--json"]) == 0

    store = open_store(Workspace(root), load_client(root / "clients" / "shop" / "client.yml"))
    report = store.report
    for table in store.tables:
        assert WHO not in pl.read_parquet(store.table(table))["customer_id"].to_list()
    assert report.lines == report.n_stored + report.n_quarantined + report.n_excluded
    assert sum(s.excluded.get("forgotten", 0) for s in report.sources) > 8
    assert {n: (root / REPORT / "lists" / f"{n}.csv").read_bytes() for n in LISTS} == swept
    assert "forgotten" not in record_of(root / REPORT)
    assert holding(root, WHO) == set()
    assert verify(root / REPORT).ok
    capsys.readouterr()
    assert main(["diff", str(old), str(root / REPORT), "--json"]) == 0
    causes = json.loads(capsys.readouterr().out)["causes"]
    assert [c["text"] for c in causes] == ["forgotten customers: 0 → 1"]


def test_a_report_is_not_published_when_somebody_was_forgotten_meanwhile(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "notebooks" / "decile.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][1]["source"] += f"""
from datetime import UTC, datetime
from crmreport.intake.forgotten import add_forgotten
add_forgotten(report.workspace.client(client), [{WHO!r}], at=datetime.now(UTC))
"""
    path.write_text(json.dumps(notebook), encoding="utf-8")
    before = tree(root / REPORT)
    assert main(["run", "--client", "shop", "--period", PERIOD]) == 4
    assert "a customer was forgotten while this report was made; run again" in capsys.readouterr().err
    assert tree(root / REPORT) == before


def test_a_report_that_is_being_made_is_waited_for(root: Path) -> None:
    told, ended = threading.Event(), threading.Event()
    waits: list[str] = []

    def waiting(report: str) -> None:
        waits.append(report)
        told.set()

    def work() -> None:
        forgotten(root, WHO, waiting=waiting)
        ended.set()

    before = tree(root)
    with locked(Workspace(root), root / REPORT, "shop", waiting=print, check=print) as at_work:
        at_work()
        thread = threading.Thread(target=work)
        thread.start()
        assert told.wait(60)
        assert not ended.is_set()
        assert tree(root) == before, "not even the list is written: the run at work reads it"
    thread.join(60)
    assert ended.is_set()
    assert len(waits) == 1
    assert waits[0].startswith(f"shop/{PERIOD}: pid ")
    assert holding(root, WHO) == set()


# What a person has to do


def test_who_was_sent_a_list_is_told(root: Path) -> None:
    (told,) = forgotten(root, WHO).recipients
    assert (told.report, told.to, told.at) == (f"shop/{PERIOD}", BOARD, SENT_AT)


def test_an_id_in_a_page_is_told_and_not_edited(root: Path) -> None:
    page = root / REPORT / "assessment.ja.html"
    rewrite(page, "</body>", f"<p>{WHO}</p></body>")
    before = page.read_bytes()
    result = forgotten(root, WHO)
    assert [t.path for t in result.traces] == [f"{REPORT}/assessment.ja.{kind}" for kind in ("html", "pdf")]
    assert page.read_bytes() == before


def test_a_page_without_it_is_not_told(root: Path) -> None:
    assert forgotten(root, WHO, ALSO, "12", "2026", "m1").traces == ()


def test_a_list_nobody_can_read_is_told(root: Path) -> None:
    (root / REPORT / "lists" / f"{LISTS[0]}.xlsx").write_bytes(b"PK no workbook")
    (trace,) = forgotten(root, WHO).traces
    assert trace.path.endswith(f"{LISTS[0]}.xlsx")
    assert "is no workbook" in trace.what


def test_a_client_file_that_is_refused_keeps_nobody_on_a_list(root: Path) -> None:
    rewrite(root / "clients" / "shop" / "client.yml", "languages: [ja]", "langages: [ja]")
    forgotten(root, WHO)
    assert holding(root, WHO) == set()
