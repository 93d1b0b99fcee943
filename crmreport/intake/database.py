"""A connection that only reads: its driver, its limits, and what may be said of its errors."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crmreport.config import Client
from crmreport.config_query import single_statement
from crmreport.errors import ConfigError, CrmReportError, DataError
from crmreport.intake.snapshot import queries_of

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

ROWS_AT_ONCE = 20_000
_CONNECT_SECONDS = 15
_STATEMENT_SECONDS = 1800
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""Addresses that name no driver get the one that is tried."""
_EXTRAS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
_AN_ADDRESS = "postgresql://user:password@host:5432/base"


def addresses(client: Client) -> dict[str, str]:
    """Variable → address of every database the client's queries go to.

    Raises:
        ConfigError: A variable is not set; the message has its name and a source that needs it.
    """
    found: dict[str, str] = {}
    for source in queries_of(client):
        assert source.variable is not None
        if not (address := os.environ.get(source.variable, "").strip()):
            raise ConfigError(
                f"{source.named}: the environment variable {source.variable} is not set; "
                f"set it to the database's address, such as {_AN_ADDRESS}"
            )
        found[source.variable] = address
    return found


class Database:
    """One database, open for reading: all its answers show the same moment, where it can do that.

    Args:
        variable: What messages call it.
        kind: SQLAlchemy's name of what it is, such as ``mysql``.
        connection: SQLAlchemy's.
        secrets: Parts of the address no message may hold.
    """

    def __init__(self, variable: str, kind: str, connection: Connection, secrets: tuple[str, ...]) -> None:
        self.kind = kind
        self._variable, self._connection, self._secrets = variable, connection, secrets

    def ask(self, query: str, source: str) -> tuple[list[str], Iterator[list[Any]]]:
        """The names of the answer's columns, and its rows, so many at a time.

        Args:
            query: One SELECT.
            source: What messages call it.

        Raises:
            DataError: The database refuses it; also while rows are taken.
        """
        with self._in_its_words(query, source):
            result = self._connection.exec_driver_sql(
                single_statement(query, self.kind),
                # A % in the query is a %, no place for a value.
                execution_options={"no_parameters": True, "yield_per": ROWS_AT_ONCE},
            )
            names = [str(key) for key in result.keys()]  # noqa: SIM118 - not a mapping

        def rows() -> Iterator[list[Any]]:
            with self._in_its_words(query, source):
                yield from map(list, result.partitions(ROWS_AT_ONCE))

        return names, rows()

    @contextmanager
    def _in_its_words(self, query: str, source: str) -> Iterator[None]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            said = in_its_words(error, query=query, secrets=self._secrets)
            raise DataError(f"{source}: the database says: {said}; mend query: in client.yml") from None
        except Exception as error:
            # No word of it: it may hold a value of the client's data.
            raise DataError(
                f"{source}: the driver stops with {type(error).__name__} at what the query gives; "
                "cast its columns to text one by one, or leave them out"
            ) from None


@contextmanager
def opened(variable: str, address: str) -> Iterator[Database]:
    """A database for reading, closed with the block.

    Raises:
        ConfigError: The address is none, or its driver is not installed.
        DataError: The database cannot be reached, or does not let us in.
    """
    url = _url(variable, address)
    from sqlalchemy.exc import SQLAlchemyError

    secrets = tuple(filter(None, (address, url.password, url.host)))
    try:
        connection = _connected(variable, url)
    except CrmReportError:
        raise
    except Exception as error:
        if isinstance(error, SQLAlchemyError):
            every = (*secrets, *filter(None, (url.username, url.database, str(url.port or ""))))
            said = in_its_words(error, secrets=every)
        else:
            # SQLAlchemy has not taken it for a database's: a driver stumbles over a part of the address,
            # and its words may hold that part.
            said = f"its driver stops with {type(error).__name__}"
        raise DataError(
            f"{variable}: the database cannot be read: {said}; check the address in that variable, "
            "and that the database runs"
        ) from None
    try:
        yield Database(variable, url.get_backend_name(), connection, secrets)
    finally:
        connection.close()


def _url(variable: str, address: str) -> URL:
    if find_spec("sqlalchemy") is None:
        kind = re.match(r"[a-z]*", address)
        extra = _EXTRAS.get(kind[0] if kind else "", "postgresql")
        raise ConfigError(_not_installed(variable, "SQLAlchemy", extra))
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # Their words hold the address.
        raise ConfigError(
            f"{variable}: its value is no address of a database; write one such as {_AN_ADDRESS}"
        ) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _not_installed(variable: str, what: str, extra: str | None) -> str:
    way = (
        f"pip install 'crmreport[{extra}]'"
        if extra
        else "pip install, and the name of its SQLAlchemy dialect"
    )
    return f"{variable}: {what} is not installed; install it with: {way}"


def _connected(variable: str, url: URL) -> Connection:
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    backend = url.get_backend_name()
    more: dict[str, Any] = {"connect_args": _limits(backend, url.query)}
    if backend == "sqlite":
        path = _sqlite_file(variable, url.database)
        # Without mode=ro a file that is not there would be made.
        more = {"creator": lambda: sqlite3.connect(path, uri=True, timeout=_CONNECT_SECONDS)}
    try:
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **more)
    except (NoSuchModuleError, ImportError):
        extra = _EXTRAS.get(backend)
        if extra and backend in _DRIVERS and url.drivername != _DRIVERS[backend]:
            # Not shown: what stands there may be a slip of the hand.
            raise ConfigError(
                f"{variable}: the driver its address names is not installed; write {backend}://… without + "
                f"and its name, for which crmreport[{extra}] brings a driver"
            ) from None
        raise ConfigError(_not_installed(variable, "the driver of its database", extra)) from None
    connection = engine.connect()
    try:
        _begin_reading(connection, backend)
    except BaseException:
        connection.close()
        raise
    return connection


def _limits(backend: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds until a silent server is given up; what the address says itself stands."""
    limits = {
        "postgresql": {"connect_timeout": _CONNECT_SECONDS},
        "mysql": {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _STATEMENT_SECONDS},
    }
    limits["mariadb"] = limits["mysql"]
    return {name: seconds for name, seconds in limits.get(backend, {}).items() if name not in given}


def _begin_reading(connection: Connection, backend: str) -> None:
    """A transaction that cannot write, and in which every query sees the same moment."""
    match backend:
        case "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'")
            # Every row is wanted, not the first few soon.
            connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
            if connection.dialect.driver == "psycopg":
                _take_any_time(connection)
        case "mysql" | "mariadb":
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        case "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        case _:
            connection.begin()


def _take_any_time(connection: Connection) -> None:
    """A time beyond Python's years, ``infinity`` or of BC comes as its text: a line to set aside, no more.

    The session's zone stays as it is, since the query's own casts and comparisons go by it.
    """
    from psycopg import DataError as NoSuchTime
    from psycopg.abc import AdaptContext, Buffer
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    driver: Any = connection.connection.driver_connection

    def lenient(usual: type[Any]) -> type[Loader]:
        class Lenient(Loader):
            def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
                super().__init__(oid, context)
                self._usual = usual(oid, context).load

            def load(self, data: Buffer) -> Any:
                try:
                    return self._usual(data)
                except NoSuchTime:
                    return bytes(data).decode()

        return Lenient

    for name in ("date", "timestamp", "timestamptz"):
        oid = driver.adapters.types[name].oid
        driver.adapters.register_loader(oid, lenient(driver.adapters.get_loader(oid, Format.TEXT)))


def _sqlite_file(variable: str, database: str | None) -> str:
    if not database or database == ":memory:":
        raise ConfigError(f"{variable}: names no file; write sqlite:////folder/shop.db (four slashes)")
    path = Path(database)
    if not path.is_file():
        raise DataError(
            f"{variable}: the database cannot be read: there is no such file; "
            "check the address in that variable (an absolute path has four slashes: sqlite:////folder/shop.db)"
        )
    return f"file:{quote(str(path.resolve()))}?mode=ro"


def in_its_words(error: Exception, *, query: str = "", secrets: tuple[str, ...] = ()) -> str:
    """The first line of what a driver says, without the address, and without values of the client's data.

    What stands in quotes is shown where it stands in the query too: names of tables and columns do, a
    customer's address that could not be cast does not.

    Examples:
        >>> in_its_words(ValueError('invalid date: "y@example.com"'), query="SELECT day::date FROM t")
        'invalid date: "…"'
        >>> in_its_words(ValueError('relation "ordrs" does not exist'), query="SELECT * FROM ordrs")
        'relation "ordrs" does not exist'
    """
    original = getattr(error, "orig", None) or error
    text = str(original.args[-1] if original.args else original).strip()
    reasons = re.findall(r"connection .*failed: +(.*)", text)
    line = reasons[-1] if reasons else text.partition("\n")[0]
    known = set(re.findall(r"\w+", query.lower()))

    def word(found: re.Match[str]) -> str:
        return found[0] if found[0].lower() in known and not found[0].isdigit() else "…"

    def quoted(found: re.Match[str]) -> str:
        inner = re.sub(r"…(?:\W*…)*", "…", re.sub(r"\w+", word, found[2]))
        return f"{found[1]}{inner}{found[1]}"

    line = re.sub(r"(?<!\w)(['\"`])(.*?)\1(?!\w)", quoted, line)
    for secret in sorted(secrets, key=len, reverse=True):
        line = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", line)
    line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    return line if len(line) <= 200 else line[:199] + "…"
