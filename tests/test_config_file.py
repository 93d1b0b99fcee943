"""The client file: what is read, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmreport.config_file import file_secrets, load_client
from crmreport.errors import ConfigError

GOOD = """\
client: shop
name: {ja: 店, en: Shop}
sources:
  order_lines:
    - path: data/orders.csv
      columns: {customer_id: 会員番号, order_id: 伝票番号, ordered_at: 購入日, revenue: 金額}
      constants: {store_id: '007'}
policies:
  purchase_unit: order
  lifecycle: {slipping_days: 90, dormant_days: 180, lapsed_days: 365}
control_totals:
  - {period: 2026-10, revenue: 123456}
reports:
  assessment:
    chapters: [sales, decile]
"""

COLUMNS = "      columns: {customer_id: 会員番号, order_id: 伝票番号, ordered_at: 購入日, revenue: 金額}\n"


@pytest.fixture
def write(tmp_path: Path):
    """Write a client file into a small workspace and give its path."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for chapter in ("sales", "decile", "rfm"):
        (notebooks / f"{chapter}.ipynb").touch()

    def writer(text: str | bytes, folder: str = "shop") -> Path:
        path = tmp_path / "clients" / folder / "client.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


def test_a_good_file_is_read_with_its_defaults(write):
    client = load_client(write(GOOD))
    assert client.client == "shop"
    assert client.languages == ["ja", "en"]
    assert client.timezone == "Asia/Tokyo"
    assert client.sources["order_lines"][0].constants == {"store_id": "007"}
    assert client.control_totals[0].period == "2026-10"
    assert client.policies.lifecycle.lapsed_days == 365


def test_codes_that_look_like_numbers_keep_their_zeros(write):
    text = GOOD.replace("'007'", "007") + "ranks: [001, 002]\n"
    client = load_client(write(text))
    assert client.sources["order_lines"][0].constants == {"store_id": "007"}
    assert client.ranks == ["001", "002"]


def test_keys_of_a_code_list_may_be_bare_numbers(write):
    text = GOOD.replace("constants: {store_id: '007'}", "codes: {sex: {1: male, 2: female}}")
    assert load_client(write(text)).sources["order_lines"][0].codes == {"sex": {"1": "male", "2": "female"}}


def test_a_value_may_have_the_same_name_in_two_languages(write):
    names = "names:\n  ja: {SPR: 札幌, TYO: 東京}\n  en: {SPR: 札幌, TYO: Tokyo}\n"
    assert load_client(write(GOOD + names)).names["en"]["SPR"] == "札幌"


def test_a_byte_order_mark_is_no_fault(write):
    assert load_client(write(b"\xef\xbb\xbf" + GOOD.encode())).client == "shop"


MISTAKES = {
    "misspelt key": (
        ("purchase_unit: order", "purchase_unt: order"),
        "client.yml:9: policies.purchase_unt: unknown key; did you mean 'purchase_unit'?",
    ),
    "misspelt key at the top": (
        ("control_totals:", "control_total:"),
        "client.yml:11: control_total: unknown key; did you mean 'control_totals'?",
    ),
    "misspelt key in a list item": (
        ("constants:", "constant:"),
        "client.yml:7: sources.order_lines[0].constant: unknown key; did you mean 'constants'?",
    ),
    "key unlike any other lists those known": (
        ("purchase_unit: order", "zzz: 1"),
        "client.yml:9: policies.zzz: unknown key; known are revenue, points",
    ),
    "value not among the choices": (
        ("purchase_unit: order", "purchase_unit: orders"),
        "client.yml:9: policies.purchase_unit: 'orders' is not known; did you mean 'order'?",
    ),
    "unknown table": (
        ("  order_lines:", "  orderlines:"),
        "sources.orderlines: 'orderlines' is not known; did",
    ),
    "no order lines": (("  order_lines:", "  customers:"), "client.yml:3: sources: order_lines is missing"),
    "missing key": (
        ("client: shop\n", "currency: JPY\n"),
        "client.yml:1: client: is missing; add client: to the file",
    ),
    "missing key in a list item": (
        (COLUMNS, ""),
        "client.yml:5: sources.order_lines[0].columns: is missing; add columns: to sources.order_lines[0]",
    ),
    "source that is neither file nor query": (
        ("path: data/orders.csv\n      columns", "columns"),
        "client.yml:5: sources.order_lines[0]: needs path:, or query: and connection: ${ENV_NAME}",
    ),
    "query without a connection": (
        ("path: data/orders.csv", "query: SELECT 1"),
        "client.yml:5: sources.order_lines[0]: needs path:, or query: and connection: ${ENV_NAME}",
    ),
    "file and query": (
        ("constants:", "query: SELECT 1\n      connection: ${SHOP_DB}\n      constants:"),
        "client.yml:5: sources.order_lines[0]: has path: and query: or connection:; a source is a file or",
    ),
    "setting of files beside a query": (
        ("path: data/orders.csv", "query: SELECT 1\n      connection: ${SHOP_DB}\n      encoding: cp932"),
        "client.yml:5: sources.order_lines[0]: encoding: is said of files, and this is a query; take it out",
    ),
    "query that writes": (
        ("path: data/orders.csv", "query: DELETE FROM orders\n      connection: ${SHOP_DB}"),
        "client.yml:5: sources.order_lines[0].query: 'DELETE FROM orders': begins with DELETE; write one",
    ),
    "query with a variable": (
        ("path: data/orders.csv", "query: SELECT '${X}'\n      connection: ${SHOP_DB}"),
        "client.yml:5: sources.order_lines[0].query: \"SELECT '${X}'\": variables are read for secrets",
    ),
    "connection in plain text": (
        ("path: data/orders.csv", "query: SELECT 1\n      connection: postgresql://u:hunter2@db/shop"),
        "client.yml:6: sources.order_lines[0].connection: a secret stands in the file; write ${ENV_NAME}",
    ),
    "connection under a wrong key": (
        ("path: data/orders.csv", "path: postgresql://u:hunter2@db/shop"),
        "client.yml:5: sources.order_lines[0].path: (not shown) is an address; for a database write query:",
    ),
    "number where text belongs": (
        ("'007'", "7"),
        "client.yml:7: sources.order_lines[0].constants.store_id: 7 should be text; put it in quotes: '7'",
    ),
    "text where a number belongs": (
        ("slipping_days: 90", "slipping_days: ninety"),
        "client.yml:10: policies.lifecycle.slipping_days: 'ninety': should be a valid integer",
    ),
    "below its bound": (
        ("slipping_days: 90", "slipping_days: 0"),
        "client.yml:10: policies.lifecycle.slipping_days: 0: should be greater than or equal to 1",
    ),
    "thresholds out of order": (
        ("dormant_days: 180", "dormant_days: 80"),
        "client.yml:10: policies.lifecycle: days should rise from slipping to dormant to",
    ),
    "unknown zone": (
        ("policies:\n", "timezone: Tokyo\npolicies:\n"),
        "client.yml:8: timezone: 'Tokyo': not a time zone; use a name such as Asia/Tokyo",
    ),
    "colour of another form": (
        ("policies:\n", "brand: {accent: red}\npolicies:\n"),
        "client.yml:8: brand.accent: 'red' should be a colour such as '#8a1c4a'",
    ),
    "language without a name": (
        ("{ja: 店, en: Shop}", "{ja: 店}"),
        "name is not given in 'en'; add name.en",
    ),
    "unknown language": (("en: Shop", "eng: Shop"), "name.eng: 'eng' is not known; did you mean 'en'?"),
    "folder of another name": (
        ("client: shop", "client: store"),
        "client.yml:1: client: 'store' stands in the folder 'shop'; write client: shop",
    ),
    "unknown chapter": (
        ("[sales, decile]", "[sales, decil]"),
        "client.yml:15: reports.assessment.chapters[1]: no chapter 'decil'; did you mean 'decile'?",
    ),
    "chapter listed twice": (("[sales, decile]", "[sales, sales]"), "'sales' is listed twice; remove one"),
    "parameters of a chapter that is not run": (
        ("chapters: [sales, decile]", "chapters: [sales]\n    parameters: {rfm: {bins: 5}}"),
        "client.yml:16: reports.assessment.parameters.rfm: 'rfm' is not in chapters:",
    ),
    "no chapter": (
        ("[sales, decile]", "[]"),
        "client.yml:15: reports.assessment.chapters: []: List should",
    ),
    "report name with a slash": (
        ("  assessment:", "  ../x:"),
        "reports.../x: '../x' should be 1 to 64",
    ),
    "period of another form": (
        ("period: 2026-10", "period: 2026/10"),
        "client.yml:12: control_totals[0].period: period '2026/10' is not a period; write it as 2026-10",
    ),
    "axis on a column the products do not have": (
        ("policies:\n", "axes: {brand: [maker]}\npolicies:\n"),
        "client.yml:8: axes.brand[0]: no products column 'maker'; there are none yet",
    ),
    "path out of the folder": (
        ("data/orders.csv", "../other/data/orders.csv"),
        "client.yml:5: sources.order_lines[0].path: '../other/data/orders.csv' leaves the client's folder",
    ),
    "path out of the folder, the Windows way": (
        ("data/orders.csv", "..\\other\\orders.csv"),
        "leaves the client's folder",
    ),
    "no such segment map": (
        ("policies:\n", "segments: mine.yml\npolicies:\n"),
        "client.yml:8: segments: 'mine.yml' does not exist; put the file into clients/shop/",
    ),
    "rule with both lists": (
        ("constants:", "rules: [{name: t, column: c, keep: [a], exclude: [b]}]\n      constants:"),
        "client.yml:7: sources.order_lines[0].rules[0]: rule 't' needs exclude: or keep:, and only one",
    ),
    "password in plain text": (
        ("constants:", "password: hunter2\n      constants:"),
        "client.yml:7: sources.order_lines[0].password: a secret stands in the file; write ${ENV_NAME}",
    ),
    "variable that is not set": (
        ("constants:", "password: ${CRMREPORT_TEST_UNSET}\n      constants:"),
        "password: the environment variable CRMREPORT_TEST_UNSET is not set",
    ),
    "variable where no secret belongs": (
        ("data/orders.csv", "${HOME}/orders.csv"),
        "client.yml:5: sources.order_lines[0].path: '${HOME}/orders.csv': variables are read for secrets",
    ),
    "address with a token in plain text": (
        ("policies:\n", "delivery: [{via: apprise, url: 'slack://hunter2'}]\npolicies:\n"),
        "client.yml:8: delivery[0].url: a secret stands in the file; write ${ENV_NAME}",
    ),
    "address with a token under a wrong key": (
        ("policies:\n", "delivery: [{via: 'slack://hunter2'}]\npolicies:\n"),
        "client.yml:8: delivery[0].via: (not shown) is not known; known are email, apprise",
    ),
    "e-mail without an address": (
        ("policies:\n", "delivery: [{via: email}]\npolicies:\n"),
        "client.yml:8: delivery[0]: via: email needs to: with at least one address",
    ),
    "e-mail address of another form": (
        ("policies:\n", 'delivery: [{via: email, to: ["a@b.jp\\nBcc: c@d.jp"]}]\npolicies:\n'),
        "delivery[0].to[0]: 'a@b.jp\\nBcc: c@d.jp' should be one plain address such as name@example.co.jp",
    ),
    "e-mail address given twice": (
        ("policies:\n", "delivery: [{via: email, to: [a@b.jp, A@b.jp]}]\npolicies:\n"),
        "client.yml:8: delivery[0].to: 'a@b.jp' is listed twice; remove one",
    ),
    "e-mail address in two entries": (
        ("policies:\n", "delivery:\n- {via: email, to: [a@b.jp]}\n- {via: email, to: [A@b.jp]}\npolicies:\n"),
        "client.yml:10: delivery[1].to[0]: 'A@b.jp' gets assessment twice, also by clients/shop/client.yml:9",
    ),
    "one name for two values": (
        ("policies:\n", "names:\n  en: {東京: Tokyo, 札幌店: Sapporo, 札幌: Sapporo}\npolicies:\n"),
        "client.yml:9: names.en.札幌: 'Sapporo' is the name of '札幌店', too: a report could not tell them "
        "apart; give one of them another name",
    ),
    "delivery of a report there is not": (
        ("policies:\n", "delivery: [{via: email, to: [a@b.jp], reports: [monthly]}]\npolicies:\n"),
        "client.yml:8: delivery[0].reports[0]: the client has no 'monthly'; known are assessment",
    ),
    "delivery in a language the client has not": (
        (
            "policies:\n",
            "languages: [ja]\ndelivery: [{via: email, to: [a@b.jp], languages: [en]}]\npolicies:\n",
        ),
        "client.yml:9: delivery[0].languages[0]: the client has no 'en'; known are ja",
    ),
    "delivery of something else": (
        ("policies:\n", "delivery: [{via: email, to: [a@b.jp], attach: [list]}]\npolicies:\n"),
        "client.yml:8: delivery[0].attach[0]: 'list' is not known; did you mean 'lists'?",
    ),
    "schedule from a day": (
        ("policies:\n", "schedule: {since: 2026-04-01}\npolicies:\n"),
        "client.yml:8: schedule.since: '2026-04-01' should be a month such as 2026-04",
    ),
    "schedule of a report there is not": (
        ("policies:\n", "schedule: {reports: [assesment]}\npolicies:\n"),
        "client.yml:8: schedule.reports[0]: the client has no 'assesment'; did you mean 'assessment'?",
    ),
    "schedule before the month is over": (
        ("policies:\n", "schedule: {wait_days: 0}\npolicies:\n"),
        "client.yml:8: schedule.wait_days: 0: should be greater than or equal to 1",
    ),
    "key given twice": (
        ("policies:\n", "policies: {}\npolicies:\n"),
        "client.yml:9: key 'policies' is given twice, also on line 8; remove one",
    ),
    "tab as indent": (
        ("  purchase_unit", "\tpurchase_unit"),
        "client.yml:9: not YAML: the line begins with a tab; indent with spaces",
    ),
    "bracket left open": (
        ("[sales, decile]", "[sales, decile"),
        "client.yml:15: not YAML: did not find expected ',' or ']'",
    ),
    "tag": (
        ("name: {ja", "name: !!python/object:os.system {ja"),
        "client.yml:2: tag !!python/object:os.system is not read",
    ),
    "merge key": (("policies:\n", "policies:\n  <<: {a: 1}\n"), "client.yml:9: merge keys (<<) are not read"),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_line_key_value_and_way_out(write, change, message):
    old, new = change
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load_client(write(GOOD.replace(old, new, 1)))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
    assert str(caught.value).startswith("clients/shop/client.yml:")


def test_a_secret_never_shows_in_a_message(write):
    with pytest.raises(ConfigError) as caught:
        load_client(write(GOOD.replace("constants:", "password: hunter2\n      constants:")))
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_read_from_the_environment_and_hidden_in_the_repr(write, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    client = load_client(write(GOOD.replace("constants:", "password: ${SHOP_PASSWORD}\n      constants:")))
    assert client.sources["order_lines"][0].password == "hunter2"
    assert "hunter2" not in repr(client)


def test_the_secrets_a_file_is_read_with_are_its_passwords_that_are_set(write, monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    monkeypatch.setenv("CRMREPORT_TEST_URL", "json://hunter2")
    text = GOOD + "delivery: [{via: apprise, url: '${CRMREPORT_TEST_URL}'}]\n"
    assert file_secrets(
        write(text.replace("constants:", "password: ${SHOP_PASSWORD}\n      constants:"))
    ) == {"SHOP_PASSWORD": "hunter2"}
    assert file_secrets(write(text.replace("constants:", "password: ${UNSET}\n      constants:"))) == {}


def test_a_query_keeps_the_name_of_its_variable_and_needs_no_value(write, monkeypatch):
    monkeypatch.setenv("SHOP_DB", "postgresql://u:hunter2@db/shop")
    text = GOOD.replace("path: data/orders.csv", "query: SELECT 1\n      connection: ${SHOP_DB}")
    path = write(text)
    client = load_client(path)
    source = client.sources["order_lines"][0]
    assert (source.connection, source.variable, source.named) == (
        "${SHOP_DB}",
        "SHOP_DB",
        "SHOP_DB query e004ebd5",
    )
    assert file_secrets(path) == {}, "no chapter is to see it"
    monkeypatch.delenv("SHOP_DB")
    assert load_client(path) == client


def test_an_address_never_shows_in_a_message(write):
    for key in ("connection", "conection", "path", "query", "timezone"):
        text = GOOD.replace("path: data/orders.csv", f"{key}: postgresql://u:hunter2@db/shop")
        with pytest.raises(ConfigError) as caught:
            load_client(write(text))
        assert "hunter2" not in str(caught.value)


def test_all_mistakes_are_named_at_once_one_line_each(write):
    text = GOOD.replace("purchase_unit: order", "purchase_unit: orders").replace("constants:", "constant:")
    with pytest.raises(ConfigError) as caught:
        load_client(write(text))
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["7", "9"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "client.yml:1: holds no settings", id="empty file"),
        pytest.param(b"- a\n", "client.yml:1: holds no settings", id="a list"),
        pytest.param("name: 店".encode("cp932"), "is not UTF-8; save the file as UTF-8", id="cp932"),
        pytest.param(b"a: \x00", "not YAML: unacceptable character", id="NUL"),
        pytest.param(b"a: &x [*x]", "too many or too deeply nested", id="alias of itself"),
        pytest.param(
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(98, 104)
            ),
            "too many or too deeply nested",
            id="a bomb of aliases",
        ),
    ],
)
def test_what_is_no_client_file(write, content, message):
    with pytest.raises(ConfigError) as caught:
        load_client(write(content))
    assert message in str(caught.value)


def test_a_missing_client_names_the_nearest_one(write):
    path = write(GOOD)
    with pytest.raises(
        ConfigError, match=r"clients/shp/client\.yml: there is no such client .*; did you mean 'shop'"
    ):
        load_client(path.parent.parent / "shp" / "client.yml")


def test_an_absolute_path_may_be_a_share_but_not_another_client(write, tmp_path):
    write(GOOD, folder="other")
    share, theirs = tmp_path / "share" / "o.csv", tmp_path / "clients" / "other" / "data" / "o.csv"
    assert load_client(write(GOOD.replace("data/orders.csv", str(share)))).sources
    for path in (theirs, tmp_path / "clients" / "*" / "data" / "o.csv", tmp_path / "**" / "o.csv"):
        with pytest.raises(ConfigError, match="reaches into another client's folder"):
            load_client(write(GOOD.replace("data/orders.csv", f"'{path}'")))


def test_a_value_nobody_has_filled_in_is_one_fault_with_line_and_key(write):
    text = GOOD.replace("client: shop\n", "client: shop\ncurrency: TODO  # TODO: is it yen?\n")
    with pytest.raises(ConfigError) as refused:
        load_client(write(text))
    assert str(refused.value) == "clients/shop/client.yml:2: currency: still says TODO; write the value"


def test_a_name_with_the_word_todo_in_it_is_a_name(write):
    assert load_client(write(GOOD.replace("en: Shop", "en: TODO Shop"))).name["en"] == "TODO Shop"


def test_the_address_of_a_service_is_not_read_with_the_file(write, monkeypatch):
    monkeypatch.setenv("CRMREPORT_TEST_URL", "json://hunter2")
    text = GOOD + "delivery: [{via: apprise, url: '${CRMREPORT_TEST_URL}'}]\n"
    client = load_client(write(text))
    assert client.delivery[0].url == "${CRMREPORT_TEST_URL}"
    assert "hunter2" not in client.model_dump_json()


def test_a_column_may_be_called_url(write):
    client = load_client(write(GOOD.replace("revenue: 金額", "revenue: 金額, url: 頁")))
    assert client.sources["order_lines"][0].columns["url"] == "頁"


@pytest.mark.parametrize(
    ("section", "reports"),
    [
        pytest.param("", ["assessment"], id="no schedule: the first report"),
        pytest.param("schedule: {since: 2026-04}\n", ["assessment"], id="no reports named: the first"),
        pytest.param(
            "schedule: {reports: [monthly, assessment]}\n", ["monthly", "assessment"], id="as named"
        ),
        pytest.param("schedule: {reports: []}\n", [], id="an empty list leaves the client out"),
    ],
)
def test_which_reports_the_schedule_makes(write, section, reports):
    text = GOOD + "  monthly: {chapters: [sales]}\n" + section
    assert load_client(write(text)).scheduled_reports == reports
