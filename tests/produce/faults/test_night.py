"""One night's run in which everything goes wrong that a chapter or a client's files can do, and the next.

Each fault has a client of its own, whose report was published before; one client has none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tests.produce.faults.factory import PERIOD, Ended, Factory, one_line

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks are POSIX's")]

CHAPTERS = {
    "raises": "raise ValueError('no such decile')",
    "hangs": "import time; time.sleep(3600)",
    "eats": "held = []\nwhile True: held.append(bytearray(32 * 1024**2))",
    "prints": "for _ in range(100): print('x' * 1024**2)",
    "shows_too_much": "'x' * (70 * 1024**2)",
    "never_before": "raise ValueError('no such decile')",
}
CHAPTER_SAYS = {
    "raises": "cell 'code-0': ValueError: no such decile",
    "hangs": "cell 'code-0': took longer than 10 s; allow more with --cell-timeout",
    "eats": "GB of memory, allowed are 1.5 GB; allow more with --memory",
    "prints": "cell 'code-0': printed more than 2 MB; show results with report.show",
    "shows_too_much": "cell 'code-0': showed more than 64 MB; show results with report.show",
    "never_before": "cell 'code-0': ValueError: no such decile",
}
OUT_OF_BAND = """\
import os, subprocess, sys
os.write(1, b"OUT OF BAND\\n")
subprocess.run(["echo", "OUT OF BAND"])
subprocess.run(["sh", "-c", "echo OUT OF BAND >&2"])
print("in band", os.environ.get("NIGHT_SECRET"), "TZ" in os.environ)
"""


def _bad_yaml(home: Path) -> None:
    (home / "client.yml").write_text("client: [unclosed\n", encoding="utf-8")


def _folder_in_place(home: Path) -> None:
    (home / "data" / "orders.csv").unlink()
    (home / "data" / "orders.csv").mkdir()


def _cut_off_workbook(home: Path) -> None:
    book = home / "data" / "orders.xlsx"
    with zipfile.ZipFile(book, "w") as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>" * 1000)
    book.write_bytes(book.read_bytes()[:100])
    _read(home, "orders.xlsx")


def _not_a_table(home: Path) -> None:
    (home / "data" / "orders.csv").write_bytes(bytes(range(256)) * 64)


def _not_allowed(home: Path) -> None:
    (home / "data" / "orders.csv").chmod(0)


def _not_allowed_settings(home: Path) -> None:
    (home / "client.yml").chmod(0)


def _read(home: Path, name: str) -> None:
    file = home / "client.yml"
    file.write_text(file.read_text("utf-8").replace("data/orders.csv", f"data/{name}"), encoding="utf-8")


FILES = {
    "bad_yaml": (_bad_yaml, 2, "clients/bad_yaml/client.yml:"),
    "folder_in_place": (_folder_in_place, 3, "orders.csv"),
    "cut_off_workbook": (_cut_off_workbook, 3, "orders.xlsx"),
    "not_a_table": (_not_a_table, 3, "orders.csv"),
}
if os.geteuid():
    # Root may read everything.
    FILES["not_allowed"] = (_not_allowed, 3, "orders.csv")
    FILES["not_allowed_settings"] = (_not_allowed_settings, 2, "client.yml")
GOOD = ("good", "loud")
DELIVERY = "delivery:\n  - {via: email, to: [board@shop.example], languages: [en]}\n"


@dataclass(frozen=True, slots=True)
class Night:
    """A run in which much went wrong.

    Args:
        before: What was published of each client.
        ended: How the run ended.
    """

    factory: Factory
    before: dict[str, dict[str, bytes]]
    ended: Ended


@pytest.fixture(scope="module")
def night(empty: Factory) -> Iterator[Night]:
    """Reports of all clients, then faults, then a run of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHT_SECRET", "canary-secret-5512")
        patch.setenv("TZ", "Asia/Tokyo")
        yield _night(empty)


def _night(empty: Factory) -> Night:
    clients = [*GOOD, *CHAPTERS, *FILES]
    for client in clients:
        empty.add(client, more=DELIVERY)
    first = [client for client in clients if client != "never_before"]
    empty.assert_repaired(*first)
    before = {client: empty.published(client) for client in clients}
    for client in (*GOOD, *CHAPTERS):
        empty.orders(client, "c3,o4,2026-10-03,4000")
    for client, code in CHAPTERS.items():
        empty.chapter(f"{client}_part", code)
    empty.chapter("loud_part", OUT_OF_BAND)
    for client, (spoil, _, _) in FILES.items():
        spoil(empty.root / "clients" / client)
    limits = ("--cell-timeout", str(10 / 60), "--memory", "1.5", "--jobs", "2")
    return Night(empty, before, empty.run("--all", *limits))


def test_the_run_ends_with_the_code_of_a_failure_and_one_line_for_each(night: Night) -> None:
    failed = {*CHAPTERS, *FILES}
    assert night.ended.code == 2
    assert len(night.ended.errors) == len(failed)
    assert night.ended.err.count("\n") == len(failed)
    assert {one_line(line).split()[1].rstrip(":") for line in night.ended.errors} == failed


@pytest.mark.parametrize("client", CHAPTERS)
def test_a_chapter_that_fails(night: Night, client: str) -> None:
    factory, record = night.factory, night.ended.reports[client]
    assert record["exit_code"] == 4
    assert record["error"].startswith(f"1 of 2 chapters failed, first {client}_part: cell 'code-0': ")
    assert CHAPTER_SAYS[client] in one_line(record["error"])
    assert factory.published(client) == night.before[client]

    attempt = factory.attempt(client)
    # What stands on the shelf does not tell where the workspace lies.
    said = record["error"].replace(f"{factory.root}/", "")
    assert said != record["error"]
    assert (attempt.status, attempt.exit_code, attempt.error) == ("partial", 4, said)
    partial = factory.partial(client)
    marked = json.loads((partial / "run.json").read_text(encoding="utf-8"))
    assert (marked["status"], marked["chapters"][1]["status"]) == ("partial", "failed")
    assert "assessment.partial.en.html" in {p.name for p in partial.iterdir()}
    notebook = partial / "notebooks" / f"{client}_part.ipynb"
    cells = nbformat.read(notebook, as_version=4).cells
    assert [c.metadata.papermill.status for c in cells][-2:] == ["failed", "not run"]
    assert notebook.stat().st_size < 4 * 1024**2


@pytest.mark.parametrize("client", FILES)
def test_a_file_that_cannot_be_read(night: Night, client: str) -> None:
    _, code, named = FILES[client]
    record = night.ended.reports[client]
    assert record["exit_code"] == code
    assert named in one_line(record["error"])
    assert night.factory.published(client) == night.before[client]


def test_the_shelf_names_the_client_whose_settings_cannot_be_read(night: Night) -> None:
    shelf = (night.factory.root / "reports" / "index.en.html").read_text(encoding="utf-8")
    assert "clients/bad_yaml/client.yml:" in shelf


@pytest.mark.parametrize("client", GOOD)
def test_the_others_are_made(night: Night, client: str) -> None:
    assert night.ended.reports[client]["unchanged"] is False
    assert night.factory.published(client) not in ({}, night.before[client])
    assert night.factory.attempt(client).status == "complete"


def test_what_a_chapter_prints_past_its_kernel_is_not_in_the_result(night: Night) -> None:
    assert "OUT OF BAND" not in night.ended.out + night.ended.err
    said = (night.factory.folder("loud") / "notebooks" / "loud_part.ipynb").read_text(encoding="utf-8")
    assert "in band None True" in said, "a run's secrets are not for its chapters"


def test_nothing_is_left_about(night: Night) -> None:
    night.factory.assert_nobody_left()
    assert night.factory.staged() == []


@pytest.mark.parametrize(
    ("client", "said"),
    [
        pytest.param(
            "never_before", "there is only an incomplete report, which is never delivered", id="alone"
        ),
        pytest.param("raises", "the last run of it ended partial", id="beside an older complete one"),
    ],
)
def test_a_partial_report_is_not_delivered(night: Night, client: str, said: str) -> None:
    ended = night.factory.start("deliver", "--client", client, "--period", PERIOD).end()
    assert ended.code == 4
    assert said in one_line(ended.err)
    assert not (night.factory.root / "reports" / ".outbox").exists()


def test_a_report_takes_no_longer_than_it_may(night: Night) -> None:
    client = "hangs"
    ended = night.factory.run("--client", client, "--timeout", str(20 / 60))
    assert ended.code == 4
    # On a busy machine before the chapter began; no word of it that speaks of a failure.
    assert re.fullmatch(
        r"error: the report took longer than it may \(20 s\): its time ran out "
        r"(in|before) chapter hangs_part(, cell 'code-0')?; allow more with --timeout",
        one_line(ended.err),
    )
    assert night.factory.published(client) == night.before[client]
    night.factory.assert_nobody_left()
    assert night.factory.staged() == []


def test_the_next_night_makes_all_of_them(night: Night) -> None:
    factory = night.factory
    for client in CHAPTERS:
        factory.chapter(f"{client}_part")
    for client in FILES:
        home = factory.root / "clients" / client
        for file in (home, home / "data", home / "data" / "orders.csv"):
            file.chmod(0o755)
        shutil.rmtree(home)
        factory.add(client, more=DELIVERY)
    factory.assert_repaired(*CHAPTERS, *FILES, *GOOD)
