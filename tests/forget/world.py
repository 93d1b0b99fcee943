"""Two clients with the same customer in everything that is kept of them, and a look into every byte of it."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from crmreport.cli import main
from crmreport.deliver.journal import Entry, Journal
from crmreport.deliver.outbox import Outbox
from crmreport.produce.publish import write_record
from crmreport.workspace import Workspace
from tests.produce.chapters import finding, shows, write_chapter

WHO = "M-90017345"
"""In every table, list, draft and plan of both clients."""
ALSO = "会員90017346"
"""Another, not in ASCII."""
STAYS = "M-90017001"
PERIOD = "2026-10"
REPORT = f"reports/shop/{PERIOD}"
PARTIAL = f"reports/.partial/shop/{PERIOD}"
LISTS = ("decile.lapsed_top", "decile.silent")
BOARD = "board@hanada.example"
SENT_AT = "2026-11-02T08:00:00+00:00"

CLIENT = """\
client: {client}
name: {{ja: 花田商店, en: Hanada Shop}}
languages: [ja]
sources:
  order_lines:
    - {{path: data/orders.csv, columns: {{customer_id: id, order_id: order, ordered_at: day, revenue: yen}}}}
  customers:
    - path: data/members.csv
      columns: {{customer_id: id, joined_at: joined, consent_mail: mail, parent_id: family}}
  sends:
    - {{path: data/sends.csv, columns: {{campaign_id: campaign, customer_id: id, sent_at: at}}}}
  web_events:
    - path: data/web.csv
      columns: {{customer_id: id, visitor_id: visitor, at: at, event: event}}
policies: {{gross_margin_rate: 0.5, quarantine_limit: 1.0, guest_ids: [GUEST]}}
delivery:
  - {{via: email, to: [board@hanada.example], attach: [lists]}}
reports:
  assessment: {{chapters: [decile]}}
"""
MAKE_LISTS = """\
import os
import crmreport as cr
report = cr.open_report(client, period, lang)
rows = report.order_lines.select("customer_id").distinct().df().sort_values("customer_id")
rows = rows[rows["customer_id"].notna()].assign(reason="lapsed", last_date="2026-10-01", revenue=1000.5)
for name in {lists!r}:
    rows.to_parquet(os.environ["CRMREPORT_LISTS"] + f"/{{name}}.parquet", index=False)
"""
DRAW = ("--arms", "mail=0.75,rest=0.25", "--control", "rest", "--cost", "30", "--stratify", "none")


def write_world(root: Path) -> None:
    """Both clients with their published reports and all else that is kept; found by CRMREPORT_HOME."""
    made = [shows(finding(name, rows=99)) for name in LISTS]
    write_chapter(root / "notebooks", "decile", MAKE_LISTS.format(lists=LISTS), *made)
    for client in ("shop", "twin"):
        _write_client(root, client)
        assert main(["check", "--client", client, "--json"]) == 0
        # The client sends more: the store before it stays, and so does what was set aside beside it.
        with (root / "clients" / client / "data" / "orders.csv").open("a", encoding="utf-8") as file:
            file.write("M-90017002,late,2026-10-30,500\n")
        assert main(["plan-test", "--client", client, "--campaign", "m1", "--window-days", "60", *DRAW]) == 0
    assert main(["run", "--client", "shop", "--period", PERIOD, "--json"]) == 0
    shutil.copytree(root / "reports" / "shop", root / "reports" / "twin")
    shutil.copytree(root / "reports" / ".cache" / "shop", root / "reports" / ".cache" / "twin")
    assert main(["deliver", "--client", "shop", "--period", PERIOD]) == 0
    _write_journal(Workspace(root))
    _leave_behind(root)


def _write_client(root: Path, client: str) -> None:
    data = root / "clients" / client / "data"
    data.mkdir(parents=True)
    (data.parent / "client.yml").write_text(CLIENT.format(client=client), encoding="utf-8")
    people = [f"M-9001{7000 + i}" for i in range(120)] + [WHO, ALSO]
    orders = [
        f"{people[i * 7 % len(people)]},o{i},2026-{7 + i % 4:02d}-{1 + i * 11 % 28:02d},{1000 + i * 37 % 900}"
        for i in range(500)
    ]
    orders += ["Ｍ−９００１７３４５,wide,2026-10-05,700", f"{WHO},bad,no day,700", f"{STAYS},bad2,no day,1"]
    members = [f"{who},2026-01-{1 + i % 28:02d},yes,{WHO if i == 3 else ''}" for i, who in enumerate(people)]
    members += [f"{WHO},2026-02-30,no,"]
    sends = [f"c1,{who},2026-10-06" for who in people]
    web = [f"{WHO},v-77123,2026-10-07,view", ",v-77123,2026-10-06,cart", f"{STAYS},v-8,2026-10-07,view"]
    for name, head, lines in (
        ("orders", "id,order,day,yen", orders),
        ("members", "id,joined,mail,family", members),
        ("sends", "campaign,id,at", sends),
        ("web", "id,visitor,at,event", web),
    ):
        (data / f"{name}.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")


def _write_journal(workspace: Workspace) -> None:
    about = {"client": "shop", "period": PERIOD, "report": "assessment"}
    outbox = Outbox(workspace, **about)
    journal = Journal(outbox.folder, **about)
    files = {"shop_2026-10_assessment_decile.silent.xlsx": "0" * 64}
    journal.begin(Entry(BOARD, "email", "sending", "key", "<1@here>", SENT_AT, files))
    journal.end("sent")
    journal.begin(
        Entry("owner@hanada.example", "email", "sending", "key", "<2@here>", SENT_AT, {"a.pdf": "1"})
    )
    journal.end("sent")


def _leave_behind(root: Path) -> None:
    """An incomplete report beside the good one, and what killed runs leave."""
    folder = root / REPORT
    partial = root / PARTIAL
    shutil.copytree(folder / "lists", partial / "lists")
    record = record_of(folder) | {"status": "partial"}
    write_record(partial, record)
    shutil.copytree(folder, root / "reports" / ".staging" / "shop+2026-10+dead0000")
    (store,) = {p.parent for p in (root / "clients" / "shop" / ".store").glob("*/intake.json")} - {
        root / "clients" / "shop" / ".store" / record["store"]
    }
    shutil.copytree(store, store.with_name(".building-dead-x"))


def record_of(folder: Path) -> dict:
    """The record of a report."""
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def customers_of(path: Path) -> list[str]:
    """The first column of a CSV list."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, locks aside."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != ".lock" and ".locks" not in p.parts
    }


def kept_of_shop(root: Path) -> dict[str, bytes]:
    """Everything the program keeps of the shop; not the client's own files, and not its twin's."""
    home = root / "clients" / "shop"
    found = {f"clients/shop/{n}": b for n, b in tree(home).items() if not n.startswith("data/")}
    reports = {f"reports/{n}": b for n, b in tree(root / "reports").items()}
    return found | {name: data for name, data in reports.items() if "twin" not in name}


def holding(root: Path, who: str) -> set[str]:
    """Files kept of the shop that hold an id in any form: packed, encoded, or typed."""
    return {name for name, data in kept_of_shop(root).items() if _holds(name, data, who)}


def _holds(name: str, data: bytes, who: str) -> bool:
    return any(form in text for text in _unpacked(name, data) for form in _forms(who))


def _forms(who: str) -> Iterator[bytes]:
    yield from (who.encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be"))


def _unpacked(name: str, data: bytes) -> Iterator[bytes]:
    yield data
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(part) for part in archive.namelist())
    elif name.endswith(".parquet"):
        frame = pl.read_parquet(io.BytesIO(data))
        yield "\n".join(str(v) for column in frame for v in column.unique().to_list()).encode()
    elif name.endswith(".eml"):
        for part in email.message_from_bytes(data, policy=email.policy.default).walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield from _unpacked(part.get_filename() or "text", content)
