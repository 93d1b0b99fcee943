"""The DAG in a real Airflow, which lives in an environment of its own: ``make test-airflow``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from crmreport.cli import main
from tests.cli.nightly import write_home

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("CRMREPORT_AIRFLOW_PYTHON", ROOT / ".cache" / "airflow" / "bin" / "python"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.is_file(), reason="there is no Airflow here; make test-airflow brings one"),
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The workspace, and what Airflow says of the DAG after it has run once."""
    home = write_home(tmp_path_factory.mktemp("home of 顧客"))
    folder = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMREPORT_HOME", str(home))
        words = ["--airflow", "--day", "2", "--at", "05:30", "--output", str(folder / "dags")]
        assert main(["schedule", *words]) == 0
    environment.pop("CRMREPORT_HOME", None)
    for words in (
        ["-m", "airflow", "db", "migrate"],
        [str(Path(__file__).with_name("airflow_run.py")), str(folder / "dags"), str(folder / "result.json")],
    ):
        done = subprocess.run(
            [PYTHON, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return home, json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_the_dag_loads(ran):
    found = ran[1]
    assert (found["errors"], found["dags"]) == ({}, ["crmreport"])
    assert found["tasks"] == {"clients": [], "make": ["clients"]}
    assert (found["cron"], found["zone"]) == ("30 5 2 * *", "Asia/Tokyo")
    assert (found["catchup"], found["max_active_runs"], found["retries"]) == (False, 1, 2)


def test_the_dag_makes_what_is_due_with_one_task_per_client(ran):
    home, found = ran
    assert found["state"] == "success"
    assert found["runs"] == [
        ["clients", None, "success"],
        ["make", "late", "success"],
        ["make", "shop", "success"],
    ]
    (report,) = (home / "reports" / "shop").glob("*-monthly")
    assert (report / "monthly.en.pdf").is_file()
    assert not (home / "reports" / "late").exists()
