"""Customers who asked to be forgotten: none of their lines is read again, and every line is accounted for."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crmreport.intake.build as building
from crmreport.errors import ConfigError, DataError
from crmreport.intake import Store
from crmreport.intake.forgotten import KEY_FILE, LIST, add_forgotten, read_forgotten
from tests.intake.conftest import SALES, Shop, csv_text

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def forget(shop: Shop, *ids: str) -> int:
    return add_forgotten(shop.folder, ids, at=AT)


def excluded(store: Store) -> dict[str, int]:
    found: dict[str, int] = {}
    for source in store.report.sources:
        found[source.table] = found.get(source.table, 0) + source.excluded.get("forgotten", 0)
    return found


def ids(store: Store, table: str) -> list[str | None]:
    return pl.read_parquet(store.table(table))["customer_id"].to_list()


def whole_shop(shop: Shop) -> Store:
    """C001 is in every table, with an unreadable line in each, and in forms that mean the same."""
    shop.put(
        "sales.csv",
        csv_text(
            "C001,A1,2026-10-01,100",
            "Ｃ００１,A2,2026-10-02,200",
            " C001 ,A3,no day,300",
            "C002,A4,2026-10-03,400",
            ",A5,2026-10-04,500",
        ),
    )
    shop.put(
        "customers.csv",
        csv_text(
            "C001,,F,2026-01-01",
            "C001,,F,2026-02-01",
            "C002,C001,M,",
            "C003,,M,x",
            header="id,boss,sex,joined",
        ),
    )
    shop.put("sends.csv", csv_text("M1,C001,2026-10-01", "M1,C002,2026-10-01", "M1,C001,", header="c,id,at"))
    shop.put(
        "web.csv",
        csv_text(
            "C001,v1,2026-10-01,view",
            ",v1,2026-10-01,view",
            "C002,v1,2026-10-02,view",
            ",v2,2026-10-02,cart",
            "C001,v3,never,view",
            ",v3,2026-10-03,cart",
            header="id,visitor,at,event",
        ),
    )
    return shop.open(
        customers=[
            {
                "path": "customers.csv",
                "columns": {"customer_id": "id", "parent_id": "boss", "sex": "sex", "joined_at": "joined"},
            }
        ],
        sends=[{"path": "sends.csv", "columns": {"campaign_id": "c", "customer_id": "id", "sent_at": "at"}}],
        web_events=[
            {
                "path": "web.csv",
                "columns": {"customer_id": "id", "visitor_id": "visitor", "at": "at", "event": "event"},
            }
        ],
        policies={"quarantine_limit": 1.0},
    )


def test_nothing_of_a_forgotten_customer_is_stored_or_set_aside(shop: Shop) -> None:
    before = whole_shop(shop)
    assert (before.report.n_quarantined, excluded(before)) == (
        4,
        dict.fromkeys(("order_lines", "customers", "sends", "web_events"), 0),
    )
    assert forget(shop, "Ｃ００１") == 1
    after = whole_shop(shop)

    assert after.path != before.path
    assert ids(after, "order_lines") == ["C002", None]
    assert ids(after, "customers") == ["C002"]
    assert ids(after, "sends") == ["C002"]
    assert ids(after, "web_events") == ["C002", None], "v1 and v3 were C001 before logging in"
    assert pl.read_parquet(after.table("customers"))["parent_id"].to_list() == [None]
    assert excluded(after) == {"order_lines": 3, "customers": 2, "sends": 2, "web_events": 4}
    assert after.report.n_quarantined == 1, "of C003"
    assert after.report.lines == before.report.lines
    assert after.report.lines == after.report.n_stored + after.report.n_quarantined + after.report.n_excluded
    assert after.report.conflicts == []


def test_a_customer_of_whom_all_lines_go_leaves_an_empty_table(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100"))
    shop.put("sends.csv", csv_text("M1,C002,2026-10-01", header="c,id,at"))
    forget(shop, "C002")
    sends = {"path": "sends.csv", "columns": {"campaign_id": "c", "customer_id": "id", "sent_at": "at"}}
    assert ids(shop.open(sends=[sends]), "sends") == []


def test_ids_are_compared_as_the_source_means_them(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("x,A1,2026-10-01,100", "C002,A2,2026-10-02,200"))
    forget(shop, "C001")
    assert ids(shop.open({"codes": {"customer_id": {"x": "C001"}}}), "order_lines") == ["C002"]


def test_ids_that_passed_a_spreadsheet_are_known(shop: Shop, workbook: Any) -> None:
    workbook(
        shop.folder / "sales.xlsx",
        [list(SALES.values()), [1001.0, "A1", "2026-10-01", 5], [1002.0, "A2", "2026-10-01", 5]],
    )
    forget(shop, "1001")
    assert ids(shop.open({"path": "sales.xlsx"}), "order_lines") == ["1002"]


def test_ids_and_visitors_written_as_decimals_are_known(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("1001.0,A1,2026-10-01,5", "1002.0,A2,2026-10-01,5"))
    shop.put(
        "web.csv", csv_text("1001.0,9.0,2026-10-01,view", ",9.0,2026-10-01,cart", header="id,v,at,event")
    )
    columns = {"customer_id": "id", "visitor_id": "v", "at": "at", "event": "event"}
    forget(shop, "1001")
    store = shop.open(web_events=[{"path": "web.csv", "columns": columns}])
    assert ids(store, "order_lines") == ["1002"]
    assert ids(store, "web_events") == []


MIXED = csv_text("abc,A1,2026-10-01,5", "17850.0,A2,2026-10-02,5", "17851.0,A3,2026-10-03,5")


@pytest.mark.parametrize(
    ("sales", "asked", "left"),
    [
        pytest.param(MIXED, ["abc", "17850"], ["17851.0"], id="numbers through floats beside letters"),
        pytest.param(MIXED, ["17850.0"], ["abc", "17851.0"], id="asked for as the file has it"),
        pytest.param(MIXED, ["abc"], ["17850.0", "17851.0"], id="the others keep the id they had"),
        pytest.param(
            csv_text("17850.0,A1,2026-10-01,5", "17851.0,A2,2026-10-01,5"),
            ["17850.0"],
            ["17851"],
            id="a whole column through floats, asked for as the file has it",
        ),
        pytest.param(
            csv_text("1785.01,A1,2026-10-01,5", "v1.0,A2,2026-10-01,5", "1785,A3,2026-10-01,5"),
            ["1785.0", "v1"],
            ["1785.01", "v1.0"],
            id="only a whole number loses its fraction",
        ),
    ],
)
def test_a_point_and_a_zero_hide_nobody_and_forgetting_renames_nobody(
    shop: Shop, sales: str, asked: list[str], left: list[str]
) -> None:
    shop.put("sales.csv", sales)
    forget(shop, *asked)
    assert ids(shop.open(), "order_lines") == left


def test_what_other_lines_mean_does_not_hang_on_who_is_forgotten(shop: Shop) -> None:
    people = ("C001,2,2026-10-01T10:00:00+09:00", "C002,1,2026-10-01T10:00:00+09:00")
    shop.put("customers.csv", csv_text(*people, header="id,sex,joined"))
    shop.put("sales.csv", csv_text("C002,A1,2026-10-01,5"))
    forget(shop, "C001")
    columns = {"customer_id": "id", "sex": "sex", "joined_at": "joined"}
    store = shop.open(customers=[{"path": "customers.csv", "columns": columns}])
    assert pl.read_parquet(store.table("customers")).select("customer_id", "sex").rows() == [
        ("C002", "male")
    ], "a column of 1 and 2 stays one when its only 2 is gone"


def test_a_source_that_is_all_of_one_customer_is_left_out(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100"))
    shop.put("one.csv", csv_text("A9,2026-10-05,10", header="伝票番号,購入日,金額"))
    one = {
        "path": "one.csv",
        "columns": {c: h for c, h in SALES.items() if c != "customer_id"},
        "constants": {"customer_id": "C009"},
    }
    forget(shop, "C009")
    assert ids(shop.open({}, one), "order_lines") == ["C001"]


def test_the_same_list_is_the_same_store_and_a_longer_one_another(shop: Shop) -> None:
    first = whole_shop(shop)
    assert (forget(shop, "C001", "C001"), forget(shop, " C001")) == (1, 0)
    second = whole_shop(shop)
    assert whole_shop(shop).path == second.path
    assert forget(shop, "C404") == 1
    assert len({first.path, second.path, whole_shop(shop).path}) == 3


# What the list says


def test_the_list_names_nobody_and_its_key_is_private(shop: Shop) -> None:
    forget(shop, "C001", "C002")
    text = (shop.folder / LIST).read_text(encoding="utf-8")
    assert "C00" not in text
    assert "2026-11-22T09:30:00+00:00" in text
    assert stat.S_IMODE((shop.folder / KEY_FILE).stat().st_mode) == 0o600
    assert (shop.folder / KEY_FILE).read_text().strip() not in text


def test_two_clients_know_a_customer_by_other_hashes(tmp_path: Path) -> None:
    tags = []
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
        add_forgotten(tmp_path / name, ["C001"], at=AT)
        tags.append(read_forgotten(tmp_path / name).tags)
    assert tags[0].isdisjoint(tags[1])


def test_requests_stay_apart_by_time(shop: Shop) -> None:
    forget(shop, "C001")
    add_forgotten(shop.folder, ["C002"], at=AT.replace(day=23))
    assert (shop.folder / LIST).read_text(encoding="utf-8").count("2026-11-2") == 2
    assert len(read_forgotten(shop.folder)) == 2


def delete_line(shop: Shop, starts: str) -> None:
    path = shop.folder / LIST
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(each for each in lines if not each.strip().startswith(starts)), encoding="utf-8")


@pytest.mark.parametrize("lines", [("- ",), ("- ", "'2026")], ids=["of the customer", "and of the time"])
def test_a_request_is_taken_back_by_deleting_its_line(shop: Shop, lines: tuple[str, ...]) -> None:
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100", "C002,A2,2026-10-01,100"))
    before = shop.open()
    forget(shop, "C001")
    for line in lines:
        delete_line(shop, line)
    assert len(read_forgotten(shop.folder)) == 0
    assert shop.open().path == before.path
    assert forget(shop, "C002") == 1
    assert ids(shop.open(), "order_lines") == ["C001"]


def test_of_two_requests_one_is_taken_back(shop: Shop) -> None:
    forget(shop, "C001")
    tag = next(iter(read_forgotten(shop.folder).tags))
    add_forgotten(shop.folder, ["C002"], at=AT.replace(day=23))
    delete_line(shop, f"- {tag}")
    assert ("C001" in read_forgotten(shop.folder), "C002" in read_forgotten(shop.folder)) == (False, True)
    assert forget(shop, "C003") == 1
    assert len(read_forgotten(shop.folder)) == 2


def _without(name: str):
    return lambda folder: (folder / name).unlink()


def _with(name: str, text: str):
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(_without(KEY_FILE), "forgotten customers would come back; bring it", id="key lost"),
        pytest.param(_without(LIST), "is not there, though its key", id="list lost"),
        pytest.param(_with(KEY_FILE, "00" * 32), "is not the key of forgotten.yml", id="another key"),
        pytest.param(_with(KEY_FILE, "never"), "cannot be read", id="no key"),
        pytest.param(_with(LIST, "key: 1\nforgotten: []\n"), "put back the one", id="another list"),
    ],
)
def test_nothing_is_read_while_the_list_cannot_be(shop: Shop, harm: Any, said: str) -> None:
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100", "C002,A1,2026-10-01,100"))
    forget(shop, "C001")
    shop.open()
    harm(shop.folder)
    with pytest.raises(ConfigError, match=said):
        shop.open()
    with pytest.raises(ConfigError, match=said):
        forget(shop, "C002")


@pytest.mark.parametrize("there", [(LIST,), (LIST, KEY_FILE)], ids=["before the key", "before the hashes"])
def test_a_first_request_that_was_cut_off_is_begun_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    written: list[str] = []
    whole = add_forgotten.__globals__["write_whole"]

    def cut_off(path: Path, content: str, **how: Any) -> None:
        if len(written) == len(there):
            raise OSError
        written.append(path.name)
        whole(path, content, **how)

    monkeypatch.setattr("crmreport.intake.forgotten.write_whole", cut_off)
    with pytest.raises(OSError):
        forget(shop, "C001")
    assert tuple(written) == there
    assert not read_forgotten(shop.folder), "nobody is on it yet"
    monkeypatch.setattr("crmreport.intake.forgotten.write_whole", whole)
    assert forget(shop, "C001") == 1
    assert "C001" in read_forgotten(shop.folder)


def test_a_store_is_not_kept_that_was_begun_before_somebody_was_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100", "C002,no day,A1,100"))
    build = building.build

    def meanwhile(*given: Any) -> None:
        build(*given)
        forget(shop, "C001")

    monkeypatch.setattr(building, "build", meanwhile)
    policies = {"quarantine_limit": 1.0}
    with pytest.raises(DataError, match="forgotten meanwhile; run again"):
        shop.open(policies=policies)
    assert not list(shop.workspace.store("shop").glob("*/*.parquet"))
    assert not list(shop.workspace.quarantine("shop").glob("*"))
    monkeypatch.setattr(building, "build", build)
    shop.put("sales.csv", csv_text("C001,A1,2026-10-01,100", "C002,A2,2026-10-01,100"))
    assert ids(shop.open(policies=policies), "order_lines") == ["C002"]
