"""``crmreport schedule``: the files it writes are put to use as their schedulers would."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from crmreport.cli import main
from crmreport.cli.schedule_files import Times
from crmreport.errors import ConfigError
from tests.cli.nightly import write_client, write_home

KINDS = {
    "--cron": ["crmreport.crontab"],
    "--systemd": ["crmreport.service", "crmreport.timer"],
    "--airflow": ["crmreport_dag.py"],
    "--github-actions": ["crmreport.yml"],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in a folder whose name has in it what crontabs, shells and units read as their own."""
    root = tmp_path / "50% of o'clock $HOME 顧客"
    root.mkdir()
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    return write_home(root)


def written(folder: Path, *words: str) -> dict[str, str]:
    assert main(["schedule", *words, "--output", str(folder)]) == 0
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_printed_is_what_is_written(home, tmp_path, capsys, kind):
    files = written(tmp_path / "out", kind)
    assert list(files) == KINDS[kind]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "out" / name) for name in files]
    assert main(["schedule", kind]) == 0
    printed = capsys.readouterr().out
    assert all(text in printed for text in files.values())
    assert all("[[" not in text and "[%" not in text for text in files.values())
    assert written(tmp_path / "out", kind) == files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param([], "which scheduler? say one of --cron, --systemd", id="none"),
        pytest.param(["--cron", "--systemd"], "which scheduler?", id="two"),
        pytest.param(["--cron", "--at", "24:00"], "--at '24:00' is no time of day", id="no such hour"),
        pytest.param(["--cron", "--at", "6"], "write it as 06:00", id="an hour alone"),
        pytest.param(
            ["--cron", "--day", "31"], "should be less than or equal to 28", id="a day few months have"
        ),
        pytest.param(["--cron", "--zone", "Tokyo"], "'Tokyo' is not a time zone", id="no such zone"),
        pytest.param(["--cron", "--zone", "../UTC"], "'../UTC' is not a time zone", id="a path as zone"),
        pytest.param(["--github-actions", "--day", "1"], "is in UTC a day that not every", id="day before"),
    ],
)
def test_what_cannot_be_scheduled_is_one_line(home, capsys, words, message):
    assert main(["schedule", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err


def test_clients_in_two_zones_have_to_be_asked(home, capsys):
    write_client(home, "york", days_ago=0, zone="America/New_York")
    assert main(["schedule", "--cron"]) == 2
    assert "the clients are in America/New_York, Asia/Tokyo; say one with --zone" in capsys.readouterr().err
    assert main(["schedule", "--cron", "--zone", "UTC"]) == 0
    assert "\nCRON_TZ=UTC\n" in capsys.readouterr().out


def test_a_file_somebody_changed_is_left_alone(home, tmp_path, capsys):
    folder = tmp_path / "out"
    written(folder, "--systemd")
    timer = folder / "crmreport.timer"
    timer.write_text(timer.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert main(["schedule", "--systemd", "--output", str(folder)]) == 2
    assert "crmreport.timer is there already and says something else" in capsys.readouterr().err
    assert timer.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_name_no_file_can_hold_is_refused(home, monkeypatch, capsys):
    root = home.with_name("two\nlines")
    shutil.copytree(home, root)
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    assert main(["schedule", "--cron"]) == 2
    assert "has a character in it that no scheduler's file can hold" in capsys.readouterr().err


WINTER, SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "now", "wanted"),
    [
        pytest.param(Times(6, 0, None, "Asia/Tokyo"), WINTER, (21, 0, None), id="Tokyo, every day"),
        pytest.param(Times(9, 30, 1, "Asia/Tokyo"), WINTER, (0, 30, 1), id="Tokyo, the same day"),
        pytest.param(Times(6, 0, 2, "America/New_York"), WINTER, (11, 0, 2), id="New York in winter"),
        pytest.param(Times(6, 0, 2, "America/New_York"), SUMMER, (10, 0, 2), id="New York in summer"),
        pytest.param(Times(20, 0, 2, "America/New_York"), WINTER, (1, 0, 3), id="New York, the next day"),
        pytest.param(Times(6, 0, 2, "Pacific/Auckland"), WINTER, (17, 0, 1), id="Auckland in summer"),
        pytest.param(Times(6, 0, 2, "Asia/Kolkata"), WINTER, (0, 30, 2), id="half an hour"),
    ],
)
def test_times_in_utc(times, now, wanted):
    utc = times.in_utc(now)
    assert (utc.hour, utc.minute, utc.day) == wanted


def test_a_day_february_lacks_in_utc_is_refused():
    with pytest.raises(ConfigError, match="day 28, 20:00 in America/New_York is in UTC a day"):
        Times(20, 0, 28, "America/New_York").in_utc(WINTER)


# cron


def crontab_entry(text: str) -> tuple[list[str], dict[str, str], str]:
    """Fields, variables and command of a crontab with one entry, read as cron reads it."""
    variables: dict[str, str] = {}
    entries: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            variables[name] = value
        else:
            entries.append(line)
    (entry,) = entries
    *fields, command = entry.split(None, 5)
    # An unescaped % would end the command.
    assert "%" not in command.replace(r"\%", "")
    return fields, variables, command.replace(r"\%", "%")


def run_by_cron(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """What cron does: /bin/sh -c with the environment it gives, from the home directory."""
    bare = {"HOME": str(home), "LOGNAME": "crm", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["/bin/sh", "-c", command], env=bare, cwd=home, capture_output=True, text=True, check=False
    )


def test_the_times_of_the_crontab(home, tmp_path):
    daily, variables, _ = crontab_entry(written(tmp_path / "a", "--cron")["crmreport.crontab"])
    monthly, _, _ = crontab_entry(
        written(tmp_path / "b", "--cron", "--at", "05:30", "--day", "2")["crmreport.crontab"]
    )
    assert (daily, monthly) == (["0", "6", "*", "*", "*"], ["30", "5", "2", "*", "*"])
    assert variables == {"CRON_TZ": "Asia/Tokyo"}


@pytest.mark.slow
def test_the_cron_line_makes_what_is_due_once(home, tmp_path, capsys):
    _, _, command = crontab_entry(written(tmp_path / "out", "--cron")["crmreport.crontab"])
    capsys.readouterr()
    assert main(["list", "--due", "--json"]) == 0
    due = {d["client"]: d["period"] for d in json.loads(capsys.readouterr().out)["due"]}
    assert set(due) == {"late", "shop"}

    first = run_by_cron(command, tmp_path)
    log = home / "reports" / "cron.log"
    assert (first.returncode, first.stdout, first.stderr) == (0, "", ""), log.read_text(encoding="utf-8")
    report = home / "reports" / "shop" / f"{due['shop']}-monthly"
    assert (report / "monthly.en.pdf").is_file()
    said = log.read_text(encoding="utf-8")
    assert "not yet delivered: the order lines of client 'late' stop on" in said
    assert not (home / "reports" / "late").exists()

    before = {path: path.stat().st_mtime_ns for path in report.rglob("*")}
    second = run_by_cron(command, tmp_path)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in report.rglob("*")} == before
    assert log.read_text(encoding="utf-8").startswith(said)
    assert main(["list", "--due", "--json"]) == 0
    assert {d["client"] for d in json.loads(capsys.readouterr().out)["due"]} == {"late"}


def test_a_cron_run_that_fails_is_heard_of(home, tmp_path):
    _, _, command = crontab_entry(written(tmp_path / "out", "--cron")["crmreport.crontab"])
    for client in ("late", "shop"):
        (home / "clients" / client / "client.yml").write_text(f"client: {client}\n", encoding="utf-8")
    done = run_by_cron(command, tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"crmreport ended with 2, see {home / 'reports' / 'cron.log'}\n"
    assert "clients/shop/client.yml:1: name: is missing" in (home / "reports" / "cron.log").read_text("utf-8")


def test_cron_finds_secrets_in_their_file(home, tmp_path):
    shutil.rmtree(home / "clients" / "shop")
    settings = home / "clients" / "late" / "client.yml"
    text = settings.read_text(encoding="utf-8").replace(
        "      columns:", "      password: ${LATE_KEY}\n      columns:"
    )
    settings.write_text(text, encoding="utf-8")
    _, _, command = crontab_entry(written(tmp_path / "out", "--cron")["crmreport.crontab"])
    log = home / "reports" / "cron.log"
    assert run_by_cron(command, tmp_path).returncode == 2
    assert "the environment variable LATE_KEY is not set" in log.read_text(encoding="utf-8")
    log.unlink()
    (home / "crmreport.env").write_text("LATE_KEY='open sesame'\n", encoding="utf-8")
    assert run_by_cron(command, tmp_path).returncode == 0
    assert "not yet delivered" in log.read_text(encoding="utf-8")
    assert "sesame" not in log.read_text(encoding="utf-8")


# systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
@pytest.mark.parametrize("words", [[], ["--day", "2", "--at", "05:30"]], ids=["every day", "monthly"])
def test_systemd_finds_nothing_wrong_with_the_units(home, tmp_path, words):
    files = written(tmp_path / "out", "--systemd", *words)
    units = [str(tmp_path / "out" / name) for name in files]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    (calendar,) = (
        line.partition("=")[2]
        for line in files["crmreport.timer"].splitlines()
        if line.startswith("OnCalendar=")
    )
    times = subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, check=False)
    assert times.returncode == 0


# GitHub Actions


@pytest.fixture
def workflow(home, tmp_path) -> dict:
    settings = home / "clients" / "shop" / "client.yml"
    text = settings.read_text(encoding="utf-8").replace(
        "      columns:", "      password: ${SHOP_KEY}\n      columns:"
    )
    settings.write_text(text + "delivery: [{via: apprise, url: '${SHOP_CHAT}'}]\n", encoding="utf-8")
    text = written(tmp_path / "out", "--github-actions", "--day", "2")["crmreport.yml"]
    assert str(home) not in text
    return YAML(typ="safe").load(text)


def test_the_workflow_runs_what_is_due_and_keeps_what_is_made(workflow):
    assert workflow["on"]["schedule"] == [{"cron": "0 21 1 * *"}]
    assert workflow["on"]["workflow_dispatch"]["inputs"]["period"]["default"] == "due"
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    steps = {step.get("name", step.get("uses")): step for step in job["steps"]}
    made = steps["Make the reports"]
    assert made["env"] == {
        "PERIOD": "${{ inputs.period || 'due' }}",
        "SHOP_CHAT": "${{ secrets.SHOP_CHAT }}",
        "SHOP_KEY": "${{ secrets.SHOP_KEY }}",
    }
    always = [step["uses"].partition("@")[0] for step in job["steps"] if step.get("if") == "always()"]
    assert always == ["actions/cache/save", "actions/upload-artifact"]


@pytest.mark.skipif(os.name != "posix", reason="there is no sh here")
def test_the_steps_of_the_workflow_are_shell_and_take_nothing_in_by_text(workflow):
    (job,) = workflow["jobs"].values()
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert len(scripts) == 3
    for script in scripts:
        subprocess.run(["sh", "-n", "-c", script], check=True)
        # What somebody types into the form must not become part of the script.
        assert "${{" not in script


def test_the_workflow_sets_up_as_the_project_does(workflow):
    root = Path(__file__).resolve().parents[2]
    (job,) = workflow["jobs"].values()
    (script,) = (step["run"] for step in job["steps"] if step.get("name") == "Set up")
    assert script.splitlines() == ["sudo .ci/system-packages run", "make setup"]
    assert (root / ".ci" / "system-packages").is_file()
    assert "\nsetup:" in (root / "Makefile").read_text(encoding="utf-8")


def test_the_workflow_sets_up_what_asks_a_clients_database(home, tmp_path):
    settings = home / "clients" / "shop" / "client.yml"
    text = settings.read_text(encoding="utf-8")
    asked = "  customers: [{connection: '${SHOP_DB}', query: SELECT 1 AS n, columns: {}}]\nreports:"
    assert "\nreports:" in text
    settings.write_text(text.replace("reports:", asked, 1), encoding="utf-8")
    made = YAML(typ="safe").load(written(tmp_path / "out", "--github-actions")["crmreport.yml"])
    (script,) = (s["run"] for s in made["jobs"]["reports"]["steps"] if s.get("name") == "Set up")
    extras = re.search(r"install --quiet --editable '\.\[(.+)\]'", script)
    assert extras is not None
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))
    assert set(extras[1].split(",")) <= set(project["project"]["optional-dependencies"])


# Airflow; tests/cli/test_airflow.py loads it


def test_the_dag_is_python_and_names_this_installation(home, tmp_path):
    tree = ast.parse(written(tmp_path / "out", "--airflow")["crmreport_dag.py"])
    names = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert names["HOME"] == str(home)
    assert Path(names["CRMREPORT"][0]).is_file()


@pytest.mark.parametrize(
    ("out", "code", "clients"),
    [
        pytest.param({"due": [{"client": "b"}], "unusable": []}, 0, ["b"], id="one is due"),
        pytest.param(
            {"due": [{"client": "b"}], "unusable": [{"client": "a"}]}, 2, ["a", "b"], id="one is not usable"
        ),
        pytest.param({"error": {"message": "no clients/ folder"}}, 2, None, id="nothing could be listed"),
        pytest.param(None, 1, None, id="it broke"),
    ],
)
def test_the_dag_asks_for_clients(home, tmp_path, monkeypatch, out, code, clients):
    """Its first task, without an Airflow: what it makes of the list."""
    assert main(["schedule", "--airflow", "--output", str(tmp_path / "dags")]) == 0
    (file,) = (tmp_path / "dags").glob("*.py")
    found: dict[str, Callable[[], list[str]]] = {}

    def task(function: Callable[[], list[str]]) -> Callable[[], list[str]]:
        found[function.__name__] = function
        return lambda: []

    class Mapped:
        def expand(self, **_: object) -> None:
            return

    task.bash = lambda **_: lambda _: Mapped()  # type: ignore[attr-defined]
    airflow = SimpleNamespace(dag=lambda **_: lambda function: function, task=task)
    monkeypatch.setitem(sys.modules, "airflow", SimpleNamespace(sdk=airflow))
    monkeypatch.setitem(sys.modules, "airflow.sdk", airflow)
    monkeypatch.setitem(sys.modules, "pendulum", SimpleNamespace(datetime=lambda *_, **__: None))
    runpy.run_path(str(file))
    said = "" if out is None else json.dumps(out)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: SimpleNamespace(returncode=code, stdout=said, stderr="it says why"),
    )
    if clients is None:
        with pytest.raises(RuntimeError, match="it says why"):
            found["clients"]()
    else:
        assert found["clients"]() == clients
