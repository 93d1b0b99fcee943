"""Reports on disk without the making of them: run.json, the files it names, and last attempts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from crmreport.produce.attempts import Attempt, write_attempt
from crmreport.workspace import Workspace

HOSTILE = '<script>alert("1")</script> & "Söhne" ' + "とても長い名前の" * 20
KPIS = [
    ("revenue", "money", 25.3e6, "25.3百万円", "¥25.3 million"),
    ("buyers", "count", 2389.0, "2,389", "2,389"),
    ("orders", "count", 3262.0, "3,262", "3,262"),
    ("average_order_value", "money", 9766.0, "9,766円", "¥9,766"),
    ("new_customers", "count", 370.0, "370", "370"),
    ("repeat_share", "pct", 0.89, "89.0%", "89.0%"),
]


def write_report(
    root: Path,
    client: str,
    period: str,
    *,
    report: str = "assessment",
    partial: bool = False,
    beside: bool = False,
    revenue: float = 25.3e6,
    languages: tuple[str, ...] = ("ja", "en"),
    **changes: Any,
) -> Path:
    """Write a report's folder; ``partial`` ones go aside, as the run publishes them.

    Args:
        beside: Leave the complete report of that folder where it is.
        changes: Entries of run.json.
    """
    folder = root / "reports" / client / (period if report == "assessment" else f"{period}-{report}")
    stem = report
    if partial:
        folder, stem = root / "reports" / ".partial" / client / folder.name, f"{report}.partial"
    assert beside or not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{stem}.{lang}.{kind}" for lang in languages for kind in ("html", "pdf")]
    names += [f"tables.{lang}.xlsx" for lang in languages]
    names += ["index.html", *(f"index.{lang}.html" for lang in languages[1:])]
    for name in names:
        (folder / name).write_text(f'<!doctype html><title>{name}</title><p id="lists">{name}</p>')
    first = {"revenue": (revenue, f"{revenue / 1e6:.1f}百万円", f"¥{revenue / 1e6:.1f} million")}
    kpis = []
    for name, spec, value, ja, en in KPIS:
        value, ja, en = first.get(name, (value, ja, en))
        said = {lang: {"ja": ja, "en": en}[lang] for lang in languages}
        kpis.append({"id": name, "value": value, "spec": spec, "text": said})
    record = {
        "schema": 1,
        "status": "partial" if partial else "complete",
        "report": report,
        "client": client,
        "client_name": {
            lang: {"ja": f"{client}商店", "en": f"{client.title()} Shop"}[lang] for lang in languages
        },
        "title": {lang: {"ja": "CRMアセスメント", "en": "CRM assessment"}[lang] for lang in languages},
        "accent": "#8a1c4a",
        "period": period,
        "as_of": f"{period}-28" if len(period) == 7 and "Q" not in period else "2026-10-31",
        "languages": list(languages),
        "key": "k" * 20,
        "store": "s" * 20,
        "chapters": [_chapter("sales", "done"), _chapter("decile", "failed" if partial else "done")],
        "inputs": [],
        "flows": [],
        "kpis": kpis,
        "lists": {"decile.lapsed_top": {"rows": 151, "without_consent": 16}},
        "versions": {},
        "timings": {},
        "outputs": [{"path": name, "bytes": 9, "sha256": "ab" * 32} for name in sorted(names)],
    } | changes
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def _chapter(name: str, status: str) -> dict[str, Any]:
    return {
        "chapter": name,
        "status": status,
        "key": "c" * 20,
        "reused": False,
        "seconds": 1.0,
        "parameters": {},
        "reason": "cell 'table': ValueError: no deciles" if status == "failed" else "",
        "warnings": 0,
    }


def tried(
    root: Path,
    client: str,
    period: str,
    status: str = "complete",
    *,
    error: str = "",
    report: str = "assessment",
    at: str = "2026-11-02T06:00:00+00:00",
) -> None:
    """Record the last attempt at a report."""
    folder = period if report == "assessment" else f"{period}-{report}"
    code = {"complete": 0, "stopped": 130}.get(status, 4)
    write_attempt(
        Workspace(root),
        Attempt(
            client, period, report, ("ja", "en"), status, code, error, at, 12.3, "", f"{client}/{folder}"
        ),
    )


def write_shelf_of_all_kinds(root: Path) -> Path:
    """Three clients over some months: everything that can stand on a shelf."""
    (root / "clients").mkdir()
    for month in ("2026-07", "2026-08", "2026-10"):
        write_report(root, "hanada", month, revenue=int(month[-2:]) * 1e6)
        tried(root, "hanada", month)
    write_report(root, "aoba", "2026-08", revenue=40e6)
    write_report(root, "aoba", "2026-09", revenue=41e6)
    tried(root, "aoba", "2026-09", "failed", error="data/orders.csv: line 7 has 3 fields of 9; mend the file")
    write_report(root, "aoba", "2026-10", partial=True)
    tried(root, "aoba", "2026-10", "partial", error="1 of 8 chapters failed, first decile: no deciles")
    write_report(
        root, "aoba", "2026-Q3", report="monthly", title={"ja": "四半期報告書", "en": "Quarterly report"}
    )
    name = {"ja": HOSTILE, "en": HOSTILE}
    write_report(root, "odd", "2026-09", client_name=name, accent="red;}</style>")
    write_report(root, "odd", "2026-10", client_name=name, languages=("en",))
    tried(root, "odd", "2026-10", "stopped")
    write_report(root, "odd", "FY2025", client_name=name)
    (root / "reports" / "odd" / "2026-08").mkdir()
    (root / "reports" / "odd" / "2026-08" / "run.json").write_text('{"schema": 1, "status"')
    tried(root, "newcomer", "2026-10", "failed", error='clients/newcomer/client.yml: <b>"sources"</b> & more')
    return root
