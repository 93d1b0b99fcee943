"""The two shipped client files against the model and against the demo shop's own books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from crmreport.config import Client
from crmreport.demo import DEMO_SEED
from crmreport.demo.master_files import RANKS
from crmreport.demo.orders import Books, keep_books
from crmreport.demo.places import EC, PHONE, STORES
from crmreport.demo.planted import in_missing_delivery
from crmreport.period import Period
from tests.demo.delivery import FEE, TRAINING, Delivery

CLIENTS = Path(__file__).parents[2] / "clients"


def load(client: str) -> Client:
    return Client.model_validate(YAML(typ="safe").load(CLIENTS / client / "client.yml"))


@pytest.fixture(scope="module")
def books() -> Books:
    return keep_books(DEMO_SEED, 1.0)


@pytest.mark.parametrize("client", ["demo", "completejourney"])
def test_client_files_are_valid(client: str):
    assert load(client).client == client


def test_control_totals_are_those_of_the_books(books: Books):
    for total in load("demo").control_totals:
        period = Period.parse(total.period)
        assert total.revenue == books.net_sales(period.start, period.end), total.period


def test_the_files_meet_the_recent_totals_to_the_yen(delivery: Delivery):
    totals = {t.period: t.revenue for t in load("demo").control_totals}
    for month in ("2026-08", "2026-09", "2026-10"):
        lines = delivery.lines[delivery.lines["day"].dt.strftime("%Y-%m") == month]
        assert Decimal(int(lines["amount"].sum())) == totals[month]


def test_the_month_with_the_missing_store_falls_short_by_that_store(delivery: Delivery, books: Books):
    totals = {t.period: t.revenue for t in load("demo").control_totals}
    june = delivery.lines[delivery.lines["day"].dt.strftime("%Y-%m") == "2026-06"]
    gone = books.lines[in_missing_delivery(books.lines)]
    goods = books.products["kind"].to_numpy()[gone["product"]] != "送料"
    short = totals["2026-06"] - Decimal(int(june["amount"].sum()))
    # What unreadable lines cost on top is a few thousand yen.
    assert 0 <= short - Decimal(int(gone.loc[goods, "amount"].sum())) < 40_000
    assert set(gone["day"].map(lambda d: date(2023, 11, 1).toordinal() + d)) <= set(
        range(date(2026, 6, 1).toordinal(), date(2026, 7, 1).toordinal())
    )


def test_every_mapped_header_and_rule_is_in_the_files(delivery: Delivery):
    sources = load("demo").sources
    headers = {
        "order_lines": set(delivery.raw.columns),
        "customers": set(delivery.member_rows.columns),
        "products": set(delivery.products.columns),
    }
    for table, there in headers.items():
        for source in sources[table]:
            assert set(source.columns.values()) <= there
            assert {rule.column for rule in source.rules} <= there
    excluded = {value for rule in sources["order_lines"][0].rules for value in rule.exclude or []}
    assert excluded == {FEE, TRAINING}
    stores = sources["order_lines"][0].codes["store_id"]
    assert stores == {**STORES, EC: "EC", PHONE: "電話受付"}
    assert load("demo").ranks == list(RANKS)
    assert (CLIENTS / "demo" / str(load("demo").brand.logo)).is_file()
