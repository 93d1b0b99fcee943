"""Other services through apprise, against a real web server on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crmreport.cli import main
from crmreport.deliver import service
from tests.deliver.conftest import BOARD, free_port
from tests.deliver.shops import PERIOD, SEND, publish, told

ADDRESS = "CRMREPORT_TEST_SERVICE"
TO = f"${{{ADDRESS}}}"
ONE = f"delivery: [{{via: apprise, url: '{TO}', languages: [ja]}}]\n"
PDF = "shop_2026-10_assessment.ja.pdf"

pytest.importorskip("apprise")


@dataclass
class WebServer:
    """What was posted, and what is answered."""

    port: int = 0
    answer: int = 200
    got: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[WebServer]:
    told = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            if told.answer:
                self.send_response(told.answer)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def posted(root: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The shop's report goes to the web server as JSON."""
    monkeypatch.setenv(ADDRESS, f"json://127.0.0.1:{web.port}/canary-token-6620")
    publish(root, delivery=ONE)
    return web


def states(capsys: pytest.CaptureFixture[str], *more: str) -> list[tuple[str, str]]:
    return [(m["state"], m["reason"]) for m in told(capsys, *more)]


def test_the_service_gets_text_and_file(root, posted):
    assert main(SEND) == 0
    ((path, body),) = posted.got
    assert path == "/canary-token-6620"
    message = json.loads(body)
    assert message["title"] == "花田商店様 2026年10月 月次CRMレポート"
    assert "上位10%が売上の51%を占める" in message["message"]
    (attached,) = message["attachments"]
    assert attached["filename"] == PDF
    published = (root / "reports" / "shop" / PERIOD / "assessment.ja.pdf").read_bytes()
    assert base64.b64decode(attached["base64"]) == published


def test_as_a_form_too(root, web, monkeypatch):
    monkeypatch.setenv(ADDRESS, f"form://127.0.0.1:{web.port}/")
    publish(root, delivery=ONE)
    assert main(SEND) == 0
    ((_, body),) = web.got
    assert (root / "reports" / "shop" / PERIOD / "assessment.ja.pdf").read_bytes() in body
    assert PDF.encode() in body


def test_it_is_sent_once(posted, capsys):
    assert states(capsys) == [("sent", "")]
    assert states(capsys)[0][0] == "sent_before"
    assert len(posted.got) == 1


ANSWERS = {
    "not found": (404, "refused", "the service answered 404"),
    "too many": (429, "put_off", "the service answered 429"),
    "not now": (503, "put_off", "the service answered 503"),
    "taken, but no answer": (0, "perhaps_sent", "the service did not confirm the message"),
}


@pytest.mark.parametrize(("answer", "state", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_the_service_answers_is_told(posted, capsys, answer, state, reason):
    posted.answer = answer
    assert states(capsys) == [(state, reason)]
    posted.answer = 200
    assert states(capsys)[0][0] == ("perhaps_sent" if state == "perhaps_sent" else "sent")


def test_a_service_that_is_not_there(root, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, f"json://127.0.0.1:{free_port()}/")
    publish(root, delivery=ONE)
    assert states(capsys) == [("failed", "the service cannot be reached")]


def test_a_service_that_takes_no_files_says_so_in_its_text(root, posted, monkeypatch):
    monkeypatch.setattr(service.Service, "takes_files", False)
    assert main(SEND) == 0
    message = json.loads(posted.got[0][1])
    assert not message.get("attachments")
    assert "ファイルを添付できないため" in message["message"]
    assert PDF not in message["message"]


def test_braces_in_a_name_are_text(root, posted):
    publish(root, delivery=ONE, client_name={"ja": "{{ app_id }}店", "en": "x"})
    assert main(SEND) == 0
    assert json.loads(posted.got[0][1])["title"].startswith("{{ app_id }}店様")


def test_mail_and_service_in_one_round(root, posted, serve):
    server = serve()
    mail = "delivery:\n- {via: email, to: [board@hanada.example], languages: [ja]}\n"
    publish(root, delivery=f"{mail}- {{via: apprise, url: '{TO}', languages: [ja]}}\n")
    assert main(SEND) == 0
    assert [who for who, _ in server.got] == [BOARD]
    assert len(posted.got) == 1


def test_the_dry_run_needs_neither_address_nor_apprise(root, capsys, monkeypatch):
    monkeypatch.delenv(ADDRESS, raising=False)
    monkeypatch.setattr(service, "find_spec", lambda _: None)
    publish(root, delivery=ONE)
    assert main(SEND[:-1]) == 0
    assert f"would go: apprise {TO} [ja]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "message"),
    [
        pytest.param(None, f"{ADDRESS}: the environment variable is not set", id="not set"),
        pytest.param("nowhere-6620", f"{ADDRESS}: its value is not one address", id="no address"),
        pytest.param("json://a/6620, json://b/6620", f"{ADDRESS}: its value is not one address", id="two"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(root, capsys, monkeypatch, address, message):
    monkeypatch.delenv(ADDRESS, raising=False)
    if address:
        monkeypatch.setenv(ADDRESS, address)
    publish(root, delivery=ONE)
    assert main(SEND) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "6620" not in shown.out + shown.err


def test_without_apprise_the_way_to_it_is_told(root, capsys, monkeypatch):
    monkeypatch.setattr(service, "find_spec", lambda _: None)
    publish(root, delivery=ONE)
    assert main(SEND) == 2
    assert "pip install 'crmreport[deliver]'" in capsys.readouterr().err
