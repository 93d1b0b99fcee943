"""Reports that must not go out, and what is said then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crmreport.cli import main
from crmreport.deliver import published
from crmreport.produce.attempts import Attempt, write_attempt
from crmreport.produce.records.verify import verify
from crmreport.workspace import Workspace
from tests.deliver.shops import DELIVERY, PERIOD, SEND, change_record, publish


def folder(root: Path) -> Path:
    return root / "reports" / "shop" / PERIOD


def another_clients_report_in_its_place(root: Path) -> None:
    theirs = publish(root, "other")
    shutil.rmtree(folder(root))
    shutil.move(theirs, folder(root))


def another_months_report_in_its_place(root: Path) -> None:
    theirs = publish(root, period="2026-09")
    shutil.rmtree(folder(root))
    shutil.move(theirs, folder(root))


def only_a_partial_report(root: Path) -> None:
    aside = root / "reports" / ".partial" / "shop"
    aside.mkdir(parents=True)
    shutil.move(folder(root), aside)


def last_run_failed(root: Path) -> None:
    tried = Attempt(
        "shop", PERIOD, "assessment", ("ja",), "partial", 4, "decile: no deciles", "2026-11-02", 1.0, "k2", ""
    )
    write_attempt(Workspace(root), tried)


def link_instead_of_a_file(root: Path) -> None:
    pdf = folder(root) / "assessment.ja.pdf"
    shutil.move(pdf, root / "elsewhere.pdf")
    pdf.symlink_to(root / "elsewhere.pdf")


REFUSED: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "no report": (
        lambda root: shutil.rmtree(folder(root)),
        4,
        "reports/shop/2026-10: there is no such report; make it: crmreport run --client shop",
    ),
    "only an incomplete one": (
        only_a_partial_report,
        4,
        "there is only an incomplete report, which is never",
    ),
    "marked as incomplete": (
        lambda root: publish(root, status="partial"),
        4,
        "is an incomplete report, which is never delivered",
    ),
    "a page changed by hand": (
        lambda root: (folder(root) / "assessment.ja.html").write_text("oops"),
        4,
        "is not as it was published (assessment.ja.html:",
    ),
    "a file is gone": (
        lambda root: (folder(root) / "tables.en.xlsx").unlink(),
        4,
        "is not as it was published (tables.en.xlsx: is missing",
    ),
    "a file nobody made": (
        lambda root: (folder(root) / "extra.pdf").write_text("x"),
        4,
        "is not as it was published (extra.pdf: is not in run.json",
    ),
    "a link instead of a file": (link_instead_of_a_file, 4, "is not as it was published (assessment.ja.pdf"),
    "a record changed by hand": (
        lambda root: change_record(folder(root), title={"ja": "別の題", "en": "Other"}),
        4,
        "is not as it was published (run.json: was edited",
    ),
    "no record that can be read": (
        lambda root: (folder(root) / "run.json").write_text("{"),
        4,
        "reports/shop/2026-10/run.json: cannot be read",
    ),
    "another client's report in its place": (
        another_clients_report_in_its_place,
        4,
        "its run.json is of the client 'other', not 'shop'; nothing was sent",
    ),
    "another month's report in its place": (
        lambda root: shutil.move(
            publish(root, period="2026-09"), shutil.rmtree(folder(root)) or folder(root)
        ),
        4,
        "its run.json is of the period '2026-09', not '2026-10'",
    ),
    "the last run of it failed": (
        last_run_failed,
        4,
        "is out of date; the last run of it ended partial",
    ),
    "made before reports kept their title": (
        lambda root: publish(root, client_name={}, title={}),
        4,
        "was made by an earlier crmreport and lacks its title",
    ),
    "nobody gets it": (lambda root: publish(root, delivery=""), 2, "delivery: nobody gets assessment"),
    "a language that was not made": (
        lambda root: (shutil.rmtree(folder(root)), publish(root, languages=("en",))),
        2,
        "holds en and board@hanada.example gets ja; run it in all languages",
    ),
    "larger than its limit": (
        lambda root: publish(
            root, pdf=bytes(800_000), delivery=DELIVERY.replace("[ja]}", "[ja], max_mb: 1}")
        ),
        2,
        "the message to board@hanada.example would be 1.1 MB (shop_2026-10_assessment.ja.pdf 800 kB), more "
        "than 1.0 MB",
    ),
    "a line break in the client's name": (
        lambda root: publish(root, client_name={"ja": "花田\r\nBcc: x@evil.example", "en": "x"}),
        2,
        "clients/shop/client.yml: name.ja: ",
    ),
    "a mark that turns the direction in the title": (
        lambda root: publish(root, title={"ja": "月次\u202eレポート", "en": "x"}),
        2,
        "clients/shop/client.yml: reports.assessment.title.ja: ",
    ),
}


@pytest.mark.parametrize(("spoil", "code", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_with_a_way_out_and_nothing_is_sent(root, serve, capsys, spoil, code, message):
    server = serve()
    spoil(root)
    assert main(SEND) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert len(shown.splitlines()) == 1
    assert server.tries == []
    assert not list(root.glob("reports/.outbox/**/*.eml"))


def test_a_report_replaced_while_it_is_read_is_not_sent(root, serve, capsys, monkeypatch):
    server = serve()

    def checked_then_replaced(report: Path):
        found = verify(report)
        (report / "assessment.ja.pdf").write_bytes(b"another run's")
        return found

    monkeypatch.setattr(published, "verify", checked_then_replaced)
    assert main(SEND) == 4
    assert "assessment.ja.pdf: is not the file run.json tells of" in capsys.readouterr().err
    assert server.tries == []


def test_the_dry_run_refuses_the_same(root, capsys):
    (folder(root) / "assessment.ja.html").write_text("oops")
    assert main(SEND[:-1]) == 4
    assert "is not as it was published" in capsys.readouterr().err


def test_a_recipient_of_somebody_else_cannot_be_named(root, capsys):
    assert main([*SEND[:-1], "--to", "me@evil.example"]) == 2
    assert "delivery: me@evil.example does not get assessment; it goes to board@" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["deliver", "--period", PERIOD], "which client? name one", id="no client"),
        pytest.param(
            ["deliver", "--client", "shop", "--all", "--period", PERIOD], "which client?", id="one and all"
        ),
        pytest.param(
            ["deliver", "--client", "shop", "--period", PERIOD, "--report", "weekly"],
            "reports: there is no 'weekly'; there is assessment, monthly",
            id="unknown report",
        ),
        pytest.param(
            ["deliver", "--all", "--period", PERIOD, "--report", "weekly"],
            "no client has a recipient for weekly",
            id="unknown report of all",
        ),
        pytest.param(
            ["deliver", "--client", "shop", "--period", "2026/10"], "is not a period", id="no period"
        ),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(root, capsys, arguments, message):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_an_outbox_that_cannot_be_written_stops_before_anything_is_sent(root, serve, capsys):
    server = serve()
    (root / "reports" / ".outbox").write_text("in the way")
    assert main(SEND) == 4
    assert ".outbox" in capsys.readouterr().err
    assert server.tries == []
