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
    "a text as MySQL writes it": r"""SELECT 'it\'s; ok', "say \"hi; ho\"" FROM t""",
    "a text that ends in a backslash": r"SELECT '\' FROM t WHERE note = 'a; b'",
    "a text with escapes, of PostgreSQL": r"SELECT E'it\'s; ok', e'\\' FROM t",
    "MySQL's other comment": "SELECT id # note; update x\nFROM t # the end",
    "an operator of PostgreSQL": "SELECT note #>> '{a}' FROM t",
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
    "hidden behind an escaped quote": (r"SELECT E'\'' ; DROP TABLE t", "more than one statement"),
    "hidden behind both kinds of quotes": (r"SELECT '\\' ; DROP TABLE t", "more than one statement"),
    "behind what is a comment nowhere": ("SELECT '#' ; DROP TABLE t", "more than one statement"),
    "hidden behind a text left open": ("SELECT 1; DROP TABLE t; --'", "more than one statement"),
}


@pytest.mark.parametrize("query", GOOD.values(), ids=GOOD.keys())
def test_what_only_reads_is_taken(query: str) -> None:
    assert query_fault(query) is None


@pytest.mark.parametrize(("query", "said"), BAD.values(), ids=BAD.keys())
def test_what_does_more_is_refused(query: str, said: str) -> None:
    assert said in (query_fault(query) or "")


@pytest.mark.parametrize(
    ("query", "taken_by", "refused_by"),
    [
        (r"SELECT 'a\'; DROP TABLE t; -- '", "mysql", "postgresql"),
        (r"SELECT 'a\' ; -- '; DROP TABLE t", "sqlite", "mariadb"),
        ("SELECT 1 # ; COMMIT; DROP TABLE t", "mariadb", "postgresql"),
    ],
)
def test_a_database_that_is_known_reads_a_query_its_own_way(
    query: str, taken_by: str, refused_by: str
) -> None:
    assert (query_fault(query), query_fault(query, taken_by)) == (None, None)
    assert "more than one statement" in (query_fault(query, refused_by) or "")


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT * FROM t", False),
        ("SELECT * FROM t ORDER BY a", True),
        ("WITH x AS (SELECT 1 ORDER BY 1) SELECT * FROM x", False),
        ("WITH x AS (SELECT f(1, (2)) ORDER BY 1) SELECT * FROM x\norder  by a, b LIMIT 3", True),
        ("SELECT 'order by a' FROM t -- order by b", False),
        (r"SELECT 'it\'s; ok' FROM t ORDER BY a", True),
    ],
)
def test_whether_the_query_says_its_order(query: str, ordered: bool) -> None:
    assert is_ordered(query) is ordered


def test_the_statement_goes_without_its_semicolon() -> None:
    assert single_statement("SELECT ';' ;\n-- end") == "SELECT ';'"
    assert single_statement(r"SELECT 'it\'s; ok' ; # end", "mysql") == r"SELECT 'it\'s; ok'"
    assert single_statement(r"SELECT 'it\'s; ok';") == r"SELECT 'it\'s; ok'"
