"""No client's data in anything another client gets: every file is looked through, packed ones unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.produce.chapters import MIME
from tests.produce.faults.factory import ORDERS, Ended, Factory, one_line

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks are POSIX's")]

TOKENS = {"east": "kanaria-east-5521", "west": "kanaria-west-9034", "north": "カナリア北7716"}

# Shows customers in a table, prints them, puts them on a list: all the ways data take into a report.
CUSTOMERS = f"""\
import json, os, sys
import crmreport as cr
from IPython.display import display
report = cr.open_report(client, period, lang)
rows = report.order_lines.df()[["customer_id", "revenue"]].sort_values("customer_id")
print(rows)
print(rows, file=sys.stderr)
people = rows.drop_duplicates("customer_id").assign(reason="bought", consent_mail=True)
people.to_parquet(os.environ["CRMREPORT_LISTS"] + "/customers.bought.parquet", index=False)
csv = rows.to_csv(index=False)
cells = "".join(f"<tr><th>{{r.customer_id}}</th><td>{{r.revenue}}</td></tr>" for r in rows.itertuples())
html = f'<figure class="table" id="tab-customers-all"><table>{{cells}}</table></figure>'
columns = [{{"name": n, "label": n, "format": "text"}} for n in rows.columns]
spec = {{"title": "t", "note": "n", "columns": columns}}
shown = {{"kind": "table", "id": "customers.all", "csv": csv, "key": ["customer_id"],
         "spec": {{"ja": spec, "en": spec}}, "html": {{"ja": html, "en": html}}}}
said = {{"title": "Bought", "what": "They bought.", "so_what": "They buy.", "do_what": "Thank them."}}
box = '<aside class="finding info" id="finding-customers-bought"><p class="title">Bought</p></aside>'
found = {{"kind": "finding", "id": "customers.bought", "text": {{"ja": said, "en": said}},
         "html": {{"ja": box, "en": box}},
         "finding": {{"id": "customers.bought", "chapter": "customers", "severity": "info", "money": None,
                     "measure": "win_back", "facts": {{}}, "list_rows": len(people)}}}}
display({{{MIME!r}: {{"items": [shown, found]}}}}, raw=True)
"""
LEAK = """\
import os
from pathlib import Path
home = Path(os.environ["CRMREPORT_HOME"])
print((home / "clients" / "west" / "data" / "orders.csv").read_text())
"""


@pytest.fixture(scope="module")
def factory(empty: Factory) -> Factory:
    """Clients with a canary each among their customers; all reports are published."""
    for client, token in TOKENS.items():
        empty.add(client, "customers", more=f"canary: {token}\n")
        data = empty.root / "clients" / client / "data" / "orders.csv"
        data.write_text(ORDERS.replace("c2", token), encoding="utf-8")
    empty.chapter("customers", CUSTOMERS)
    return empty


@pytest.fixture(scope="module")
def ended(factory: Factory) -> Ended:
    """The run of all clients, side by side, with all it says."""
    return factory.start("run", "--period", "2026-10", "--all", "--jobs", "2", "--events").end()


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())
    elif path.suffix == ".parquet":
        yield str(pyarrow.parquet.read_table(path).to_pydict()).encode()
    elif path.suffix == ".pdf" and shutil.which("pdftotext"):
        yield subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout


def _holders(folders: list[Path], token: str) -> set[str]:
    """Kinds of files that hold a token, in one of the ways it may be written."""
    written = (token.encode(), token.encode("unicode_escape"), token.encode("utf-16-le"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    return {
        path.suffix
        for path in files
        for content in _contents(path)
        if any(word in content for word in written)
    }


def _places(factory: Factory, client: str) -> list[Path]:
    """Everything that is written for a client."""
    reports, home = factory.root / "reports", factory.root / "clients" / client
    return [reports / client, reports / ".cache" / client, reports / ".attempts" / client, home / ".store"]


@pytest.mark.parametrize("client", TOKENS)
def test_a_canary_is_in_its_own_report_and_in_no_other(factory: Factory, ended: Ended, client: str) -> None:
    assert ended.code == 0
    own = _holders(_places(factory, client), TOKENS[client])
    assert own >= {".html", ".ipynb", ".csv", ".xlsx", ".parquet"}
    if shutil.which("pdftotext"):
        assert ".pdf" in own
    for other in TOKENS.keys() - {client}:
        assert _holders(_places(factory, client), TOKENS[other]) == set()


def test_no_canary_is_in_the_logs_or_on_the_shelf(factory: Factory, ended: Ended) -> None:
    shelf = (factory.root / "reports" / "index.html").read_text(encoding="utf-8")
    for token in TOKENS.values():
        assert token not in ended.out + ended.err + shelf


def test_a_leak_is_refused_and_nothing_of_it_is_published(factory: Factory, ended: Ended) -> None:
    assert ended.code == 0
    before = {client: factory.published(client) for client in TOKENS}
    assert all(before.values())
    factory.chapter("customers", CUSTOMERS, LEAK)
    told = factory.run("--client", "east", "--client", "west")

    assert told.code == 4
    assert told.reports["east"]["exit_code"] == 4
    said = one_line(told.err)
    assert "holds the canary of client 'west'; the report is not published" in said
    assert TOKENS["west"] not in told.out + told.err
    assert factory.published("east") == before["east"]
    assert not factory.partial("east").exists()
    assert factory.attempt("east").status == "failed"
    assert _holders(_places(factory, "east"), TOKENS["west"]) == set()
    assert factory.staged() == []
    # Of the one whose own data they are, it is none.
    assert told.reports["west"]["unchanged"] is False

    factory.chapter("customers", CUSTOMERS)
    factory.assert_repaired("east", "west")
