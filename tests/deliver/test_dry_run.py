"""What would go, written down to be looked at: the default, which sends nothing."""

from __future__ import annotations

import json
import stat
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from crmreport.cli import main
from tests.deliver.conftest import BOARD, OWNER
from tests.deliver.shops import ASK, DELIVERY, PERIOD, outbox, publish

ONE = "delivery: [{{via: email, to: [board@hanada.example]{more}}}]\n"


def drafts(root: Path, report: str = "assessment") -> dict[str, EmailMessage]:
    """Drafts by their recipient."""
    found = [message_from_bytes(p.read_bytes(), policy=default) for p in outbox(root, report).glob("*.eml")]
    return {str(message["To"] or message["X-Delivery"]): message for message in found}


def names(message: EmailMessage) -> list[str]:
    return [part.get_filename() for part in message.iter_attachments()]


def test_nothing_is_sent_and_drafts_say_what_would_be(root, serve, capsys):
    server = serve()
    assert main(ASK) == 0
    assert server.tries == []
    assert set(drafts(root)) == {BOARD, OWNER}
    shown = capsys.readouterr()
    assert "a dry run, nothing is sent" in shown.out
    assert f"would go: email {BOARD} [ja]" in shown.out
    assert "花田商店様 2026年10月 月次CRMレポート" in shown.out
    assert "say --send" in shown.err


def test_a_draft_needs_no_mail_server(root):
    assert main(ASK) == 0
    message = drafts(root)[BOARD]
    assert message["From"] == "crmreport@sender-is-not-set.invalid"
    assert message["X-Unsent"] == "1"
    assert message["Content-Language"] == "ja"


def test_the_same_report_gives_the_same_bytes(root):
    def content() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in root.glob("reports/.outbox/**/*.eml")}

    main(ASK)
    before = content()
    main(ASK)
    assert content() == before


def test_drafts_of_an_earlier_version_are_removed(root):
    main(ASK)
    before = set(root.glob("reports/.outbox/**/*.eml"))
    publish(root, data="2")
    main(ASK)
    after = set(root.glob("reports/.outbox/**/*.eml"))
    assert len(after) == 2
    assert not before & after


def test_only_the_owner_may_read_the_outbox(root):
    main(ASK)
    for path in (root / "reports" / ".outbox").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


ATTACHED = {
    "the PDF when nothing is said": (
        "",
        ["shop_2026-10_assessment.ja.pdf", "shop_2026-10_assessment.en.pdf"],
    ),
    "one language": (", languages: [en]", ["shop_2026-10_assessment.en.pdf"]),
    "page and workbook": (
        ", languages: [en], attach: [html, workbook]",
        ["shop_2026-10_assessment.en.html", "shop_2026-10_assessment.en.xlsx"],
    ),
    "lists only when they are named": (
        ", languages: [ja], attach: [pdf, lists]",
        ["shop_2026-10_assessment.ja.pdf", "shop_2026-10_assessment_decile.lapsed_top.xlsx"],
    ),
    "nothing": (", attach: []", []),
}


@pytest.mark.parametrize(("more", "attached"), ATTACHED.values(), ids=ATTACHED.keys())
def test_what_is_attached(root, more, attached):
    publish(root, delivery=ONE.format(more=more))
    assert main(ASK) == 0
    message = drafts(root)[BOARD]
    assert names(message) == attached
    said = message.get_body(("plain",)).get_content()
    assert all(name in said for name in attached)
    assert ("顧客IDが含まれます" in said) == ("lists" in more)


def test_lists_are_pointed_out_before_they_go(root, capsys):
    publish(root, delivery=ONE.format(more=", attach: [lists]"))
    main(ASK)
    assert "holds customer ids" in capsys.readouterr().out


def test_two_languages_stand_below_each_other(root):
    publish(root, delivery=ONE.format(more=", languages: [en, ja]"))
    main(ASK)
    message = drafts(root)[BOARD]
    assert message["Subject"] == "Hanada Shop: monthly CRM report, October 2026"
    said = message.get_body(("plain",)).get_content()
    assert said.index("The top 10% bring 51%") < said.index("上位10%が売上の51%を占める")
    assert "1. en lapsed_top" in said
    assert message["Content-Language"] == "en, ja"


def test_the_footer_stands_once_at_the_end_where_mail_programs_fold_it(root):
    publish(root, delivery=DELIVERY.replace(", languages: [ja]", ""))
    main(ASK)
    said = drafts(root)[BOARD].get_body(("plain",)).get_content().splitlines()
    assert said.count("-- ") == 1
    assert said[-3:] == ["-- ", "社外秘｜花田商店", "Confidential | Hanada Shop"]


def test_the_end_of_the_report_is_named_only_where_definitions_stand_there(root):
    main(ASK)
    assert "巻末" not in drafts(root)[BOARD].get_body(("plain",)).get_content()


def test_a_list_is_called_by_its_finding(root):
    publish(root, delivery=ONE.format(more=", languages: [ja], attach: [lists]"))
    main(ASK)
    said = drafts(root)[BOARD].get_body(("plain",)).get_content()
    assert (
        "・施策リスト「ja lapsed_top」（Excel）：shop_2026-10_assessment_decile.lapsed_top.xlsx（1 kB）"
        in said
    )


def test_a_report_goes_to_those_it_is_for(root):
    delivery = (
        "delivery:\n"
        "- {via: email, to: [month@hanada.example], reports: [monthly], languages: [ja]}\n"
        "- {via: email, to: [all@hanada.example], languages: [ja]}\n"
    )
    publish(root, delivery=delivery)
    publish(root, report="monthly", delivery=delivery)
    main(ASK)
    main([*ASK, "--report", "monthly"])
    assert set(drafts(root)) == {"all@hanada.example"}
    assert set(drafts(root, "monthly")) == {"all@hanada.example", "month@hanada.example"}


def test_markup_in_a_name_is_text(root):
    publish(root, client_name={"ja": "<b>花田</b>&店", "en": "x"})
    main(ASK)
    message = drafts(root)[BOARD]
    assert message["Subject"].startswith("<b>花田</b>&店様")
    assert "&lt;b&gt;花田&lt;/b&gt;&amp;店 ご担当者様" in message.get_body(("html",)).get_content()


def test_a_long_japanese_subject_survives_its_folding(root):
    name = "株式会社花田商店ホールディングス 東日本 通信販売事業本部 顧客分析部"
    publish(root, client_name={"ja": name, "en": "x"})
    main(ASK)
    message = drafts(root)[BOARD]
    assert message["Subject"] == f"{name}様 2026年10月 月次CRMレポート"


def test_for_machines_it_is_one_document(root, capsys):
    assert main([*ASK, "--json"]) == 0
    shown = capsys.readouterr()
    (delivery,) = json.loads(shown.out)["deliveries"]
    assert delivery["dry_run"] is True
    assert [m["state"] for m in delivery["messages"]] == ["ready", "ready"]
    assert (root / delivery["messages"][0]["draft"]).is_file()
    assert len(delivery["messages"][0]["files"][0]["sha256"]) == 64
    assert shown.err == ""


def test_all_means_those_who_have_a_recipient(root, capsys):
    publish(root, "quiet", delivery="")
    publish(root, "other", delivery=DELIVERY.replace("hanada", "other"))
    assert main(["deliver", "--all", "--period", PERIOD, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["deliveries"]
    assert [each["client"] for each in found] == ["other", "shop"]
