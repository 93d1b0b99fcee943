"""E-mail: one mail server, named by the environment, spoken to by Python's own smtplib."""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Literal, get_args

from crmreport.config import MAIL_ADDRESS
from crmreport.deliver.model import NotTakenError, State
from crmreport.deliver.secret import Secrets
from crmreport.errors import ConfigError

Security = Literal["starttls", "tls", "none"]
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_PREFIX = "CRMREPORT_SMTP_"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """How mail leaves this machine."""

    host: str
    port: int
    security: Security
    sender: Address
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout: float = _SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> MailServer:
        """Read ``CRMREPORT_SMTP_``: HOST, PORT, SECURITY, FROM, USER, PASSWORD, TIMEOUT.

        Raises:
            ConfigError: One is missing or unusable; its value is never shown.
        """

        def get(name: str) -> str:
            return environment.get(_PREFIX + name, "").strip()

        missing = [_PREFIX + name for name in ("HOST", "FROM") if not get(name)]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)}: not set, so no mail can be sent; see docs/deliver.md"
            )
        security = next((s for s in get_args(Security) if s == (get("SECURITY") or "starttls")), None)
        if security is None:
            raise _unusable("SECURITY", "write starttls, tls or none")
        port = get("PORT") or str(_PORTS[security])
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise _unusable("PORT", "write a number such as 587")
        timeout = get("TIMEOUT") or str(_SECONDS)
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", timeout) or not float(timeout):
            raise _unusable("TIMEOUT", "write seconds such as 60")
        # A password may end with a space.
        user, password = get("USER"), environment.get(f"{_PREFIX}PASSWORD", "")
        if bool(user) != bool(password):
            raise ConfigError(
                f"{_PREFIX}USER and {_PREFIX}PASSWORD: only one of them is set; set both or none"
            )
        if password and security == "none" and not _is_here(get("HOST")):
            raise ConfigError(
                f"{_PREFIX}SECURITY: none would send the password readable for everybody on the way; "
                "write starttls or tls"
            )
        return cls(get("HOST"), int(port), security, sender(environment), user, password, float(timeout))

    @property
    def secrets(self) -> Secrets:
        """What must not be shown when this server is spoken of."""
        told = self.user if self.user != self.sender.addr_spec else ""
        return Secrets([self.password, told, f"\0{self.user}\0{self.password}" if self.password else ""])


def sender(environment: Mapping[str, str] = os.environ) -> Address:
    """Who the mail is from: ``CRMREPORT_SMTP_FROM``, a plain address or ``Name <address>``.

    Raises:
        ConfigError: It is neither, or would break the header.
    """
    text = environment.get(f"{_PREFIX}FROM", "").strip()
    name, address = parseaddr(text)
    if not text.isprintable() or not re.fullmatch(MAIL_ADDRESS, address):
        raise _unusable("FROM", "write reports@example.co.jp, or: Reports <reports@example.co.jp>")
    return Address(display_name=name, addr_spec=address)


def has_sender(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether ``CRMREPORT_SMTP_FROM`` is set."""
    return bool(environment.get(f"{_PREFIX}FROM", "").strip())


class Mailer:
    """One connection for a round of messages; opened when first needed."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._hide = server.secrets.hide
        self._open: _Marked | None = None
        self._broken: NotTakenError | None = None

    def send(self, message: bytes, to: str) -> None:
        """Hand one message to the server.

        Raises:
            NotTakenError: It was not taken, or nobody can know.
        """
        fresh = self._open is None
        smtp = self._connected()
        smtp.handed_over = False
        try:
            smtp.sendmail(self._server.sender.addr_spec, [to], message)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._answer(*error.recipients[to], smtp) from None
        except smtplib.SMTPResponseException as error:
            if isinstance(error, smtplib.SMTPDataError) and 200 <= error.smtp_code < 300:
                return None
            known = isinstance(error, smtplib.SMTPDataError) or not smtp.handed_over
            raise self._answer(error.smtp_code if known else -1, error.smtp_error, smtp) from None
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            if smtp.handed_over:
                raise NotTakenError(
                    "perhaps_sent", "the connection broke before the server confirmed the message"
                ) from None
            if not fresh:
                # An idle connection may have been closed; nothing of this message was handed over.
                return self.send(message, to)
            raise NotTakenError("failed", f"the connection broke ({type(error).__name__})") from None
        return None

    def _answer(self, code: int, text: bytes | str, smtp: _Marked) -> NotTakenError:
        if smtp.sock is None:
            self.close()
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if not 400 <= code < 600:
            state: State = "perhaps_sent" if smtp.handed_over else "failed"
            return NotTakenError(state, "the server's answer made no sense")
        state = "put_off" if code < 500 else "refused"
        return NotTakenError(state, self._hide(f"{code} {said}"))

    def _connected(self) -> _Marked:
        if self._broken:
            raise NotTakenError(self._broken.state, self._broken.reason)
        if self._open is None:
            try:
                self._open = self._connect()
            except NotTakenError as error:
                # The next message would meet the same; one wrong password must not be tried ten times.
                self._broken = error
                raise
        return self._open

    def _connect(self) -> _Marked:
        server, smtp = self._server, None
        try:
            if server.security == "tls":
                context = ssl.create_default_context()
                smtp = _MarkedTls(server.host, server.port, timeout=server.timeout, context=context)
            else:
                smtp = _Marked(server.host, server.port, timeout=server.timeout)
            if server.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise self._why(error) from None
        return smtp

    def _why(self, error: Exception) -> NotTakenError:
        """A connection's failure in words, without host, user or password."""
        match error:
            case smtplib.SMTPAuthenticationError():
                state: State = "put_off" if 400 <= error.smtp_code < 500 else "failed"
                said = f"the mail server refuses the login ({error.smtp_code}); "
                return NotTakenError(state, said + f"check {_PREFIX}USER and {_PREFIX}PASSWORD")
            case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
                reason = f"the mail server offers no STARTTLS; try {_PREFIX}SECURITY=tls"
            case smtplib.SMTPNotSupportedError():
                reason = "the mail server takes no login here; check the port"
            case smtplib.SMTPResponseException():
                state = "put_off" if 400 <= error.smtp_code < 500 else "failed"
                return NotTakenError(state, f"the mail server refuses the connection ({error.smtp_code})")
            case ssl.SSLCertVerificationError():
                reason = f"the mail server's certificate is not trusted ({error.verify_message})"
            case ssl.SSLError():
                reason = f"no TLS with the mail server; check {_PREFIX}PORT and {_PREFIX}SECURITY"
            case TimeoutError():
                reason = "the mail server does not answer in time"
            case socket.gaierror():
                reason = f"there is no mail server of this name; check {_PREFIX}HOST"
            case ConnectionRefusedError():
                reason = f"no mail server listens there; check {_PREFIX}HOST and {_PREFIX}PORT"
            case _:
                reason = f"the mail server cannot be reached ({type(error).__name__})"
        return NotTakenError("failed", self._hide(reason))

    def close(self) -> None:
        """Say goodbye; nothing that happens now changes what was sent."""
        smtp, self._open = self._open, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()


class _Marked(smtplib.SMTP):
    """Knows whether a whole message went out: after that, silence does not mean that it was not taken."""

    handed_over = False

    def send(self, s: object) -> None:
        super().send(s)  # type: ignore[arg-type]
        # Commands are sent as text, a message as bytes with its end.
        if isinstance(s, bytes) and s.endswith(b"\r\n.\r\n"):
            self.handed_over = True


class _MarkedTls(_Marked, smtplib.SMTP_SSL):
    pass


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _unusable(name: str, way_out: str) -> ConfigError:
    return ConfigError(f"{_PREFIX}{name}: its value is not usable; {way_out}")
