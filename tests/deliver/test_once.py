"""Nobody gets a report twice by itself: not on the next call, not after a crash, not from two at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from crmreport.cli import main
from tests.deliver.conftest import BOARD, OWNER
from tests.deliver.shops import PERIOD, SEND, entries, journal, publish

WAIT = 60


def who(server) -> list[str]:
    return [address for address, _ in server.got]


def test_a_second_call_sends_nothing(root, serve, capsys):
    server = serve()
    assert main(SEND) == 0
    capsys.readouterr()
    assert main(SEND) == 0
    assert who(server) == [BOARD, OWNER]
    assert f"has it: since {entries(root)[0]['at']}" in capsys.readouterr().out


def test_the_journal_says_who_got_what(root, serve):
    server = serve()
    main(SEND)
    found = json.loads(journal(root).read_text())
    record = json.loads((root / "reports" / "shop" / PERIOD / "run.json").read_text())
    published = {o["path"]: o["sha256"] for o in record["outputs"]}
    assert {k: v for k, v in found.items() if k != "entries"} == ABOUT
    first = found["entries"][0]
    assert (first["to"], first["via"], first["mark"]) == (BOARD, "email", "sent")
    assert first["key"] == record["key"]
    assert first["files"] == {"shop_2026-10_assessment.ja.pdf": published["assessment.ja.pdf"]}
    assert first["message_id"] == server.to(BOARD)["Message-ID"]
    assert first["at"].endswith("+00:00")


def test_again_sends_again_under_another_id(root, serve):
    server = serve()
    main(SEND)
    main([*SEND, "--again", "--to", OWNER])
    assert who(server) == [BOARD, OWNER, OWNER]
    assert server.got[1][1]["Message-ID"] != server.got[2][1]["Message-ID"]


def test_a_try_after_a_failure_keeps_its_id(root, serve):
    server = serve()
    server.at_data[BOARD] = "451 later"
    main(SEND)
    server.at_data.clear()
    main(SEND)
    tries = entries(root)
    assert [e["to"] for e in tries] == [BOARD, OWNER, BOARD]
    assert tries[0]["message_id"] == tries[2]["message_id"]


def test_a_report_made_anew_goes_only_to_those_who_have_none(root, serve, capsys):
    server = serve()
    main([*SEND, "--to", BOARD])
    publish(root, data="2")
    capsys.readouterr()
    assert main(SEND) == 0
    assert who(server) == [BOARD, OWNER]
    shown = capsys.readouterr()
    assert "has an earlier version: since" in shown.out
    assert "the report changed since it was sent to some; --again sends them the new one" in shown.err
    main([*SEND, "--again", "--to", BOARD])
    assert who(server) == [BOARD, OWNER, BOARD]


def test_a_recipient_added_later_gets_it_alone(root, serve):
    server = serve()
    main(SEND)
    file = root / "clients" / "shop" / "client.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("[board@", "[new@hanada.example, board@"))
    main(SEND)
    assert who(server) == [BOARD, OWNER, "new@hanada.example"]


def test_the_way_an_address_is_written_makes_nobody_new(root, serve):
    server = serve()
    main(SEND)
    file = root / "clients" / "shop" / "client.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("board@hanada", "Board@Hanada"))
    main(SEND)
    assert who(server) == [BOARD, OWNER]


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "crmreport", *SEND],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def test_killed_while_sending_it_is_perhaps_sent_and_never_doubled(root, serve, capsys):
    server = serve()
    server.at_data[BOARD] = "hold"
    sender = start()
    assert server.holding.wait(WAIT)
    sender.kill()
    sender.communicate()
    server.at_data.clear()
    assert main(SEND) == 0
    assert who(server) == [OWNER]
    shown = capsys.readouterr()
    assert "PERHAPS SENT: since " in shown.out
    assert "perhaps sent: ask the recipient; it is not sent again by itself" in shown.err
    assert main([*SEND, "--again", "--to", BOARD]) == 0
    assert who(server) == [OWNER, BOARD]


def test_two_at_once_send_once(root, serve, capsys):
    server = serve()
    server.at_data[BOARD] = "hold"
    first = start()
    try:
        assert server.holding.wait(WAIT)
        assert main(SEND) == 4
        said = f"by another crmreport deliver (pid {first.pid} on host "
        assert said in capsys.readouterr().err
        assert server.tries == [BOARD]
    finally:
        first.kill()
        first.communicate()


ABOUT = {"schema": 1, "client": "shop", "period": PERIOD, "report": "assessment"}
ENTRY = {"to": BOARD, "via": "email", "key": "k", "message_id": "", "at": "", "files": {}, "reason": ""}
SPOILT = {
    "cut off": ("{", "cannot be read, and it says who has the report"),
    "another form": ('{"schema": 2, "entries": []}', "cannot be read"),
    "an unknown state": (json.dumps({**ABOUT, "entries": [{**ENTRY, "mark": "gone"}]}), "cannot be read"),
    "another report's": (
        json.dumps({**ABOUT, "client": "other", "entries": []}),
        "is the journal of another report",
    ),
}


@pytest.mark.parametrize(("text", "message"), SPOILT.values(), ids=SPOILT.keys())
def test_without_a_readable_journal_nothing_is_sent(root, serve, capsys, text, message):
    server = serve()
    journal(root).parent.mkdir(parents=True)
    journal(root).write_text(text)
    assert main(SEND) == 4
    assert message in capsys.readouterr().err
    assert server.tries == []


def test_a_journal_that_cannot_be_written_stops_before_the_message(root, serve, capsys):
    server = serve()
    journal(root).mkdir(parents=True)
    (journal(root) / "in the way").touch()
    assert main(SEND) == 4
    assert "sent.json" in capsys.readouterr().err
    assert server.tries == []


def test_a_journal_that_cannot_be_written_after_the_message_counts_as_perhaps_sent(
    root, serve, capsys, monkeypatch
):
    server = serve()

    async def full_disk(self_server, session, envelope):
        # The message is taken; from now on the journal cannot be replaced.
        server.got.append((envelope.rcpt_tos[0], None))
        journal(root).rename(journal(root).with_name("aside"))
        journal(root).mkdir()
        (journal(root) / "in the way").touch()
        return "250 taken"

    monkeypatch.setattr(server, "handle_DATA", full_disk)
    assert main(SEND) == 4
    assert f"{BOARD} is sent in truth and stands there as perhaps sent" in capsys.readouterr().err
    assert who(server) == [BOARD]
    (journal(root) / "in the way").unlink()
    journal(root).rmdir()
    journal(root).with_name("aside").rename(journal(root))
    monkeypatch.undo()
