"""A source's SQL as text: whether it only reads, and whether it says in which order."""

from __future__ import annotations

import re

_NO_SQL = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|(\$\w*\$).*?(?:\1|\Z)|'(?:[^']|'')*(?:'|\Z)"
    r"|\"(?:[^\"]|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z)",
    re.DOTALL,
)
"""Comments, texts and quoted names: a word or a semicolon in them is none of the query's."""

_WRITES = frozenset({"insert", "update", "delete", "merge", "into"})
"""What a query can hold beside SELECT or WITH that writes or locks; columns of that name: in quotes."""


def query_fault(query: str) -> str | None:
    """Why this is not one query that only reads, or None.

    A convenience: what holds is the read-only transaction and the rights of the database's user.

    Examples:
        >>> query_fault("SELECT ';' FROM t; -- the end"), query_fault("WITH a AS (SELECT 1) SELECT * FROM a")
        (None, None)
        >>> query_fault("SELECT 1; DROP TABLE t")
        'holds more than one statement; write one SELECT'
        >>> query_fault("DROP TABLE t")
        'begins with DROP; write one SELECT, or WITH … SELECT'
    """
    bare = _bare(query)
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


def single_statement(query: str) -> str:
    """The query without the semicolon at its end."""
    at = _bare(query).find(";")
    return (query if at < 0 else query[:at]).strip()


def is_ordered(query: str) -> bool:
    """Whether the query itself says in which order its rows come, with an ORDER BY that is in no brackets.

    Examples:
        >>> is_ordered("SELECT * FROM t ORDER BY id LIMIT 9")
        True
        >>> is_ordered("SELECT row_number() OVER (ORDER BY id) FROM t -- ORDER BY id")
        False
    """
    bare, inner = _bare(query), re.compile(r"\([^()]*\)")
    while (outer := inner.sub(" ", bare)) != bare:
        bare = outer
    return re.search(r"\border\s+by\b", bare, re.IGNORECASE) is not None


def _bare(query: str) -> str:
    """The query with a blank for every character that is no SQL."""
    return _NO_SQL.sub(lambda found: " " * len(found[0]), query)
