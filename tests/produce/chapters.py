"""A small workspace with two chapters that show what Report.show shows, without any client data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from ruamel.yaml import YAML

MIME = "application/vnd.crmreport.v1+json"


def shows(*items: dict[str, Any]) -> str:
    """Source of a cell that shows these items as Report.show would."""
    return f"from IPython.display import display\ndisplay({{{MIME!r}: {{'items': {list(items)!r}}}}}, raw=True)"


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
    columns = [{"name": n, "label": n.upper(), "format": "text" if i == 0 else "money"} for i, n in enumerate(rows[0])]
    spec = {"title": table_id, "note": "n", "columns": columns}
    return {
        "kind": "table",
        "id": table_id,
        "csv": csv,
        "key": [rows[0][0]],
        "spec": {"ja": spec, "en": spec},
        "html": {"ja": html, "en": html},
    }


def finding(finding_id: str, *, severity: str = "critical", money: float | None = 1e6, rows: int | None = None,
            measure: str = "win_back") -> dict[str, Any]:
    anchor = "finding-" + finding_id.replace(".", "-").replace("_", "-")
    text = {
        "ja": {"title": "優良顧客の離反", "what": "上位10%の顧客の6人に1人が半年来店していません。",
               "so_what": "年間の売上の8%にあたります。", "do_what": "対象の顧客に再来店のご案内を送ります。"},
        "en": {"title": "Top customers lapse", "what": "One in six of the top 10% has not bought for half a year.",
               "so_what": "They stand for 8% of a year's revenue.", "do_what": "Send them a return offer."},
    }
    html = {k: f'<aside class="finding {severity}" id="{anchor}"><p class="title">{t["title"]}</p>'
               f'<p class="what">{t["what"]}</p></aside>' for k, t in text.items()}
    record = {"id": finding_id, "chapter": finding_id.split(".")[0], "severity": severity, "money": money,
              "measure": measure, "facts": {}, "list_rows": rows}
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
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
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
