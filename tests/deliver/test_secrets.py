"""A canary in every secret: it is in no file, no line and no traceback."""

from __future__ import annotations

import base64
import smtplib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crmreport.cli import main
from crmreport.deliver.secret import Secrets
from tests.deliver.conftest import PASSWORD, USER, free_port
from tests.deliver.shops import ASK, publish

TOKEN = "canary-token-2093"
DELIVERY = (
    "delivery:\n"
    "- {via: email, to: [board@hanada.example]}\n"
    "- {via: apprise, url: '${CRMREPORT_TEST_SERVICE}'}\n"
)
CANARIES = (PASSWORD, USER, TOKEN, "service-user-3318", "service-word-7745")
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")


def forms() -> list[bytes]:
    plain = [canary.encode() for canary in (*CANARIES, f"\0{USER}\0{PASSWORD}")]
    return [*plain, *(base64.b64encode(canary) for canary in plain)]


@dataclass
class Said:
    """What commands printed, and their exit codes."""

    codes: list[int] = field(default_factory=list)
    text: bytes = b""


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run commands one after the other, tracebacks shown."""
    monkeypatch.setenv("CRMREPORT_TRACEBACK", "1")
    said = Said()

    def once(*more: str) -> Said:
        said.codes.append(main([*ASK, *more]))
        said.text += b"".join(capfdbinary.readouterr())
        return said

    return once


def assert_clean(root: Path, said: bytes) -> None:
    texts = {path.as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert any(name.endswith("sent.json") for name in texts)
    for name, text in {**texts, "what was printed": said}.items():
        for canary in forms():
            assert canary not in text, f"{canary!r} stands in {name}"


@pytest.fixture
def shop(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Mail and a service, both with secrets; nobody answers for the service."""
    address = f"json://service-user-3318:service-word-7745@127.0.0.1:{free_port()}/{TOKEN}/?:key={TOKEN}"
    monkeypatch.setenv("CRMREPORT_TEST_SERVICE", address)
    publish(root, delivery=DELIVERY)
    return root


def test_when_the_mail_goes_well_and_the_service_does_not(shop, serve, run):
    pytest.importorskip("apprise")
    server = serve(login=True)
    for more in ((), ("--json",), ("--send",), ("--send", "--json")):
        said = run(*more)
    assert said.codes == [0, 0, 4, 4]
    assert len(server.got) == 1
    assert not any(canary in server.got[0][1].as_bytes() for canary in forms())
    assert_clean(shop, said.text)


def test_when_the_server_sends_the_password_back(shop, serve, run, monkeypatch):
    server = serve(login=True)
    monkeypatch.setenv("CRMREPORT_SMTP_PASSWORD", f"{PASSWORD}-wrong")
    run("--send")
    said = run("--send", "--json")
    assert said.codes == [4, 4]
    assert server.logins
    assert_clean(shop, said.text)


def test_when_the_server_repeats_it_in_an_answer(shop, serve, run):
    server = serve(login=True)
    server.at_rcpt["board@hanada.example"] = f"550 {USER} with {PASSWORD} may not write"
    said = run("--send", "--json")
    assert b"550 *** with *** may not write" in said.text
    assert_clean(shop, said.text)


def test_when_something_breaks_that_nobody_thought_of(shop, serve, run, monkeypatch):
    serve(login=True)

    def broken(*_: object) -> None:
        raise KeyError("broken inside")

    monkeypatch.setattr(smtplib.SMTP, "sendmail", broken)
    said = run("--send")
    assert said.codes == [1]
    assert b"Traceback" in said.text
    assert_clean(shop, said.text)


def test_a_process_of_its_own_says_no_more(shop, serve):
    serve(login=True)
    command = [sys.executable, "-m", "crmreport", *ASK, "--send"]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 4
    assert_clean(shop, done.stdout + done.stderr)


def test_a_setting_that_is_refused_is_not_shown(shop, serve, run, monkeypatch):
    serve(login=True)
    monkeypatch.setenv("CRMREPORT_SMTP_FROM", PASSWORD)
    said = run("--send")
    assert said.codes == [2]
    assert PASSWORD.encode() not in said.text


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        pytest.param("pass word", "no: pass word", "no: ***", id="with a space"),
        pytest.param("abc", "abc!", "***!", id="short"),
        pytest.param("slack://T0/B1/long%2Ftoken", "long/token", "***", id="decoded"),
        pytest.param("json://h:80/x", "port 80", "port 80", id="a port is no secret"),
        pytest.param("", "nothing", "nothing", id="none"),
        pytest.param("hunter2", base64.b64encode(b"hunter2").decode(), "***", id="in base64"),
    ],
)
def test_a_secret_is_hidden_in_the_forms_it_travels_in(secret, text, shown):
    assert Secrets([secret]).hide(text) == shown
