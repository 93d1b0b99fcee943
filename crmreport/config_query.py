"""A source's SQL as text: whether it only reads, and whether it says in which order."""

from __future__ import annotations

import re

_NO_SQL = {
    "standard": re.compile(
        r"--[^\n]*|/\*.*?(?:\*/|\Z)|(\$\w*\$).*?(?:\1|\Z)|(?<!\w)[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)"
        r"|'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z)",
        re.DOTALL,
    ),
    "mysql": re.compile(
        r"(?:--|\#)[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^'\\]|\\.|'')*(?:'|\Z)"
        r"|\"(?:[^\"\\]|\\.|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z)",
        re.DOTALL,
    ),
}
"""Comments, texts and quoted names: a word or a semicolon in them is none of the query's.

MySQL's comments may begin with #, which is an operator of PostgreSQL's, and a backslash in its texts takes
the quote behind it, which elsewhere ends the text.
"""

_READINGS = {"postgresql": "standard", "sqlite": "standard", "mysql": "mysql", "mariadb": "mysql"}
"""Database → how it reads a query; any other in either way."""

_WRITES = frozenset({"insert", "update", "delete", "merge", "into"})
"""What a query can hold beside SELECT or WITH that writes or locks; columns of that name: in quotes."""


def query_fault(query: str, database: str | None = None) -> str | None:
    """Why this is not one query that only reads, or None.

    A convenience: what holds is the read-only transaction and the rights of the database's user.

    Args:
        query: SQL.
        database: SQLAlchemy's name of the kind of database; not known, what one of them takes will do.

    Examples:
        >>> query_fault("SELECT ';' FROM t; -- the end"), query_fault("WITH a AS (SELECT 1) SELECT * FROM a")
        (None, None)
        >>> query_fault("SELECT 1; DROP TABLE t")
        'holds more than one statement; write one SELECT'
        >>> query_fault("DROP TABLE t")
        'begins with DROP; write one SELECT, or WITH … SELECT'
    """
    faults = [_fault(bare) for bare in _bare(query, database)]
    return None if None in faults else faults[0]


def _fault(bare: str) -> str | None:
    statement, _, rest = bare.partition(";")
    words = re.findall(r"\w+", statement.lower())
    if not words:
        return "holds no statement; write one SELECT"
    if rest.strip(" \t\r\n;"):
        return "holds more than one statement; write one SELECT"
    if not re.match(r"\s*(select|with)\b", statement, re.IGNORECASE):
        return f"begins with {words[0].upper()}; write one SELECT, or WITH … SELECT"
    if found := next((word for word in words if word in _WRITES), None):
        return f"holds the word {found.upper()}; a source only reads (a column of that name: in quotes)"
    return None


def single_statement(query: str, database: str | None = None) -> str:
    """The query without the semicolon at its end.

    Args:
        query: SQL.
        database: See :func:`query_fault`.
    """
    at = _good(query, database).find(";")
    return (query if at < 0 else query[:at]).strip()


def is_ordered(query: str, database: str | None = None) -> bool:
    """Whether the query itself says in which order its rows come, with an ORDER BY that is in no brackets.

    Args:
        query: SQL.
        database: See :func:`query_fault`.

    Examples:
        >>> is_ordered("SELECT * FROM t ORDER BY id LIMIT 9")
        True
        >>> is_ordered("SELECT row_number() OVER (ORDER BY id) FROM t -- ORDER BY id")
        False
    """
    bare, inner = _good(query, database), re.compile(r"\([^()]*\)")
    while (outer := inner.sub(" ", bare)) != bare:
        bare = outer
    return re.search(r"\border\s+by\b", bare, re.IGNORECASE) is not None


def _bare(query: str, database: str | None) -> list[str]:
    """The query with a blank for every character that is no SQL, in each way it may be read."""
    known = _READINGS.get(database or "")
    patterns = [_NO_SQL[known]] if known else _NO_SQL.values()
    return [each.sub(lambda found: " " * len(found[0]), query) for each in patterns]


def _good(query: str, database: str | None) -> str:
    readings = _bare(query, database)
    return next((bare for bare in readings if _fault(bare) is None), readings[0])
