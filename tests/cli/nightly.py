"""A small workspace whose client has a month to be made, whatever the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.produce.chapters import message, shows, write_chapter

CLIENT = """\
client: {id}
name: {{ja: 店, en: Shop}}
languages: [en]
timezone: {zone}
sources:
  order_lines:
    - path: data/orders.csv
      columns: {{customer_id: customer, order_id: order, ordered_at: day, revenue: yen}}
reports:
  assessment: {{chapters: [data_quality]}}
  monthly: {{chapters: [sales]}}
schedule: {{reports: [monthly]}}
"""


def write_client(root: Path, client: str, *, days_ago: int, zone: str = "Asia/Tokyo") -> None:
    """A client with an order a day, for ninety days up to so many days ago."""
    # The tests run commands, and commands go by the real clock.
    last = datetime.now(UTC).date() - timedelta(days=days_ago)
    home = root / "clients" / client
    (home / "data").mkdir(parents=True, exist_ok=True)
    (home / "client.yml").write_text(CLIENT.format(id=client, zone=zone), encoding="utf-8")
    lines = [f"c{i % 3},o{i},{last - timedelta(days=i)},1000" for i in range(90)]
    text = "\n".join(["customer,order,day,yen", *lines]) + "\n"
    (home / "data" / "orders.csv").write_text(text, encoding="utf-8")


def write_home(root: Path) -> Path:
    """A workspace of two chapters; ``shop`` has all of last month's orders, ``late`` has not."""
    for chapter in ("sales", "data_quality"):
        write_chapter(root / "notebooks", chapter, shows(message(chapter, "見出し", "Headline")))
    write_client(root, "shop", days_ago=-1)
    write_client(root, "late", days_ago=45)
    return root
