from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crmreport.config import Client
from crmreport.intake import Store, open_store
from crmreport.workspace import Workspace

SALES = {
    "customer_id": "会員番号",
    "order_id": "伝票番号",
    "ordered_at": "購入日",
    "revenue": "金額",
}
MORE_TABLES = ("customers", "products", "sends", "web_events")
HEADER = "会員番号,伝票番号,購入日,金額"
LINES = ("C001,A1,2026-10-01,100", "C002,A2,2026-10-02,200", "C001,A3,2026-10-03,300")


def csv_text(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines, ""])


@dataclass(frozen=True)
class Shop:
    """A client's folder under test: put files in, open the store."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.client("shop")

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def client(self, *orders: dict[str, Any], **more: Any) -> Client:
        sources = {"order_lines": [{"path": "sales.csv", "columns": SALES} | o for o in orders or ({},)]}
        sources |= {t: more.pop(t) for t in MORE_TABLES if t in more}
        settings = {
            "client": "shop",
            "name": {"ja": "店", "en": "Shop"},
            "sources": sources,
            "reports": {"assessment": {"chapters": ["decile"]}},
        }
        return Client.model_validate(settings | more)

    def open(self, *orders: dict[str, Any], **more: Any) -> Store:
        return open_store(self.workspace, self.client(*orders, **more))

    def orders(self, *orders: dict[str, Any], **more: Any) -> pl.DataFrame:
        return pl.read_parquet(self.open(*orders, **more).table("order_lines"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty client folder."""
    made = Shop(Workspace(tmp_path))
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def workbook() -> Callable[[Path, list[list[Any]]], Path]:
    """Write rows into a workbook."""

    def write(path: Path, rows: list[list[Any]]) -> Path:
        import openpyxl

        book = openpyxl.Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(path)
        return path

    return write
