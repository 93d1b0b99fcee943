"""Published reports of small clients, made by hand: nothing but what a delivery reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from crmreport.cli import main
from crmreport.produce.planning.ingredients import chapter_key, report_key
from crmreport.produce.publish import write_record
from tests.produce.chapters import CLIENT, MIME, finding, message

PERIOD = "2026-10"
ASK = ["deliver", "--client", "shop", "--period", PERIOD]
SEND = [*ASK, "--send"]
DELIVERY = """\
prepared_by: {ja: CRM分析チーム, en: CRM analytics team}
footer: {ja: 社外秘｜花田商店, en: Confidential | Hanada Shop}
delivery:
  - {via: email, to: [board@hanada.example, owner@hanada.example], languages: [ja]}
"""
TOKEN = "canary-of-{client}-7391"
"""Stands in every file of a client; no other client's message may hold it."""


def publish(
    root: Path,
    client: str = "shop",
    *,
    period: str = PERIOD,
    report: str = "assessment",
    languages: tuple[str, ...] = ("ja", "en"),
    delivery: str = DELIVERY,
    pdf: bytes = b"",
    data: str = "1",
    **changes: Any,
) -> Path:
    """Write a client file and a report of it as a run leaves them.

    Args:
        delivery: More of client.yml.
        pdf: What the PDF holds besides.
        data: Digest of the client's files; another one is another report.
        changes: Of run.json.

    Returns:
        The folder of the report.
    """
    home = root / "clients" / client
    home.mkdir(parents=True, exist_ok=True)
    text = CLIENT.replace("client: shop", f"client: {client}") + "  monthly: {chapters: [decile]}\n"
    (home / "client.yml").write_text(text + delivery, encoding="utf-8")
    folder = root / "reports" / client / (period if report == "assessment" else f"{period}-{report}")
    token = TOKEN.format(client=client)
    for lang in languages:
        _write(
            folder / f"{report}.{lang}.pdf", f"%PDF-1.7 {lang} {token}\n".encode() + bytes(range(256)) + pdf
        )
        _write(folder / f"{report}.{lang}.html", f"<!doctype html><p>{lang} {token}".encode())
        _write(folder / f"tables.{lang}.xlsx", f"PK {lang} {token}".encode())
    _write(folder / "lists" / "decile.lapsed_top.xlsx", f"PK list {token}".encode())
    _write(folder / "lists" / "decile.lapsed_top.csv", b"customer_id\n001\n")
    items = [
        message("decile", f"上位10%が売上の51%を占める {token}", f"The top 10% bring 51% {token}"),
        *(_titled(finding(f"decile.{name}", money=money), name) for name, money in _FINDINGS.items()),
    ]
    _write(folder / "notebooks" / "decile.ipynb", _executed(items).encode())
    record = {
        "schema": 1,
        "status": "complete",
        "report": report,
        "client": client,
        "client_name": {"ja": "花田商店", "en": "Hanada Shop"},
        "title": {"ja": "月次CRMレポート", "en": "monthly CRM report"},
        "accent": "#8a1c4a",
        "period": period,
        "as_of": "2026-10-31",
        "languages": list(languages),
        "store": "store",
        "chapters": [
            {
                "chapter": "decile",
                "status": "done",
                "digests": {"notebook": "a"},
                "reused": False,
                "seconds": 1.0,
                "parameters": {},
                "reason": "",
                "warnings": 0,
            }
        ],
        "inputs": [],
        "flows": [],
        "kpis": [],
        "lists": {"decile.lapsed_top": {"rows": 1, "without_consent": 0}},
        "versions": {},
        "timings": {},
    }
    write_record(folder, _keyed({**record, **changes}, data))
    return folder


_FINDINGS = {"lapsed_top": 5e6, "second": 4e6, "third": 3e6, "fourth": 2e6}


def _titled(item: dict[str, Any], name: str) -> dict[str, Any]:
    item["text"] = {lang: {**text, "title": f"{lang} {name}"} for lang, text in item["text"].items()}
    return item


_GROUPS = ("code", "environment", "settings", "data", "run", "rendering")


def _keyed(record: dict[str, Any], data: str) -> dict[str, Any]:
    shared = {name: {"client": record["client"], "data": data} for name in _GROUPS}
    for chapter in record["chapters"]:
        chapter["key"] = chapter_key(shared, chapter["chapter"], chapter["digests"], {})
    return {**record, "digests": shared, "key": report_key(shared, [c["key"] for c in record["chapters"]])}


def change_record(folder: Path, **changes: Any) -> None:
    """Change run.json by hand."""
    path = folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **changes}, ensure_ascii=False), encoding="utf-8")


def outbox(root: Path, report: str = "assessment") -> Path:
    """Where the drafts and the journal of the shop's report are."""
    return root / "reports" / ".outbox" / "shop" / f"{PERIOD}-{report}"


def journal(root: Path) -> Path:
    """Who got what."""
    return outbox(root) / "sent.json"


def entries(root: Path) -> list[dict[str, Any]]:
    """The tries at recipients, oldest first."""
    return json.loads(journal(root).read_text(encoding="utf-8"))["entries"]


def told(capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    """Send, and take what ``--json`` says of every message."""
    capsys.readouterr()
    main([*SEND, "--json", *more])
    (delivery,) = json.loads(capsys.readouterr().out)["deliveries"]
    return delivery["messages"]


def _executed(items: list[dict[str, Any]]) -> str:
    new = nbformat.v4
    output = new.new_output("display_data", data={MIME: {"items": items}})
    return nbformat.writes(new.new_notebook(cells=[new.new_code_cell("show", id="show", outputs=[output])]))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
