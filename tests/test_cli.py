"""The command line as a shell sees it: what is printed where, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

import crmreport.produce
from crmreport.cli import clock, main
from crmreport.cli.reference import reference
from crmreport.config_file import load_client
from crmreport.errors import ConfigError, DataError, NotDeliveredError, RunError
from crmreport.produce import ChapterRun, Order, Published, Result
from crmreport.produce.attempts import Attempt, write_attempt
from crmreport.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("init", "check", "run", "verify", "diff", "forget", "list", "lab", "demo")

CLIENT = """\
client: {id}
name: {{ja: 店, en: "Shop [bold]{id}[/bold]"}}
sources:
  order_lines:
    - path: data/orders.csv
      columns: {{customer_id: 会員番号, order_id: 伝票番号, ordered_at: 購入日, revenue: 金額}}
reports:
  assessment: {{chapters: [sales]}}
"""
ORDERS = "会員番号,伝票番号,購入日,金額\n0001,a,2026-10-01,1000\n0002,b,2026-10-02,2000\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of two clients and one chapter, named by CRMREPORT_HOME."""
    for client_id in ("east", "west"):
        folder = tmp_path / "clients" / client_id
        (folder / "data").mkdir(parents=True)
        (folder / "client.yml").write_text(CLIENT.format(id=client_id), encoding="utf-8")
        (folder / "data" / "orders.csv").write_text(ORDERS, encoding="utf-8")
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "sales.yml").write_text("chapter: sales\ntitle: {ja: 売上, en: Sales}\n", encoding="utf-8")
    parameters = nbformat.v4.new_code_cell('client = "east"\nperiod = "2026-10"\nlang = "ja"')
    parameters.metadata.tags = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters]), notebooks / "sales.ipynb")
    monkeypatch.setenv("CRMREPORT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Replace the making of reports: clients named in ``fails`` raise; the orders are kept."""
    calls: list[Order] = []
    fails: dict[str, BaseException] = {}

    def one(order: Order) -> Result:
        calls.append(order)
        error = fails.get(order.client)
        if isinstance(error, Exception):
            return Result(order, None, error, 1.0)
        if error:
            raise error
        folder = tmp_path / "reports" / order.client / order.period
        folder.mkdir(parents=True)
        (folder / "index.html").touch()
        spoken = order.languages or ("ja", "en")
        left_out = tuple(lang for lang in ("ja", "en") if lang not in spoken)
        chapters = (ChapterRun("sales", "done", False, 1.0, memory=2**20, slowest=(("kpis", 0.5),)),)
        published = Published(folder, chapters, {"total": 1.0}, False, {"ja": 9}, spoken, left_out)
        return Result(order, published, None, 1.0)

    def run_reports(workspace, orders, *, limits, force, progress, done):
        return [one(order) for order in orders]

    monkeypatch.setattr(crmreport.produce, "run_reports", run_reports)
    return calls, fails


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_shows_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"Example:\n    crmreport {command}" in capsys.readouterr().out


def test_the_page_of_commands_is_what_help_says():
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "run make docs"


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys; from crmreport.cli import main; main(['--help'])\n"
        "heavy = {'pandas', 'polars', 'duckdb', 'matplotlib', 'nbconvert', 'weasyprint', 'pydantic'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["runn"], "No such command 'runn'. Did you mean 'run'?", id="misspelt command"),
        pytest.param(["run", "--perod", "2026-10"], "No such option: --perod", id="misspelt option"),
        pytest.param(["run", "--client", "east"], "Missing option '--period'", id="no period"),
        pytest.param(["run", "-p", "2026-10"], "which client? name one with --client", id="no client"),
        pytest.param(
            ["run", "-p", "2026-10", "-c", "east", "--all"], "which client?", id="one client and all"
        ),
        pytest.param(
            ["run", "-p", "October", "-c", "east"], "period 'October' is not a period", id="no such period"
        ),
        pytest.param(["run", "-p", "2026-10", "-c", "eastt"], "did you mean 'east'?", id="no such client"),
        pytest.param(["check", "-c", "../x"], "client '../x' is not a safe name", id="client with a slash"),
        pytest.param(
            ["run", "-p", "2026-10", "-c", "east", "-r", "asessment", "--dry-run"],
            "there is no 'asessment'; there is assessment",
            id="no such report",
        ),
        pytest.param(
            ["run", "-p", "2026-10", "-c", "east", "-l", "fr", "--dry-run"],
            "language 'fr' is not one of ja, en",
            id="no such language",
        ),
        pytest.param(["demo"], "there is no clients/demo/client.yml", id="demo outside the project"),
        pytest.param(
            ["init", "east"], "clients/east/client.yml is there already", id="init over a client file"
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(home, capsys, words, message):
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a"), 2),
        (DataError("a"), 3),
        (RunError("a"), 4),
        (KeyboardInterrupt(), 130),
        (ValueError("a"), 1),
    ],
    ids=["config 2", "data 3", "run 4", "stopped 130", "unexpected 1"],
)
def test_exit_codes(home, made, capsys, error, code):
    made[1]["east"] = error
    assert main(["run", "-c", "east", "-p", "2026-10"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_an_unexpected_fault_shows_its_traceback_when_asked(home, made, capsys, monkeypatch):
    made[1]["east"] = ValueError("odd")
    monkeypatch.setenv("CRMREPORT_TRACEBACK", "1")
    assert main(["run", "-c", "east", "-p", "2026-10"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_run_says_where_the_report_is(home, made, capsys):
    assert main(["run", "-c", "east", "-p", "2026-10", "--lang", "ja,en"]) == 0
    assert made[0] == [Order("east", "2026-10", languages=("ja", "en"))]
    assert "reports/east/2026-10/index.html" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ["--lang", "ja"],
            "the report now holds ja only, no files in en; run without --lang for all languages\n",
            id="one of two",
        ),
        pytest.param(["--lang", "en,ja"], "", id="both"),
        pytest.param([], "", id="not given"),
    ],
)
def test_run_says_when_a_report_holds_not_all_languages(home, made, capsys, words, said):
    assert main(["run", "-c", "east", "-p", "2026-10", *words]) == 0
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert "".join(line for line in lines if "holds" in line) == said


def test_other_clients_go_on_when_one_fails(home, made, capsys):
    made[1]["east"] = DataError("orders.csv is [red]broken[/red]")
    assert main(["run", "--all", "-p", "2026-10", "--json"]) == 3
    printed = capsys.readouterr()
    east, west = json.loads(printed.out)["reports"]
    assert (east["client"], east["exit_code"]) == ("east", 3)
    assert (west["client"], west["pages"]) == ("west", {"ja": 9})
    assert printed.err == "error: east 2026-10: orders.csv is [red]broken[/red]\n"


def _without_files(home: Path, client_id: str) -> None:
    folder = home / "clients" / client_id
    folder.mkdir(exist_ok=True)
    (folder / "client.yml").write_text(CLIENT.format(id=client_id), encoding="utf-8")


def test_all_skips_a_client_whose_files_are_not_there_yet(home, made, capsys):
    _without_files(home, "completejourney")
    _without_files(home, "north")
    assert main(["run", "--all", "-p", "2026-10", "--json"]) == 0
    printed = capsys.readouterr()
    assert [order.client for order in made[0]] == ["east", "west"]
    skipped = {r["client"]: r["skipped"] for r in json.loads(printed.out)["reports"] if "skipped" in r}
    assert skipped == {
        "completejourney": "none of its files is here; "
        "crmreport demo completejourney, or make completejourney, fetches them",
        "north": "none of its files is here; put them into clients/north/data/",
    }
    assert printed.err.startswith("skipped: completejourney: none of its files is here; ")


@pytest.mark.parametrize("why", ["files gone", "share away"])
def test_all_does_not_skip_a_client_whose_files_should_be_there(home, made, capsys, why):
    _without_files(home, "north")
    if why == "files gone":
        (home / "clients" / "north" / ".store").mkdir()
    else:
        file = home / "clients" / "north" / "client.yml"
        text = file.read_text(encoding="utf-8").replace("data/orders", "/no/such/share/orders")
        file.write_text(text, encoding="utf-8")
    made[1]["north"] = DataError("no such file")
    assert main(["run", "--all", "-p", "2026-10"]) == 3


@pytest.mark.parametrize("words", [["run", "-p", "2017-11"], ["check"]], ids=["run", "check"])
def test_a_client_of_the_project_without_its_files_names_the_command_that_makes_them(home, capsys, words):
    _without_files(home, "completejourney")
    assert main([*words, "-c", "completejourney"]) == 3
    assert "crmreport demo completejourney, or make completejourney" in capsys.readouterr().err


def test_with_json_an_error_is_json_too(home, capsys):
    assert main(["run", "-c", "est", "-p", "2026-10", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["exit_code"]) == ("ConfigError", 2)


def test_dry_run_plans_and_writes_nothing(home, made, capsys):
    before = sorted(home.rglob("*"))
    assert main(["run", "-c", "east", "-p", "2026-Q3", "--dry-run", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)["reports"]
    assert (plan["start"], plan["as_of"]) == ("2026-07-01", "2026-09-30")
    assert [step["chapter"] for step in plan["chapters"]] == ["sales"]
    assert made[0] == []
    assert sorted(home.rglob("*")) == before


def test_check_accounts_for_every_line(home, capsys):
    assert main(["check", "-c", "east"]) == 0
    printed = capsys.readouterr()
    assert "lines in 2 = stored 2 + quarantined 0 + excluded by rule 0" in printed.out
    assert printed.err == ""


def test_check_as_json_is_the_intake_report(home, capsys):
    assert main(["check", "-c", "east", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"]["order_lines"]["rows"] == 2


def test_list_names_clients_and_chapters_and_shows_markup_as_text(home, capsys):
    (home / "clients" / "west" / "client.yml").write_text("client: [", encoding="utf-8")
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "east: 店 / Shop [bold]east[/bold]; reports: assessment" in out
    assert "west: not usable: clients/west/client.yml:1: not YAML" in out
    assert "  sales" in out


def test_control_characters_of_a_file_do_not_reach_the_terminal(home, capsys):
    (home / "clients" / "east" / "client.yml").write_text('client: "\\e[31m"\n', encoding="utf-8")
    main(["check", "-c", "east"])
    assert "\x1b" not in capsys.readouterr().err


def test_lab_tells_what_to_install(home, capsys, monkeypatch):
    monkeypatch.setattr("crmreport.cli.lab.find_spec", lambda name: None)
    assert main(["lab"]) == 2
    assert "pip install 'crmreport[lab]'" in capsys.readouterr().err


def test_lab_says_where_a_clients_parameters_go(capsys):
    assert main(["lab", "--help"]) == 0
    assert "reports.REPORT.parameters.CHAPTER in client.yml" in " ".join(capsys.readouterr().out.split())


def test_lab_starts_in_the_notebooks_with_the_workspace_set(home, capsys):
    assert main(["lab", "--dry-run", "--no-browser"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"CRMREPORT_HOME={home} ")
    assert f"--notebook-dir={home / 'notebooks'} --no-browser" in out


def test_init_without_a_terminal_leaves_marked_todos_and_says_so(home, capsys):
    assert main(["init", "north", "--empty"]) == 0
    out = capsys.readouterr().out
    text = (home / "clients" / "north" / "client.yml").read_text(encoding="utf-8")
    assert "TODO name.ja: the client's name in Japanese" in out
    assert "Fill in the 6 lines marked TODO" in out
    assert text.count("# TODO") == 6
    assert (home / "clients" / "north" / "data").is_dir()


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        pytest.param(None, "clients/north/data/ does not exist", id="no folder"),
        pytest.param("", "clients/north/data/ holds no files", id="empty folder"),
        pytest.param(".DS_Store", "clients/north/data/ holds no files", id="a hidden file"),
    ],
)
def test_init_without_data_makes_no_client(home, capsys, hold, said):
    data = home / "clients" / "north" / "data"
    if hold is not None:
        data.mkdir(parents=True)
        if hold:
            (data / hold).touch()
    before = sorted(home.rglob("*"))
    assert main(["init", "north", "--name-ja", "北", "--name-en", "North"]) == 2
    assert f"error: {said}; put the client's files there first, or say --empty" in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


def test_init_recognises_the_files_and_needs_nothing_more_when_told_the_rest(home, capsys):
    folder = home / "clients" / "north"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "orders.csv").write_text(ORDERS, encoding="cp932")
    words = ["--name-ja", "北: 店", "--name-en", "North", "--currency", "JPY"]
    assert main(["init", "north", *words, "--timezone", "Asia/Tokyo", "--tax-included"]) == 0
    client = load_client(folder / "client.yml", reports=False)
    assert client.name == {"ja": "北: 店", "en": "North"}
    columns = client.sources["order_lines"][0].columns
    assert columns["customer_id"] == "会員番号"
    assert columns["revenue"] == "金額"


def test_a_command_in_a_process_of_its_own_leaves_stderr_clean(home):
    done = subprocess.run(
        [sys.executable, "-m", "crmreport", "check", "--client", "east"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_clients_periods_and_reports_are_multiplied(home, made, capsys):
    assert main(["run", "--all", "-p", "2026-09", "-p", "2026-10", "-r", "assessment"]) == 0
    assert [(o.client, o.period) for o in made[0]] == [
        ("east", "2026-09"),
        ("east", "2026-10"),
        ("west", "2026-09"),
        ("west", "2026-10"),
    ]
    out = capsys.readouterr().out
    assert "4 made\n" in out
    assert "slowest cells: sales/kpis of east 2026-09 0.5 s" in out


def test_a_client_file_nobody_can_read_does_not_stop_the_others(home, made, capsys):
    (home / "clients" / "east" / "client.yml").write_text("client: [", encoding="utf-8")
    assert main(["run", "--all", "-p", "2026-10", "--json"]) == 2
    printed = capsys.readouterr()
    assert [order.client for order in made[0]] == ["west"]
    assert [r["client"] for r in json.loads(printed.out)["reports"]] == ["east", "west"]
    assert printed.err.startswith("error: east: clients/east/client.yml:1: not YAML")


def test_the_last_lines_count_clients_whose_file_cannot_be_read(home, made, capsys):
    (home / "clients" / "east" / "client.yml").write_text("client: [", encoding="utf-8")
    assert main(["run", "--all", "-p", "2026-10"]) == 2
    assert "1 made, 1 not usable\n" in capsys.readouterr().out


def test_data_that_are_not_there_yet_are_no_failure(home, made, capsys):
    made[1]["east"] = NotDeliveredError("not yet delivered: the order lines stop on 2026-09-30")
    assert main(["run", "--all", "-p", "2026-10", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["reports"][0]["waiting"].startswith("not yet delivered")
    assert printed.err.startswith("waits: east 2026-10: not yet delivered")


def test_explain_says_which_due_months_wait_for_data(home, capsys, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 10, tzinfo=UTC))
    assert main(["run", "-c", "east", "-p", "due", "--explain"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("waits: east 2026-11: not yet delivered: ")
    assert main(["run", "-c", "east", "-p", "due", "--explain", "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["reports"]
    assert (planned["period"], planned["waiting"][:17]) == ("2026-11", "not yet delivered")


def test_explain_of_a_month_without_data_is_as_a_run_of_it(home, capsys):
    assert main(["run", "-c", "east", "-p", "2026-11", "--explain"]) == 3
    assert capsys.readouterr().err.startswith("error: ")
    orders = home / "clients" / "west" / "data" / "orders.csv"
    orders.write_text(ORDERS + "0003,c,2026-11-05,500\n0003,d,2026-12-01,500\n", encoding="utf-8")
    assert main(["run", "--all", "-p", "2026-11", "--explain"]) == 3
    printed = capsys.readouterr()
    assert printed.err.startswith("error: east 2026-11: ")
    assert printed.out.startswith("would make assessment of west for 2026-11-01 to 2026-11-30")


def _attempted(home: Path, client: str, status: str) -> None:
    """Leave what a run leaves: the record of the last attempt, and a report if it was complete."""
    folder = home / "reports" / client / "2026-10"
    if status == "complete":
        folder.mkdir(parents=True)
        record = {"status": "complete", "languages": ["ja", "en"]}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    attempt = Attempt(
        client,
        "2026-10",
        "assessment",
        ("ja", "en"),
        status,
        0,
        "",
        "2026-11-01",
        1.0,
        "",
        f"{client}/2026-10",
    )
    write_attempt(Workspace(home), attempt)


@pytest.mark.parametrize(
    ("states", "left"),
    [
        pytest.param({"east": "complete", "west": "complete"}, [], id="all there"),
        pytest.param({"east": "complete", "west": "failed"}, ["west"], id="one failed"),
        pytest.param({"east": "complete"}, ["west"], id="one never tried"),
        pytest.param({"east": "stopped", "west": "partial"}, ["east", "west"], id="stopped and partial"),
    ],
)
def test_resume_makes_what_failed_or_is_missing(home, made, capsys, states, left):
    for client, status in states.items():
        _attempted(home, client, status)
    assert main(["run", "--all", "-p", "2026-10", "--resume"]) == 0
    assert [order.client for order in made[0]] == left
    assert ("nothing is left to do" in capsys.readouterr().err) is (not left)


def test_explain_says_why_and_makes_nothing(home, made, capsys):
    assert main(["run", "-c", "east", "-p", "2026-10", "--explain"]) == 0
    out = capsys.readouterr().out
    assert "  sales: never made\n  report: never made\n" in out
    assert made[0] == []
