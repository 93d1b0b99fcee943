"""What may stand in query: one statement that only reads."""

from __future__ import annotations

import pytest

from crmreport.config_query import is_ordered, query_fault, single_statement

GOOD = {
    "plain": "SELECT * FROM orders",
    "small letters after a comment": "-- orders; all of them\n  select * from orders",
    "with": "WITH x AS (SELECT 1) SELECT * FROM x",
    "semicolon at the end": "SELECT 1 ; \n",
    "comment after the end": "SELECT 1; /* done; */ -- yes",
    "words that write, in texts": "SELECT 'delete; from' FROM t WHERE note = 'don''t; update'",
    "words that write, as quoted names": 'SELECT "update", `into` FROM t',
    "words that write, inside of others": "SELECT updated_at, deleted FROM inserts",
    "text in dollars": "SELECT $$a; drop$$, $x$;delete$x$ FROM t",
}
BAD = {
    "nothing": ("  ", "holds no statement"),
    "only a comment": ("-- SELECT 1", "holds no statement"),
    "two statements": ("SELECT 1; SELECT 2", "more than one statement"),
    "a second one after a text": ("SELECT 'a'; DELETE FROM t --'", "more than one statement"),
    "update": ("UPDATE t SET a = 1", "begins with UPDATE"),
    "call": ("CALL run()", "begins with CALL"),
    "explain": ("EXPLAIN SELECT 1", "begins with EXPLAIN"),
    "in brackets": ("(SELECT 1)", "begins with SELECT"),
    "with that deletes": ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "holds the word DELETE"),
    "select into": ("SELECT * INTO copy FROM t", "holds the word INTO"),
    "lock": ("SELECT * FROM t FOR UPDATE", "holds the word UPDATE"),
    "hidden behind a text left open": ("SELECT 1; DROP TABLE t; --'", "more than one statement"),
}


@pytest.mark.parametrize("query", GOOD.values(), ids=GOOD.keys())
def test_what_only_reads_is_taken(query: str) -> None:
    assert query_fault(query) is None


@pytest.mark.parametrize(("query", "said"), BAD.values(), ids=BAD.keys())
def test_what_does_more_is_refused(query: str, said: str) -> None:
    assert said in (query_fault(query) or "")


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT * FROM t", False),
        ("SELECT * FROM t ORDER BY a", True),
        ("WITH x AS (SELECT 1 ORDER BY 1) SELECT * FROM x", False),
        ("WITH x AS (SELECT f(1, (2)) ORDER BY 1) SELECT * FROM x\norder  by a, b LIMIT 3", True),
        ("SELECT 'order by a' FROM t -- order by b", False),
    ],
)
def test_whether_the_query_says_its_order(query: str, ordered: bool) -> None:
    assert is_ordered(query) is ordered


def test_the_statement_goes_without_its_semicolon() -> None:
    assert single_statement("SELECT ';' ;\n-- end") == "SELECT ';'"
