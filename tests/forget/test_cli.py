"""``crmreport forget`` as a shell sees it: counts and places, never who."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import crmreport.plan_file
from crmreport.cli import main
from crmreport.errors import DataError
from crmreport.plan_file import load_assignment, load_planned
from tests.forget.world import ALSO, LISTS, PERIOD, REPORT, STAYS, WHO, holding, tree
from tests.produce.published import rewrite

pytestmark = pytest.mark.slow


def test_it_says_where_and_how_many_and_not_who(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "shop", WHO]) == 0
    said = capsys.readouterr()
    assert WHO not in said.out + said.err
    assert f"  {REPORT}/lists/{LISTS[0]}.csv: 1\n" in said.out
    assert "clients/shop/forgotten.yml: 1 customer added, 1 in all" in said.out
    assert f"shop/{PERIOD}: lists were sent to board@hanada.example on 2026-11-02" in said.out
    assert said.err == (
        "numbers already published stay as they are; crmreport run --client shop makes them anew\n"
    )
    assert main(["forget", "shop", WHO]) == 0
    assert capsys.readouterr().out == "shop: nothing left of 1 customer\n"


def test_a_dry_run_in_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(root)
    assert main(["forget", "shop", WHO, "M-404404", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "would be removed; the next run makes it without them" in said.out
    assert "2 customers would be added, 2 in all" in said.out
    assert "nothing was found of 1 customer; is an id mistyped, or a leading zero lost?" in said.out
    assert "nothing was written" in said.err
    assert tree(root) == before


def test_for_machines(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "shop", WHO, "M-404404", "--json"]) == 0
    text = capsys.readouterr().out
    assert WHO not in text
    said = json.loads(text)
    counts = {k: said[k] for k in ("client", "dry_run", "asked", "known_before", "nothing_found_of", "left")}
    assert counts == {
        "client": "shop",
        "dry_run": False,
        "asked": 2,
        "known_before": 0,
        "nothing_found_of": 1,
        "left": [],
    }
    assert {"where": "report", "path": f"{REPORT}/lists/{LISTS[1]}.xlsx", "rows": 1} in said["places"]


def test_somebody_nothing_is_kept_of(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "twin", WHO]) == 0
    (root / "clients" / "twin" / "tests" / "m1.csv").unlink()
    capsys.readouterr()
    assert main(["forget", "twin", "M-404404"]) == 0
    assert capsys.readouterr().out == (
        "twin: nothing is kept of 1 customer\n"
        "clients/twin/forgotten.yml: 1 customer added, 2 in all; "
        "their lines are left out of whatever is read\n"
    )


def test_ids_from_a_file_and_from_standard_input(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "ids.txt").write_text(f"\ufeff{WHO}\r\n\r\n", encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{ALSO}\n".encode())))
    assert main(["forget", "shop", "-", "--file", str(root / "ids.txt")]) == 0
    (root / "ids.txt").unlink()
    assert holding(root, WHO) == holding(root, ALSO) == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["nobody", "M-90017345"], "clients/nobody", id="no such client"),
        pytest.param(["shop"], "nobody is on the list of forgotten customers", id="no id"),
        pytest.param(["shop", "guest", "ＧＵＥＳＴ"], "id 2 of 2 is one of policies.guest_ids", id="a guest"),
        pytest.param(["shop", "M-90017345", " "], "id 2 of 2 is empty", id="a blank"),
        pytest.param(["shop", "--file", "none.txt"], "none.txt: cannot be read", id="no file"),
    ],
)
def test_what_is_refused(root: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    before = tree(root)
    assert main(["forget", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert WHO not in error
    assert tree(root) == before


def test_a_file_without_ids_is_no_sweep(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "ids.txt").write_text("\n", encoding="utf-8")
    assert main(["forget", "shop", "--file", str(root / "ids.txt")]) == 2
    assert "there is no id in what was read" in capsys.readouterr().err


def test_a_disk_that_cannot_be_written(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crmreport.forget.reports.shutil.copytree", full)
    assert main(["forget", "shop", WHO]) == 4
    error = capsys.readouterr().err
    assert "something is left: see to the disk, then run the same again" in error
    assert WHO not in error
    monkeypatch.undo()
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    assert main(["forget", "shop"]) == 0
    assert holding(root, WHO) == set()


def test_verify_tells_what_was_taken_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["forget", "shop", WHO])
    capsys.readouterr()
    assert main(["verify", "--client", "shop"]) == 0
    taken = "4 rows taken out of 4 files by crmreport forget on "
    assert f"shop/{PERIOD}: {taken}" in capsys.readouterr().out
    assert main(["verify", "--client", "shop", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    assert report["ok"]
    assert report["taken_out"][0]["customers"] == 1


# Planned tests


def plan(root: Path) -> Path:
    return root / "clients" / "shop" / "tests" / "m1.yml"


def test_a_planned_test_goes_on_without_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_planned(plan(root))
    everybody = load_assignment(plan(root), before)
    main(["forget", "shop", WHO])
    after = load_planned(plan(root))
    left = load_assignment(plan(root), after)
    assert left["customer_id"].tolist() == [who for who in everybody["customer_id"] if who != WHO]
    assert (after.forgotten, after.assignment.before) == (1, before.assignment.sha256)
    said = {"assignment", "forgotten"}
    assert after.model_dump(exclude=said) == before.model_dump(exclude=said)
    capsys.readouterr()
    assert main(["plan-test", "--client", "shop", "--campaign", "m1", "--check"]) == 0
    assert "1 customers were forgotten since it was drawn" in capsys.readouterr().out
    main(["forget", "shop", ALSO, STAYS])
    assert load_planned(plan(root)).forgotten == 3


def test_cut_off_between_plan_and_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("crmreport.forget.kept.write_whole", cut_off)
    assert main(["forget", "shop", WHO]) == 4
    with pytest.raises(DataError):
        load_assignment(plan(root), load_planned(plan(root)))
    monkeypatch.undo()
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    assert main(["forget", "shop", ALSO]) == 0
    planned = load_planned(plan(root))
    assert {WHO, ALSO}.isdisjoint(load_assignment(plan(root), planned)["customer_id"])
    assert planned.forgotten == 2


def test_a_list_that_was_not_the_one_drawn_is_refused_as_before(root: Path) -> None:
    rewrite(plan(root).with_suffix(".csv"), STAYS, "M-1")
    assert main(["forget", "shop", WHO]) == 0
    assert holding(root, WHO) == set()
    with pytest.raises(DataError, match="its SHA-256 differs"):
        load_assignment(plan(root), load_planned(plan(root)))


def test_a_plan_says_nothing_of_it_before(root: Path) -> None:
    assert "forgotten" not in plan(root).read_text(encoding="utf-8")
    assert "before" not in plan(root).read_text(encoding="utf-8")
    assert crmreport.plan_file.load_planned(plan(root)).forgotten == 0


def test_pipes_get_a_clean_result(root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "crmreport", "forget", "shop", "-", "--json"],
        input=f"{WHO}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["asked"] == 1
