"""What the page on deliveries shows is what the program reads."""

from __future__ import annotations

import re
from collections import UserDict
from pathlib import Path

from crmreport.config_file import load_client
from crmreport.deliver.mail import MailServer
from crmreport.deliver.model import MISSED, State
from tests.deliver.shops import publish

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deliver.md").read_text(encoding="utf-8")


def test_the_example_of_recipients_is_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    publish(tmp_path, delivery=example)
    mail, service = load_client(tmp_path / "clients" / "shop" / "client.yml", reports=False).delivery
    assert mail.to == ["board@example.co.jp", "marketing@example.co.jp"]
    assert mail.attach == ["pdf", "workbook"]
    assert service.url == "${CRMREPORT_SLACK_SHOP}"


def test_every_variable_of_the_page_is_read():
    told = set(re.findall(r"CRMREPORT_SMTP_([A-Z]+)", PAGE))
    asked: set[str] = set()

    class Asked(UserDict[str, str]):
        def __getitem__(self, key: str) -> str:
            asked.add(key.removeprefix("CRMREPORT_SMTP_"))
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            asked.add(str(key).removeprefix("CRMREPORT_SMTP_"))
            return super().__contains__(key)

    MailServer.from_environment(Asked(CRMREPORT_SMTP_HOST="localhost", CRMREPORT_SMTP_FROM="a@b.jp"))
    assert told == asked


def test_every_state_is_explained():
    rows = dict(re.findall(r"^\| (`.*?) \|.*\| (.*?) \|$", PAGE, re.MULTILINE))
    named = {state for row in rows for state in re.findall(r"`([a-z_]+)`", row)}
    assert set(State.__args__) - {"ready"} <= named
    assert [rows[f"`{state}`"] for state in MISSED] == ["tries again"] * 3
