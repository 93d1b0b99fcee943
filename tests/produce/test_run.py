"""From files to a published report, and what happens when something fails on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crmreport.errors import ConfigError, DataError, RunError
from crmreport.produce import Limits, publish, run_report
from crmreport.produce.kernels.execute import Task, execute
from crmreport.produce.kernels.workshop import Workshop
from crmreport.workspace import Workspace
from tests.produce.chapters import write_chapter

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(shop: Path, tmp_path: Path) -> Path:
    """A published shop a test may break."""
    return shutil.copytree(shop, tmp_path / "shop")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _break(root: Path, code: str) -> None:
    path = root / "notebooks" / "decile.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(code, id="broken"))
    nbformat.write(notebook, path)


def test_everything_is_delivered(shop: Path) -> None:
    folder = shop / "reports" / "shop" / "2026-10"
    assert sorted(_bytes(folder)) == [
        "assessment.en.html",
        "assessment.en.pdf",
        "assessment.ja.html",
        "assessment.ja.pdf",
        "index.en.html",
        "index.html",
        "lists/decile.lapsed_top.csv",
        "lists/decile.lapsed_top.xlsx",
        "notebooks/data_quality.ipynb",
        "notebooks/decile.ipynb",
        "notebooks/sales.ipynb",
        "run.json",
        "tables.en.xlsx",
        "tables.ja.xlsx",
        "tables/decile.deciles.csv",
        "tables/sales.kpi.csv",
    ]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    assert record["flows"] == [
        {"table": "order_lines", "rows_in": 3, "stored": 3, "quarantined": 0, "excluded": 0}
    ]
    assert record["lists"] == {
        "decile.lapsed_top": {"rows": 2, "without_consent": 1, "in_test": 0, "test_until": None}
    }
    assert {o["path"] for o in record["outputs"]} == set(_bytes(folder)) - {"run.json"}
    assert not any((shop / "reports" / ".staging").iterdir())


def test_nothing_changed_nothing_done(copy: Path) -> None:
    folder = copy / "reports" / "shop" / "2026-10"
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    again = run_report(Workspace(copy), "shop", "2026-10")
    assert again.reused
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_a_file_changed_by_hand_is_made_again_with_the_same_bytes(copy: Path) -> None:
    folder = copy / "reports" / "shop" / "2026-10"
    before = _bytes(folder)
    (folder / "assessment.ja.html").write_text("oops", encoding="utf-8")
    again = run_report(Workspace(copy), "shop", "2026-10")
    assert not again.reused
    assert all(chapter.reused for chapter in again.chapters)
    after = _bytes(folder)
    assert {k for k in before if before[k] != after[k]} == {"run.json"}


@pytest.mark.parametrize(
    ("code", "match"),
    [
        pytest.param(
            "raise ValueError('no deciles')", "cell 'broken': ValueError: no deciles", id="it raises"
        ),
        pytest.param(
            "import os; os._exit(1)", "cell 'broken': its kernel ended in the middle", id="its kernel dies"
        ),
    ],
)
def test_failed_chapter_gives_a_partial_report_beside_the_good_one(copy: Path, code: str, match: str) -> None:
    folder = copy / "reports" / "shop" / "2026-10"
    good = _bytes(folder)
    _break(copy, code)
    with pytest.raises(RunError, match=match):
        run_report(Workspace(copy), "shop", "2026-10")
    partial = copy / "reports" / ".partial" / "shop" / "2026-10"
    assert {k: v for k, v in _bytes(folder).items() if "partial" not in k} == good
    assert "未完成版" in (partial / "assessment.partial.ja.html").read_text(encoding="utf-8")
    record = json.loads((partial / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "partial"
    assert [c["status"] for c in record["chapters"]] == ["done", "failed", "done"]
    cells = nbformat.read(partial / "notebooks" / "decile.ipynb", as_version=4).cells
    states = [c.metadata["papermill"]["status"] for c in cells if "papermill-error" not in str(c.metadata)]
    assert states.count("failed") == 1
    assert states[states.index("failed") + 1 :] == ["not run"]


def test_too_few_customers_withhold_a_chapter_and_the_report_is_complete(copy: Path) -> None:
    _break(
        copy,
        "from crmreport.errors import TooFewError\n"
        "raise TooFewError('paying_customers', found=3, needed=10, remedy='look at a longer window')",
    )
    made = run_report(Workspace(copy), "shop", "2026-10")
    assert [c.status for c in made.chapters] == ["done", "withheld", "done"]
    record = json.loads((made.path / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    assert record["chapters"][1]["reason"] == (
        "too few paying customers: 3 found, 10 or more needed; look at a longer window"
    )
    for lang, said in {
        "ja": "購入金額が0円を超える顧客が3人と少ないため（10人以上必要）、この章の数字は出していません。",
        "en": "This chapter gives no numbers: only 3 customers spent more than 0, and it needs 10 or more.",
    }.items():
        page = (made.path / f"assessment.{lang}.html").read_text(encoding="utf-8")
        assert said in page
        assert 'href="#chapter-decile"' in page
        assert "上位10%が売上の51%を占める" not in page
    assert not (made.path / "lists").exists()
    executed = (made.path / "notebooks" / "decile.ipynb").read_text(encoding="utf-8")
    assert '"status": "withheld"' in executed
    assert "Traceback" not in executed
    assert "papermill-error" not in executed
    again = run_report(Workspace(copy), "shop", "2026-10")
    assert again.reused
    assert [c.status for c in again.chapters] == ["done", "withheld", "done"]


def test_failed_check_leaves_the_old_report_whole(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy / "reports" / "shop" / "2026-10"
    (folder / "assessment.ja.html").write_text("old", encoding="utf-8")
    old = _bytes(folder)

    def refuse(*_: object, **__: object) -> None:
        raise RunError("run.json: refused")

    monkeypatch.setattr(publish, "write_record", refuse)
    with pytest.raises(RunError, match="refused"):
        run_report(Workspace(copy), "shop", "2026-10")
    assert _bytes(folder) == old
    assert not any((copy / "reports" / ".staging").iterdir())


def test_chapter_without_its_table_is_left_out_and_says_so(copy: Path) -> None:
    declared = copy / "notebooks" / "data_quality.yml"
    text = declared.read_text(encoding="utf-8").replace("[order_lines]", "[order_lines, customers]")
    declared.write_text(text, encoding="utf-8")
    made = run_report(Workspace(copy), "shop", "2026-10")
    assert [c.status for c in made.chapters] == ["done", "done", "skipped"]
    assert "顧客マスタ" in (made.path / "assessment.ja.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        pytest.param(("[sales, decile", "[sales, decil"), "decil", id="unknown chapter"),
        pytest.param(
            ("data_quality]", "data_quality]\n    parameters: {decile: {window_month: 6}}"),
            "did you mean window_months",
            id="misspelt parameter",
        ),
    ],
)
def test_refused_before_anything_runs(copy: Path, change: tuple[str, str], match: str) -> None:
    file = copy / "clients" / "shop" / "client.yml"
    file.write_text(file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    shutil.rmtree(copy / "reports")
    with pytest.raises(ConfigError, match=match):
        run_report(Workspace(copy), "shop", "2026-10")
    assert not (copy / "reports" / "shop").exists()


def test_interrupted_publication_is_put_right(copy: Path) -> None:
    workspace = Workspace(copy)
    folder = copy / "reports" / "shop" / "2026-10"
    before = _bytes(folder)
    folder.rename(copy / "reports" / ".staging" / "shop+2026-10.old")
    publish.recover(workspace, folder)
    assert _bytes(folder) == before


def test_a_script_may_make_a_report_without_a_guard_around_it(copy: Path) -> None:
    shutil.rmtree(copy / "reports")
    script = copy / "night.py"
    script.write_text(
        "from pathlib import Path\n"
        "from crmreport.produce import run_report\n"
        "from crmreport.workspace import Workspace\n"
        f"print(run_report(Workspace(Path({str(copy)!r})), 'shop', '2026-10').reused)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_cell_that_takes_too_long_is_a_failure(tmp_path: Path) -> None:
    write_chapter(tmp_path, "decile", "import time; time.sleep(60)", "1")
    task = Task(
        "decile",
        tmp_path / "decile.ipynb",
        tmp_path / "out.ipynb",
        tmp_path / "lists",
        {"client": "shop", "period": "2026-10", "lang": "ja"},
    )
    with Workshop(Limits(cell_timeout=2)) as workshop:
        outcome = execute(task, workshop)
    assert outcome.status == "failed"
    assert "code-0" in (outcome.error or "")
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).metadata.papermill.failed


SENDS = """\
  sends:
    - path: data/sends.csv
      columns: {campaign_id: campaign, customer_id: customer, sent_at: day, arm: arm}
campaigns:
  - id: m1
    name: {ja: 案内, en: Offer}
    channel: mail
    start: 2026-10-05
    end: 2026-10-05
    randomised: true
    control: held
    arms: {mail: {share: 0.5, name: {ja: 配信, en: Mail}}, held: {share: 0.5, name: {ja: 非配信, en: Held}}}
reports:
  plain: {chapters: [sales]}
"""


def test_an_arm_nobody_described_is_refused_before_a_chapter_begins(copy: Path) -> None:
    home = copy / "clients" / "shop"
    settings = home / "client.yml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("reports:\n", SENDS).replace("data_quality]", "data_quality, campaign]"))
    (home / "data" / "sends.csv").write_text(
        "campaign,customer,day,arm\nm1,c1,2026-10-05,B\nm1,c2,2026-10-05,held\n", encoding="utf-8"
    )
    write_chapter(
        copy / "notebooks", "campaign", f"open({str(copy / 'begun')!r}, 'w')", needs=("order_lines", "sends")
    )
    with pytest.raises(DataError, match=r"campaign 'm1': the send log has the arm 'B' \(1 lines\)"):
        run_report(Workspace(copy), "shop", "2026-10", force=True)
    assert not (copy / "begun").exists()
    run_report(Workspace(copy), "shop", "2026-10", report="plain")
    assert (copy / "reports" / "shop" / "2026-10-plain" / "run.json").is_file(), "it reads no campaign"


def test_pdf_tools_agree(shop: Path) -> None:
    if not shutil.which("pdffonts"):
        pytest.skip("poppler is not on this machine")
    pdf = shop / "reports" / "shop" / "2026-10" / "assessment.ja.pdf"
    listed = subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout
    assert "Type 3" not in listed
    assert all(" yes " in line for line in listed.splitlines()[2:])
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
    assert "花田商店" in text
    assert "3,000円" in text
