"""Reports over databases: made once, made again when a row changes, and without a word of the address."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmreport.config import Client
from crmreport.config_file import load_client
from crmreport.errors import DataError
from crmreport.produce.asking import Asking
from tests.databases.servers import PASSWORD, USER, Server
from tests.produce.faults.factory import PERIOD, Ended, Factory, one_line

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks are POSIX's")]

SOURCE = """\
    - query: SELECT customer, "order", day, yen FROM orders
      connection: ${{{variable}}}
"""
ROWS = [("c1", "o1", "2026-09-09", 500), ("c1", "o2", "2026-10-01", 1000), ("c2", "o3", "2026-10-02", 2000)]
LOOKS = """\
import crmreport as cr
print(cr.open_report(client, period, lang).order_lines.df()["revenue"].sum())
"""
ENVIRONMENT = "import os\nprint(os.environ)"


def over_a_database(factory: Factory, client: str, variable: str) -> None:
    """A client whose orders come from the database in that variable."""
    factory.add(client, "looks")
    factory.chapter("looks", LOOKS)
    file = factory.root / "clients" / client / "client.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("    - path: data/orders.csv\n", SOURCE.format(variable=variable)), "utf-8")
    shutil.rmtree(factory.root / "clients" / client / "data")


def fill(path: Path, rows: list[tuple]) -> None:
    """The orders of an SQLite file."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as base:
        base.execute('CREATE TABLE orders (customer, "order", day, yen)')
        base.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    base.close()


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Factory]:
    """A client over SQLite, one over a file."""
    made = Factory(tmp_path)
    (tmp_path / "clients").mkdir()
    over_a_database(made, "east", "EAST_DB")
    made.add("west")
    fill(tmp_path / "east.db", ROWS)
    monkeypatch.setenv("EAST_DB", f"sqlite:///{tmp_path}/east.db")
    try:
        yield made
    finally:
        made.close()


def message(ended: Ended) -> str:
    """Why the only report that was ordered failed."""
    return one_line(ended.document["error"]["message"])


def test_reports_follow_the_rows(factory: Factory) -> None:
    first = factory.run("--client", "east")
    assert (first.code, first.err) == (0, "")
    before = factory.published("east")
    fill(factory.root / "east.db", ROWS[::-1])
    assert factory.run("--client", "east").reports["east"]["unchanged"]
    assert factory.published("east") == before

    fill(factory.root / "east.db", [*ROWS, ("c3", "o4", "2026-10-03", 7)])
    changed = factory.run("--client", "east").reports["east"]
    assert [chapter["reused"] for chapter in changed["chapters"]] == [False, False]
    assert b"3507" in factory.published("east")["notebooks/looks.ipynb"]

    # Nothing is left that could be taken over, and the rows come in another order.
    shutil.rmtree(factory.root / "reports")
    shutil.rmtree(factory.root / "clients" / "east" / ".store")
    fill(factory.root / "east.db", [ROWS[1], ROWS[2], ROWS[0]])
    assert factory.run("--client", "east").code == 0
    after = factory.published("east")
    assert {name for name in before if before[name] != after[name]} == {"run.json"}

    (factory.root / "east.db").unlink()
    down = factory.run("--client", "east")
    assert down.code == 3
    assert "EAST_DB: the database cannot be read: there is no such file" in message(down)
    assert factory.published("east") == after, "a good report stays"


def test_a_database_that_is_down_leaves_the_other_clients_whole(factory: Factory, monkeypatch) -> None:
    (factory.root / "east.db").unlink()
    ended = factory.run("--all")
    assert ended.code == 3
    assert "EAST_DB: the database cannot be read: there is no such file" in ended.reports["east"]["error"]
    assert not factory.published("east")
    assert factory.published("west")
    assert (factory.attempt("east").status, factory.attempt("west").status) == ("failed", "complete")

    monkeypatch.delenv("EAST_DB")
    ended = factory.run("--all")
    assert ended.code == 2
    assert "the environment variable EAST_DB is not set; set it to" in ended.reports["east"]["error"]
    assert ended.reports["west"]["unchanged"]


def test_without_the_variable_a_chapter_opens_the_last_answer_and_says_how_old_it_is(
    factory: Factory, monkeypatch
) -> None:
    said = factory.start("check", "--client", "east").end()
    assert said.code == 0
    assert said.out.startswith("EAST_DB query ")
    assert "lines in 3 = stored 3 + quarantined 0 + excluded by rule 0" in said.out
    (factory.root / "east.db").unlink()
    monkeypatch.delenv("EAST_DB")
    code = (
        "import crmreport as cr; r = cr.open_report('east', '2026-10', 'en'); "
        "print(r.order_lines.df()['revenue'].sum())"
    )
    ended = factory.start(program=("-c", code)).end()
    assert (ended.code, ended.out) == (0, "3500.0\n")
    assert ended.err.startswith("EAST_DB query ")
    assert ": 3 rows as of 20" in ended.err
    assert "crmreport run and check ask the database again" in ended.err

    explained = factory.start("run", "--client", "east", "--period", PERIOD, "--explain").end()
    assert (explained.code, "rows as of" in explained.err) == (0, True)
    assert factory.start("run", "--client", "east", "--period", PERIOD, "--dry-run").end().code == 0
    assert factory.start("list", "--due", "--json").end().code == 0
    dry = factory.start("check", "--client", "east", "--dry-run").end()
    assert "order_lines: EAST_DB query " in dry.out


class Places:
    """A workshop in which work is done here and now."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def check(self) -> None:
        """Nobody stops it."""

    def call_until(self, deadline: float | None, what: str, function: Callable, *args: object) -> object:
        self.done.append(what)
        return function(*args)


def test_a_client_is_asked_once_in_a_run_also_when_it_does_not_answer(factory: Factory) -> None:
    begun: list[None] = []

    def ask(asking: Asking, client: Client, places: Places) -> None:
        asking.ask(factory.workspace, client, places, None, lambda: begun.append(None))  # type: ignore[arg-type]

    client = load_client(factory.workspace.client_file("east"))
    asking, places = Asking(), Places()
    for _ in range(2):
        ask(asking, client, places)
    assert places.done == ["asking the client's databases"]

    (factory.root / "east.db").unlink()
    asking, places = Asking(), Places()
    for _ in range(2):
        with pytest.raises(DataError, match="EAST_DB: the database cannot be read"):
            ask(asking, client, places)
    assert len(places.done) == 1

    files_only = load_client(factory.workspace.client_file("west"))
    ask(asking, files_only, places)
    assert len(places.done) == 1, "no process for a client of files"
    assert len(begun) == 4


def contents(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder, packed ones unpacked, PDFs as text."""
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        yield path, path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                yield from ((path / name, packed.read(name)) for name in packed.namelist())
        elif path.suffix == ".pdf" and shutil.which("pdftotext"):
            yield path, subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout


def test_no_part_of_the_address_is_in_any_file_or_word(
    factory: Factory, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = 'CREATE TABLE orders (customer TEXT, "order" TEXT, day DATE, yen INT)'
    postgres.do("DROP TABLE IF EXISTS orders", table, "INSERT INTO orders VALUES (%s, %s, %s, %s)", rows=ROWS)
    monkeypatch.setenv("EAST_DB", postgres.address)
    factory.chapter("looks", LOOKS, ENVIRONMENT)
    assert factory.run("--client", "east").code == 0
    assert b"EAST_DB query " in factory.published("east")["run.json"]
    monkeypatch.setenv("EAST_DB", postgres.with_password(f"{PASSWORD}-not"))
    assert factory.run("--client", "east").code == 3
    assert factory.start("check", "--client", "east").end().code == 3
    monkeypatch.setenv("EAST_DB", postgres.address)
    postgres.do("ALTER TABLE orders RENAME TO sold")
    failed = factory.run("--client", "east")
    assert 'relation "orders" does not exist' in message(failed)
    postgres.do("DROP TABLE sold")

    assert b"PATH" in factory.published("east")["notebooks/looks.ipynb"], "the chapter shows its environment"
    parts = (postgres.address, PASSWORD, USER, "canary", f":{postgres.port}")
    forms = [part.encode() for part in parts]
    looked_at = 0
    for path, content in contents(factory.root):
        looked_at += 1
        for form in forms:
            assert form not in content, f"{path} holds {form!r}"
    assert looked_at > 30
