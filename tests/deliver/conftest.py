"""A mail server on this machine that does as it is told, and a workspace with a published report."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crmreport.workspace import HOME_VARIABLE
from tests.deliver.shops import publish

BOARD, OWNER = "board@hanada.example", "owner@hanada.example"
USER, PASSWORD = "crm-user-5512", "canary-password-8841"


@dataclass
class MailServer:
    """What the server does and what it got.

    Args:
        answers: To ``RCPT TO`` or ``DATA``, by recipient; ``drop`` closes the connection,
            ``hold`` keeps the client waiting.
    """

    port: int
    at_rcpt: dict[str, str] = field(default_factory=dict)
    at_data: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, EmailMessage]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)
    logins: int = 0
    holding: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.tries.append(address)
        if answer := await self._told(self.at_rcpt.get(address), server):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (address,) = envelope.rcpt_tos
        if answer := await self._told(self.at_data.get(address), server):
            return answer
        self.got.append((address, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"

    async def _told(self, answer: str | None, server: Any) -> str | None:
        if answer == "drop":
            server.transport.abort()
        elif answer == "hold":
            self.holding.set()
            while server.transport and not server.transport.is_closing():
                await asyncio.sleep(0.01)
        return answer

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
        """Whether the login is right; a wrong one is answered with what was sent, as some servers do."""
        self.logins += 1
        good = isinstance(auth_data, LoginPassword) and auth_data.password == PASSWORD.encode()
        said = auth_data.password.decode() if isinstance(auth_data, LoginPassword) else ""
        return AuthResult(success=good, handled=False, message=None if good else f"535 wrong: {said}")

    def to(self, address: str) -> EmailMessage:
        """The one message an address got."""
        (message,) = [m for who, m in self.got if who == address]
        return message


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., MailServer]]:
    """Start a mail server and point the environment to it."""
    controllers: list[Controller] = []

    def start(*, security: str = "none", login: bool = False, **options: Any) -> MailServer:
        server = MailServer(free_port())
        if login:
            options |= {"authenticator": server.check, "auth_required": True, "auth_require_tls": False}
            monkeypatch.setenv("CRMREPORT_SMTP_USER", USER)
            monkeypatch.setenv("CRMREPORT_SMTP_PASSWORD", PASSWORD)
        controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
        controller.start()
        controllers.append(controller)
        point_to(monkeypatch, server.port, security)
        return server

    yield start
    for controller in controllers:
        controller.stop(no_assert=True)


def point_to(monkeypatch: pytest.MonkeyPatch, port: int, security: str = "none") -> None:
    """Set the environment of a mail server on this machine."""
    monkeypatch.setenv("CRMREPORT_SMTP_HOST", "localhost")
    monkeypatch.setenv("CRMREPORT_SMTP_PORT", str(port))
    monkeypatch.setenv("CRMREPORT_SMTP_SECURITY", security)
    monkeypatch.setenv("CRMREPORT_SMTP_FROM", "CRM分析チーム <reports@agency.example>")
    monkeypatch.setenv("CRMREPORT_SMTP_TIMEOUT", "20")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the shop's report, and an environment without any mail server."""
    for name in ("HOST", "PORT", "USER", "PASSWORD", "FROM", "SECURITY", "TIMEOUT"):
        monkeypatch.delenv(f"CRMREPORT_SMTP_{name}", raising=False)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    publish(tmp_path)
    return tmp_path


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate that this machine is told to trust."""
    context, file = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate of localhost that nobody signed, as a server uses it and as a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, plain)
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file
