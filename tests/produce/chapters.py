"""A small workspace with two chapters that show what Report.show shows, without any client data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from ruamel.yaml import YAML

MIME = "application/vnd.crmreport.v1+json"


def shows(*items: dict[str, Any]) -> str:
    """Source of a cell that shows these items as Report.show would."""
    return (
        f"from IPython.display import display\ndisplay({{{MIME!r}: {{'items': {list(items)!r}}}}}, raw=True)"
    )


def message(chapter: str, ja: str, en: str) -> dict[str, Any]:
    def html(method: str, text: str) -> str:
        anchor = chapter.replace("_", "-")
        return f'<header class="message"><p class="method">{method}</p><h2 id="{anchor}">{text}</h2></header>'

    return {
        "kind": "message",
        "id": f"{chapter}.message",
        "text": {"ja": ja, "en": en},
        "html": {"ja": html("手法", ja), "en": html("Method", en)},
    }


def table(table_id: str, csv: str, *, head: tuple[str, ...] = ("項目", "売上（円）")) -> dict[str, Any]:
    rows = [line.split(",") for line in csv.strip().splitlines()]
    anchor = "tab-" + table_id.replace(".", "-").replace("_", "-")
    body = "".join(
        f'<tr><th scope="row">{r[0]}</th>' + "".join(f'<td class="num">{c}</td>' for c in r[1:]) + "</tr>"
        for r in rows[1:]
    )
    heads = "".join(f'<th scope="col">{h}</th>' for h in head)
    html = (
        f'<figure class="table" id="{anchor}"><div class="scroll"><table><caption>{table_id}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )
    columns = [
        {"name": n, "label": n.upper(), "format": "text" if i == 0 else "money"}
        for i, n in enumerate(rows[0])
    ]
    spec = {"title": table_id, "note": "n", "columns": columns}
    return {
        "kind": "table",
        "id": table_id,
        "csv": csv,
        "key": [rows[0][0]],
        "spec": {"ja": spec, "en": spec},
        "html": {"ja": html, "en": html},
    }


def finding(
    finding_id: str,
    *,
    severity: str = "critical",
    money: float | None = 1e6,
    rows: int | None = None,
    measure: str = "win_back",
    case: str = "",
    campaigns: dict[str, float | None] | None = None,
) -> dict[str, Any]:
    anchor = "finding-" + finding_id.replace(".", "-").replace("_", "-")
    text = {
        "ja": {
            "title": "優良顧客の離反",
            "what": "上位10%の顧客の6人に1人が半年来店していません。",
            "so_what": "年間の売上の8%にあたります。",
            "do_what": "対象の顧客に再来店のご案内を送ります。",
        },
        "en": {
            "title": "Top customers lapse",
            "what": "One in six of the top 10% has not bought for half a year.",
            "so_what": "They stand for 8% of a year's revenue.",
            "do_what": "Send them a return offer.",
        },
    }
    html = {
        k: f'<aside class="finding {severity}" id="{anchor}"><p class="title">{t["title"]}</p>'
        f'<p class="what">{t["what"]}</p></aside>'
        for k, t in text.items()
    }
    record = {
        "id": finding_id,
        "chapter": finding_id.split(".")[0],
        "severity": severity,
        "money": money,
        "measure": measure,
        "case": case,
        "facts": {},
        "list_rows": rows,
        "campaigns": campaigns or {},
    }
    return {"kind": "finding", "id": finding_id, "finding": record, "text": text, "html": html}


def write_chapter(
    folder: Path,
    chapter: str,
    *code: str,
    title: dict[str, str] | None = None,
    parameters: dict[str, dict[str, object]] | None = None,
    needs: tuple[str, ...] = ("order_lines",),
    prose: dict[str, str] | None = None,
) -> None:
    """Write ``<chapter>.ipynb`` and its declaration."""
    folder.mkdir(parents=True, exist_ok=True)
    parameters = parameters or {}
    new = nbformat.v4
    lines = ['client = "demo"', 'period = "2026-10"', 'lang = "ja"']
    lines += [f"{name} = {entry['default']!r}" for name, entry in parameters.items()]
    cells = [new.new_code_cell("\n".join(lines), id="params", metadata={"tags": ["parameters"]})]
    for lang, text in (prose or {}).items():
        cells.append(new.new_markdown_cell(text, id=f"what-{lang}", metadata={"tags": [f"lang-{lang}"]}))
        cells.append(
            new.new_markdown_cell(text, id=f"how-{lang}", metadata={"tags": [f"lang-{lang}", "how-to-read"]})
        )
    cells += [new.new_code_cell(source.strip(), id=f"code-{i}") for i, source in enumerate(code)]
    notebook = new.new_notebook(
        cells=cells,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, folder / f"{chapter}.ipynb")
    declared = {
        "chapter": chapter,
        "title": title or {"ja": chapter, "en": chapter},
        "needs": list(needs),
        "parameters": parameters,
    }
    with (folder / f"{chapter}.yml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(declared, file)


CLIENT = """\
client: shop
name: {ja: 花田商店, en: Hanada Shop}
languages: [ja, en]
sources:
  order_lines:
    - path: data/orders.csv
      columns: {customer_id: 会員番号, order_id: 伝票番号, ordered_at: 購入日, revenue: 金額}
reports:
  assessment:
    chapters: [sales, decile, data_quality]
"""


def write_shop(root: Path) -> Path:
    """A workspace with one client of three orders and three chapters."""
    data = root / "clients" / "shop" / "data"
    data.mkdir(parents=True)
    (root / "clients" / "shop" / "client.yml").write_text(CLIENT, encoding="utf-8")
    lines = [
        "会員番号,伝票番号,購入日,金額",
        "c1,o1,2026-10-01,1000",
        "c2,o2,2026-10-02,2000",
        "c1,o3,2026-09-09,500",
    ]
    (data / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    notebooks = root / "notebooks"
    kpi = (
        "kpi,spec,value,previous,year_ago\nrevenue,money,3000,500,\norders,count,2,1,4\n"
        "customers,count,2,1,2\nrepeat_rate,pct,0.25,0.2,0.251\n"
    )
    prose = {
        "ja": "### 何を見るか\n売上を**月ごと**に見ます。",
        "en": "### What it is\nRevenue by **month**.",
    }
    write_chapter(
        notebooks,
        "sales",
        shows(message("sales", "10月の売上は前月の6倍に増えた", "October revenue rose sixfold")),
        shows(table("sales.kpi", kpi, head=("指標", "書式", "値", "前月", "前年"))),
        title={"ja": "売上", "en": "Sales"},
        prose=prose,
    )
    lists = (
        "import os, pandas as pd\n"
        "rows = pd.DataFrame({'customer_id': ['001', '=1+1', '003'], 'reason': ['lapsed'] * 3,"
        " 'revenue': [1000.5, -20.0, 3.0], 'consent_mail': [True, True, False]})\n"
        "rows.to_parquet(os.environ['CRMREPORT_LISTS'] + '/decile.lapsed_top.parquet', index=False)"
    )
    write_chapter(
        notebooks,
        "decile",
        shows(message("decile", "上位10%が売上の51%を占める", "The top 10% bring 51% of revenue")),
        lists,
        shows(
            table("decile.deciles", "decile,revenue\n1,2000\n2,1000\n"), finding("decile.lapsed_top", rows=3)
        ),
        title={"ja": "デシル分析", "en": "Decile analysis"},
        parameters={
            "window_months": {
                "type": "int",
                "default": 12,
                "minimum": 1,
                "maximum": 60,
                "description": {"ja": "集計期間", "en": "Months"},
            }
        },
        prose=prose,
    )
    write_chapter(
        notebooks,
        "data_quality",
        shows(finding("data_quality.gap", severity="warning", money=None, measure="data_fix")),
        title={"ja": "データ品質", "en": "Data quality"},
    )
    return root
