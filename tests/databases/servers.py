"""Database servers of the tests' own, on loopback, thrown away with the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

USER, PASSWORD = "crm-reader-5512", "canary/pass@word:8841"
BASE = "hanadabase"
HOST = "127.0.0.1"
_BEGINS_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs, with one empty base.

    Args:
        kind: As addresses begin.
        driver: As SQLAlchemy names it.
    """

    kind: str
    driver: str
    port: int

    @property
    def address(self) -> str:
        """For the variable of a client."""
        return self.with_password(PASSWORD)

    def with_password(self, password: str) -> str:
        """The same with another password."""
        return f"{self.kind}://{USER}:{quote(password, safe='')}@{HOST}:{self.port}/{BASE}"

    def do(self, *statements: str, rows: Sequence[Sequence[object]] = ()) -> None:
        """Run statements as the base's owner, the last one once per row where there are rows."""
        engine = create_engine(self.address.replace(self.kind, self.driver, 1))
        try:
            with engine.begin() as connection:
                for statement in statements[: len(statements) - bool(rows)]:
                    connection.exec_driver_sql(statement)
                if rows:
                    connection.exec_driver_sql(statements[-1], [tuple(row) for row in rows])
        finally:
            engine.dispose()


def free_port() -> int:
    """One nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[4]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        _not_there("PostgreSQL's server", "postgresql")
    assert initdb is not None
    with _folder("postgres") as (folder, as_user):
        word, data, port = folder / "word", folder / "data", free_port()
        word.write_text(PASSWORD)
        word.chmod(0o644)
        options = [f"--username={USER}", f"--pwfile={word}", "--auth=scram-sha-256", "--no-sync"]
        _run([*as_user, initdb, "-D", str(data), *options, "--encoding=UTF8", "--locale=C"])
        settings = [f"port={port}", f"listen_addresses={HOST}", "unix_socket_directories=", "fsync=off"]
        command = [str(Path(initdb).with_name("postgres")), "-D", str(data)]
        command += [word for setting in settings for word in ("-c", setting)]
        with _running([*as_user, *command], folder, signal.SIGINT):
            server = Server("postgresql", "postgresql+psycopg", port)
            _until_it_answers(server, f"{HOST}:{port}/postgres", f'CREATE DATABASE "{BASE}"')
            yield server


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server."""
    install, program = shutil.which("mariadb-install-db"), shutil.which("mariadbd", path=_with_sbin())
    if install is None or program is None:
        _not_there("MariaDB's server", "mariadb-server-core")
    assert install is not None
    assert program is not None
    with _folder("mysql") as (folder, as_user):
        data, first, port = folder / "data", folder / "first.sql", free_port()
        # One statement a line is read.
        first.write_text(
            f"CREATE DATABASE {BASE};\n"
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON {BASE}.* TO '{USER}'@'%';\n"
        )
        first.chmod(0o644)
        own = ["--no-defaults", f"--datadir={data}"]
        _run([*as_user, install, *own, "--auth-root-authentication-method=normal", "--skip-test-db"])
        own += [f"--port={port}", f"--bind-address={HOST}", f"--socket={folder / 's'}", "--skip-name-resolve"]
        own += [f"--init-file={first}", f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0"]
        with _running([*as_user, program, *own], folder, signal.SIGTERM):
            server = Server("mysql", "mysql+pymysql", port)
            _until_it_answers(server, f"{HOST}:{port}/{BASE}", "SELECT 1")
            yield server


def _with_sbin() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def _not_there(what: str, package: str) -> None:
    reason = f"{what} is not installed; .ci/system-packages test, or: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[str]]]:
    """A short folder, and what has to stand before a command: no server runs as root."""
    folder = Path(mkdtemp(prefix="crm-db-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        names = [entry.pw_name for entry in pwd.getpwall()]
        user = user if user in names else "nobody"
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _running(command: list[str], folder: Path, end: signal.Signals) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.send_signal(end)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_it_answers(server: Server, where: str, first: str) -> None:
    address = f"{server.driver}://{USER}:{quote(PASSWORD, safe='')}@{where}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    give_up = time.monotonic() + _BEGINS_WITHIN
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(first)
            break
        except OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
    engine.dispose()
