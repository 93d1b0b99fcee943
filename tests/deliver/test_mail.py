"""Reports sent to a real mail server on this machine, and everything a server may do instead."""

from __future__ import annotations

import hashlib

import pytest

from crmreport.cli import main
from tests.deliver.conftest import BOARD, OWNER, free_port, make_certificate, point_to
from tests.deliver.shops import ASK, DELIVERY, PERIOD, SEND, TOKEN, entries, publish, told

# Said by the test's server when it takes logins without TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")


def states(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, str]:
    """Send; the state of every recipient."""
    return {m["to"]: m["state"] for m in told(capsys, *more)}


def test_the_report_arrives_whole(root, serve, capsys):
    server = serve()
    assert main(SEND) == 0
    assert [who for who, _ in server.got] == [BOARD, OWNER]
    message = server.to(BOARD)
    assert message["Subject"] == "花田商店様 2026年10月 月次CRMレポート"
    assert message["From"] == "CRM分析チーム <reports@agency.example>"
    assert message["To"] == BOARD
    assert message["Date"].datetime.tzinfo is not None
    assert message["Message-ID"].endswith("@agency.example>")
    assert message["X-Unsent"] is None
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "shop_2026-10_assessment.ja.pdf"
    assert attached.get_content_type() == "application/pdf"
    published = (root / "reports" / "shop" / PERIOD / "assessment.ja.pdf").read_bytes()
    assert hashlib.sha256(attached.get_content()).digest() == hashlib.sha256(published).digest()
    said = message.get_body(("plain",)).get_content()
    assert "上位10%が売上の51%を占める" in said
    assert [line for line in said.splitlines() if "ja " in line][:3] == [
        "1. ja lapsed_top",
        "2. ja second",
        "3. ja third",
    ]
    assert "ja fourth" not in said
    assert "社外秘｜花田商店" in said
    page = message.get_body(("html",)).get_content()
    assert "<li>ja lapsed_top</li>" in page
    assert "http" not in page


def test_each_recipient_sees_nobody_else(root, serve):
    server = serve()
    main(SEND)
    assert OWNER not in server.to(BOARD).as_string()


def test_drafts_are_gone_once_they_are_sent(root, serve):
    serve()
    main(ASK)
    assert len(list(root.glob("reports/.outbox/**/*.eml"))) == 2
    main(SEND)
    assert not list(root.glob("reports/.outbox/**/*.eml"))


def test_only_this_clients_report_goes_to_it(root, serve):
    server = serve()
    other = DELIVERY.replace("hanada", "other")
    publish(root, "other", delivery=other)
    assert main(["deliver", "--all", "--period", PERIOD, "--send"]) == 0
    assert len(server.got) == 4
    for to, message in server.got:
        mine, theirs = ("shop", "other") if "hanada" in to else ("other", "shop")
        parts = [part.get_payload(decode=True) or b"" for part in message.walk()]
        assert any(TOKEN.format(client=mine).encode() in part for part in parts)
        assert not any(TOKEN.format(client=theirs).encode() in part for part in parts)


def test_one_client_that_may_not_be_delivered_does_not_stop_the_others(root, serve, capsys):
    server = serve()
    publish(root, "broken", delivery=DELIVERY.replace("hanada", "broken"), status="partial")
    assert main(["deliver", "--all", "--period", PERIOD, "--send"]) == 4
    assert {who for who, _ in server.got} == {BOARD, OWNER}
    assert "error: broken: reports/broken/2026-10: is an incomplete report" in capsys.readouterr().err


def test_encrypted_on_the_way_with_starttls(root, serve, certificate):
    server = serve(security="starttls", login=True, tls_context=certificate, require_starttls=True)
    assert main(SEND) == 0
    assert len(server.got) == 2
    assert server.logins == 1


def test_encrypted_from_the_first_byte(root, serve, certificate):
    server = serve(security="tls", login=True, ssl_context=certificate)
    assert main(SEND) == 0
    assert len(server.got) == 2


ANSWERS = {
    "unknown here": ("at_rcpt", "550 5.1.1 no such user", "refused", "550 5.1.1 no such user"),
    "come again later (greylisting)": ("at_rcpt", "451 4.7.1 try later", "put_off", "451 4.7.1 try later"),
    "mailbox full": ("at_data", "552 5.2.2 full", "refused", "552 5.2.2 full"),
    "too busy for the message": ("at_data", "452 4.3.1 disk", "put_off", "452 4.3.1 disk"),
    "dies before the message": ("at_rcpt", "drop", "failed", "the connection broke (SMTPServerDisconnected)"),
}


@pytest.mark.parametrize(("where", "answer", "state", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
def test_one_recipient_missed_is_told_and_only_that_one_is_tried_again(
    root, serve, capsys, where, answer, state, reason
):
    server = serve()
    getattr(server, where)[OWNER] = answer
    assert main(SEND) == 4
    assert "only those who are missing" in capsys.readouterr().err
    assert [(e["to"], e["mark"], e["reason"]) for e in entries(root)] == [
        (BOARD, "sent", ""),
        (OWNER, state, reason),
    ]
    getattr(server, where).clear()
    assert states(capsys) == {BOARD: "sent_before", OWNER: "sent"}
    assert [who for who, _ in server.got] == [BOARD, OWNER]


def test_the_first_refused_does_not_stop_the_second(root, serve, capsys):
    server = serve()
    server.at_rcpt[BOARD] = "550 no"
    assert states(capsys) == {BOARD: "refused", OWNER: "sent"}
    assert [who for who, _ in server.got] == [OWNER]


def test_a_server_that_dies_after_it_took_the_message_leaves_it_open(root, serve, capsys):
    server = serve()
    server.at_data[BOARD] = "drop"
    assert states(capsys) == {BOARD: "perhaps_sent", OWNER: "sent"}
    assert entries(root)[0]["mark"] == "sending"
    server.at_data.clear()
    assert states(capsys) == {BOARD: "perhaps_sent", OWNER: "sent_before"}
    assert [who for who, _ in server.got] == [OWNER]
    assert states(capsys, "--again", "--to", BOARD) == {BOARD: "sent"}
    assert [who for who, _ in server.got] == [OWNER, BOARD]


@pytest.mark.parametrize(
    ("where", "state"),
    [
        pytest.param("at_rcpt", "failed", id="before the message: for sure not sent"),
        pytest.param("at_data", "perhaps_sent", id="after the message: perhaps sent"),
    ],
)
def test_a_server_that_stops_answering_is_not_waited_for_forever(
    root, serve, capsys, monkeypatch, where, state
):
    server = serve()
    getattr(server, where)[BOARD] = "hold"
    monkeypatch.setenv("CRMREPORT_SMTP_TIMEOUT", "0.5")
    assert states(capsys) == {BOARD: state, OWNER: "sent"}


def test_a_wrong_password_is_tried_once_and_told_for_everybody(root, serve, capsys, monkeypatch):
    server = serve(login=True, auth_exclude_mechanism=["LOGIN"])
    monkeypatch.setenv("CRMREPORT_SMTP_PASSWORD", "wrong")
    assert states(capsys) == {BOARD: "failed", OWNER: "failed"}
    assert "refuses the login (535)" in entries(root)[0]["reason"]
    assert server.logins == 1
    assert server.got == []


def test_no_server_there(root, capsys, monkeypatch):
    point_to(monkeypatch, free_port())
    assert states(capsys) == {BOARD: "failed", OWNER: "failed"}
    assert "no mail server listens there" in entries(root)[0]["reason"]


def test_a_server_without_starttls_gets_nothing(root, serve, capsys):
    server = serve(security="starttls")
    assert states(capsys) == {BOARD: "failed", OWNER: "failed"}
    assert "offers no STARTTLS" in entries(root)[0]["reason"]
    assert server.tries == []


def test_a_certificate_nobody_signed_gets_nothing(root, serve, capsys, tmp_path):
    context, _ = make_certificate(tmp_path)
    server = serve(security="starttls", tls_context=context)
    assert states(capsys) == {BOARD: "failed", OWNER: "failed"}
    assert "certificate is not trusted" in entries(root)[0]["reason"]
    assert server.tries == []


def test_plain_where_tls_is_expected(root, serve, capsys):
    serve(security="tls")
    assert states(capsys) == {BOARD: "failed", OWNER: "failed"}
    assert "no TLS with the mail server" in entries(root)[0]["reason"]


SETTINGS = {
    "no server named": ({"HOST": ""}, "CRMREPORT_SMTP_HOST: not set"),
    "no sender named": ({"FROM": ""}, "CRMREPORT_SMTP_FROM: not set"),
    "a sender that breaks the header": ({"FROM": "a@b.jp\nBcc: c@d.jp"}, "CRMREPORT_SMTP_FROM: its value"),
    "a sender without an address": ({"FROM": "Reports"}, "CRMREPORT_SMTP_FROM: its value is not usable"),
    "another word for the security": ({"SECURITY": "ssl"}, "CRMREPORT_SMTP_SECURITY: its value is not"),
    "a port that is none": ({"PORT": "70000"}, "CRMREPORT_SMTP_PORT: its value is not usable"),
    "no time at all": ({"TIMEOUT": "0"}, "CRMREPORT_SMTP_TIMEOUT: its value is not usable"),
    "a user without a password": ({"USER": "u"}, "only one of them is set"),
    "a password readable on the way": (
        {"USER": "u", "PASSWORD": "p", "HOST": "mail.example"},
        "none would send the password readable",
    ),
}


@pytest.mark.parametrize(("changes", "message"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_that_is_missing_or_wrong_is_named_and_never_shown(
    root, serve, capsys, monkeypatch, changes, message
):
    server = serve()
    for name, value in changes.items():
        monkeypatch.setenv(f"CRMREPORT_SMTP_{name}", value)
    assert main(SEND) == 2
    assert message in capsys.readouterr().err
    assert server.tries == []
